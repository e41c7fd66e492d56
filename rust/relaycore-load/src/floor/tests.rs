use super::*;
use std::io::Read;
use std::time::Duration;

fn plan(kind: FloorKind) -> FloorPlan {
    FloorPlan {
        sockets: 3,
        bitrate: 2_000_000,
        fps: 50.0,
        seconds: 0.2,
        kind,
        sender_cpu: None,
        drain_cpu: None,
    }
}

/// What the plan gives; `None` where the system has no such call.
fn measured(plan: &FloorPlan) -> Option<FloorReport> {
    match measure(plan) {
        Err(error) if error.kind() == io::ErrorKind::Unsupported && !cfg!(target_os = "linux") => {
            None
        }
        outcome => Some(outcome.unwrap()),
    }
}

/// Checks what holds on any machine.
fn check(plan: &FloorPlan, report: &FloorReport, burst_bytes: u64, took: Duration) {
    let sockets = plan.sockets as u64;
    assert!(report.bursts > 0 && report.bursts <= (plan.seconds * plan.fps).ceil() as u64);
    assert_eq!(report.bytes, report.received_bytes);
    assert_eq!(report.bytes, report.latency_ms.count * burst_bytes);
    if report.blocked == 0 {
        assert_eq!(report.latency_ms.count, report.bursts * sockets);
    }
    assert_eq!(report.written_within_ms.count, report.bursts);
    for times in [report.latency_ms, report.written_within_ms] {
        let ordered = [
            0.0, times.min, times.p50, times.p90, times.p95, times.p99, times.p999, times.max,
        ];
        assert!(ordered.is_sorted(), "{ordered:?}");
        assert!(times.max > 0.0 && times.mean <= times.max);
        assert!(times.max <= 1000.0 * took.as_secs_f64(), "{times:?}");
    }
    assert!(report.cpu_seconds > 0.0 && report.cpu_seconds_per_gigabit > 0.0);
    assert!(report.seconds > 0.0);
}

#[test]
fn every_way_to_write_delivers_all_bytes() {
    for (kind, burst_bytes) in [
        (FloorKind::TcpBurst, 5000 + 5 * 4),
        (FloorKind::TcpPacket, 5000 + 5 * 4),
        (FloorKind::UdpOffload, 5000),
        (FloorKind::UdpSendmmsg, 5000),
        (FloorKind::UdpPacket, 5000),
    ] {
        let plan = plan(kind);
        let start = Instant::now();
        if let Some(report) = measured(&plan) {
            check(&plan, &report, burst_bytes, start.elapsed());
        }
    }
}

#[test]
fn bursts_of_one_packet_and_of_many_segmented_sends_arrive_whole() {
    // No more in all than a UDP socket keeps, so that nothing is lost on a machine that is busy.
    for (bitrate, burst_bytes) in [(1000, 31), (2_400_000, 75_000)] {
        for kind in [FloorKind::UdpOffload, FloorKind::UdpSendmmsg] {
            let plan = FloorPlan {
                bitrate,
                fps: 4.0,
                sockets: 1,
                ..plan(kind)
            };
            let start = Instant::now();
            if let Some(report) = measured(&plan) {
                check(&plan, &report, burst_bytes, start.elapsed());
            }
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn threads_are_pinned_or_the_reason_is_told() {
    let missing = |sender_cpu, drain_cpu| {
        let plan = FloorPlan {
            sender_cpu,
            drain_cpu,
            ..plan(FloorKind::TcpBurst)
        };
        measure(&plan).unwrap_err().to_string()
    };
    assert!(missing(Some(5000), None).contains("5000"));
    assert!(missing(None, Some(5000)).contains("5000"));
}

#[test]
fn plans_that_cannot_be_carried_out_are_refused() {
    let good = plan(FloorKind::TcpBurst);
    for bad in [
        FloorPlan {
            sockets: 0,
            ..good.clone()
        },
        FloorPlan {
            fps: f64::NAN,
            ..good.clone()
        },
        FloorPlan {
            seconds: 0.0,
            ..good.clone()
        },
        FloorPlan {
            bitrate: 10_000_000_000,
            fps: 0.1,
            ..good.clone()
        },
    ] {
        assert_eq!(
            measure(&bad).unwrap_err().kind(),
            io::ErrorKind::InvalidInput
        );
    }
    if let Some(limit) = platform::descriptor_limit().filter(|&limit| limit < 1_000_000) {
        let bad = FloorPlan {
            sockets: limit as usize,
            ..good
        };
        assert!(
            measure(&bad)
                .unwrap_err()
                .to_string()
                .contains("descriptors")
        );
    }
}

#[test]
fn a_connection_that_takes_no_more_gets_the_rest_first_and_no_burst_in_parts() {
    for kind in [FloorKind::TcpBurst, FloorKind::TcpPacket] {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let mut reader = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let writer = listener.accept().unwrap().0;
        writer.set_nonblocking(true).unwrap();
        let mut outlets = Connections::new(vec![TcpStream::from_std(writer)], kind).unwrap();
        let mut burst = Burst::new(1 << 20, true);
        let mut counts = sender::Counts::default();
        let mut number = 0;
        while counts.blocked < 3 {
            burst.stamp(burst::Stamp { number, time: 1 });
            outlets.write(&burst, true, &mut counts).unwrap();
            number += 1;
        }
        let taken = thread::spawn(move || {
            let mut bytes = Vec::new();
            reader.read_to_end(&mut bytes).unwrap();
            bytes
        });
        let end = Instant::now() + Duration::from_secs(20);
        outlets.finish(end, &mut counts).unwrap();
        assert!(Instant::now() < end);
        drop(outlets);
        let bytes = taken.join().unwrap();
        assert_eq!(bytes.len() as u64, counts.bytes);
        // The last two were not begun, since a rest was left.
        assert_eq!(bytes.len(), burst.bytes().len() * (number as usize - 2));
        for (number, found) in bytes.chunks(burst.bytes().len()).enumerate() {
            burst.stamp(burst::Stamp {
                number: number as u64,
                time: 1,
            });
            assert!(found == burst.bytes());
        }
    }
}
