//! Servers that lie, stall, close and send garbage: each becomes a finding, and readers of another server do not notice.

mod server;

use relaycore_load::Run;
use relaycore_load::mark::Mark;
use relaycore_load::plan::Plan;
use relaycore_load::report::{GroupReport, Report};
use server::{Answer, Request, Script, Server, answer, framed};
use std::thread;
use std::time::{Duration, Instant};

/// Longest time that a run may take: the plan says about a second.
const PATIENCE: Duration = Duration::from_secs(30);

/// How readers of the lying server ask for packets.
#[derive(Clone, Copy)]
enum Transport {
    Tcp,
    Udp,
}

/// Lets readers read of a server that follows `script`, and others of a good one beside it, in one thread.
fn run_against(script: Script, transport: Transport) -> Report {
    let (good, bad) = (Server::start(Script::good()), Server::start(script));
    let transport = match transport {
        Transport::Tcp => "tcp",
        Transport::Udp => "udp",
    };
    let plan = format!(
        r#"{{"duration_ms": 1200, "check_one_in": 1, "sources": [
            {{"kind": "publish", "url": "{}", "bitrate": 400000, "gop_ms": 200}},
            {{"kind": "publish", "url": "{}", "bitrate": 400000, "gop_ms": 200}}],
          "groups": [
            {{"name": "bad", "url": "{}", "count": 2, "transport": "{transport}"}},
            {{"name": "good", "url": "{}", "count": 2}}]}}"#,
        good.publish_url("cam"),
        bad.publish_url("cam"),
        bad.read_url("cam"),
        good.read_url("cam"),
    );
    let run = carry_out(&plan);
    let snapshot = run.snapshot();
    let report = run.stop();
    let playing: u64 = report.groups.iter().map(|group| group.playing).sum();
    let publishing: u64 = report.sources.iter().map(|source| source.publishing).sum();
    assert_eq!(
        (snapshot.playing, snapshot.publishing),
        (playing, publishing)
    );
    serde_json::to_vec(&report).unwrap();
    check_good_readers(&report.groups[1]);
    for finding in &report.findings {
        let example = &finding.example;
        assert!(example.len() < 1000, "{finding:?}");
        assert!(!example.contains(char::is_control), "{finding:?}");
    }
    report
}

/// Carries out a plan to its end.
fn carry_out(plan: &str) -> Run {
    let run = Run::new(Plan::parse(plan.as_bytes()).unwrap());
    let start = Instant::now();
    run.start().unwrap();
    while !run.snapshot().finished {
        assert!(start.elapsed() < PATIENCE, "the run does not end");
        thread::sleep(Duration::from_millis(10));
    }
    run
}

/// Does the same for each case, at once: they wait most of the time.
fn at_once<T: Send>(cases: impl IntoIterator<Item = T>, run: impl Fn(T) + Sync) {
    let run = &run;
    thread::scope(|scope| {
        for case in cases {
            scope.spawn(move || run(case));
        }
    });
}

/// Nobody who reads of the good server is disturbed.
fn check_good_readers(group: &GroupReport) {
    let units = group.access_units;
    assert_eq!((group.asked, group.playing, group.failed), (2, 2, 0));
    assert!(units.complete > 0, "{units:?}");
    assert_eq!((units.incomplete, units.corrupt, units.missing), (0, 0, 0));
    assert_eq!(
        (units.marked, units.content_checked),
        (units.complete, units.complete)
    );
    assert_eq!((group.packets.lost, group.packets.malformed), (0, 0));
}

/// Checks that a kind was found, and that its example says what people need to know.
#[track_caller]
fn check_found(report: &Report, kind: &str, example: &str) {
    let found = report.findings.iter().find(|finding| finding.kind == kind);
    let found = found.unwrap_or_else(|| panic!("no {kind} in {:?}", report.findings));
    assert!(
        found.count > 0 && found.example.contains(example),
        "{found:?}"
    );
}

/// Answers to a method what `make` says, and to others what a good server does.
fn instead_of(
    method: &'static str,
    make: impl Fn(&Request) -> Answer + Send + Sync + 'static,
) -> Script {
    Script::answering(move |request| {
        if request.method == method {
            make(request)
        } else {
            Answer::Good
        }
    })
}

#[test]
fn a_good_server_has_no_findings() {
    at_once([Transport::Tcp, Transport::Udp], |transport| {
        let report = run_against(Script::good(), transport);
        assert_eq!(report.findings, []);
        let group = &report.groups[0];
        assert_eq!((group.playing, group.failed), (2, 0));
        assert!(group.access_units.complete > 0);
    });
}

/// It is right to refuse wrong passwords, also without looking at them when there have been too many.
#[test]
fn a_server_that_refuses_wrong_passwords_has_no_findings() {
    let challenge = "WWW-Authenticate: Basic realm=\"a\"\r\n";
    at_once(
        [("401 Unauthorized", challenge), ("403 Forbidden", "")],
        |(status, headers)| {
            let server = Server::start(instead_of("DESCRIBE", move |request| {
                Answer::Bytes(answer(request, status, headers, ""))
            }));
            let run = carry_out(&format!(
                r#"{{"duration_ms": 500, "groups": [{{"name": "guessing", "url": "{}", "count": 3,
                "user": "anna", "password": "right", "wrong_password": true}}]}}"#,
                server.read_url("cam"),
            ));
            let report = run.stop();
            let group = &report.groups[0];
            assert_eq!(report.findings, [], "{status}");
            assert_eq!((group.playing, group.failed), (0, 0), "{status}");
            assert!(group.refused >= 3, "{status}");
        },
    );
}

#[test]
fn a_server_that_closes_after_each_request() {
    let report = run_against(
        Script::answering(|request| Answer::Last(answer(request, "200 OK", "", ""))),
        Transport::Tcp,
    );
    check_found(&report, "closed", "lost");
    assert!(report.groups[0].failed >= 2);
}

#[test]
fn a_server_that_answers_garbage() {
    let report = run_against(
        Script::answering(|_| Answer::Bytes(b"\x16\x03\x01 what?\0\r\n\r\n".repeat(20))),
        Transport::Tcp,
    );
    check_found(&report, "unreadable", "not RTSP");
}

#[test]
fn a_server_that_never_answers() {
    at_once(["OPTIONS", "DESCRIBE", "SETUP", "PLAY"], |method| {
        let report = run_against(instead_of(method, |_| Answer::Silence), Transport::Tcp);
        check_found(&report, "no_answer", "answer");
        assert_eq!(report.groups[0].playing, 0);
    });
}

#[test]
fn a_server_that_plays_and_sends_nothing() {
    at_once([Transport::Tcp, Transport::Udp], |transport| {
        let report = run_against(Script::forwarding(|_, _| ()), transport);
        check_found(&report, "no_picture", "plays");
        let group = &report.groups[0];
        assert_eq!((group.playing, group.failed), (2, 0));
        assert_eq!((group.access_units.complete, group.fairness.most), (0, 0));
    });
}

#[test]
fn a_server_that_sends_what_is_not_rtp() {
    at_once([Transport::Tcp, Transport::Udp], |transport| {
        let report = run_against(
            Script::forwarding(|packet, out| {
                framed(0, &packet[..11], out);
                framed(0, &[], out);
                framed(0, &[0; 40], out);
            }),
            transport,
        );
        check_found(&report, "malformed_rtp", "");
        assert!(report.groups[0].packets.malformed > 0);
        assert_eq!(report.groups[0].packets.received, 0);
    });
}

#[test]
fn a_server_that_sends_another_payload_type() {
    let report = run_against(
        Script::forwarding(|packet, out| {
            let mut packet = packet.to_vec();
            packet[1] ^= 1;
            framed(0, &packet, out);
        }),
        Transport::Tcp,
    );
    check_found(&report, "wrong_payload_type", "payload type 97");
}

#[test]
fn a_server_that_stalls_in_the_middle_of_a_packet() {
    let mut count = 0;
    let report = run_against(
        Script::forwarding(move |packet, out| {
            let start = out.len();
            framed(0, packet, out);
            count += 1;
            match count {
                ..20 => {}
                20 => out.truncate(start + packet.len() / 2),
                _ => out.truncate(start),
            }
        }),
        Transport::Tcp,
    );
    check_found(&report, "behind", "misses");
    assert!(report.groups[0].access_units.missing > 0);
}

#[test]
fn a_server_whose_messages_have_no_end() {
    let length = |length: &str| {
        format!("RTSP/1.0 200 OK\r\nCSeq: 2\r\nContent-Length: {length}\r\n\r\n").into_bytes()
    };
    let headers = b"X-Filler: 0123456789012345678901234567890123456789\r\n".repeat(5000);
    let messages = [
        length("99999999999999999999"),
        length("4000000000"),
        [b"RTSP/1.0 200 OK\r\n", headers.as_slice()].concat(),
        [b"RTSP/1.0 200 ".as_slice(), &b"OK ".repeat(100_000)].concat(),
    ];
    at_once(messages, |message| {
        let report = run_against(
            instead_of("DESCRIBE", move |_| Answer::Bytes(message.clone())),
            Transport::Tcp,
        );
        check_found(&report, "unreadable", "not RTSP");
    });
}

#[test]
fn a_server_that_drops_packets() {
    at_once([Transport::Tcp, Transport::Udp], |transport| {
        let mut count = 0;
        let report = run_against(
            Script::forwarding(move |packet, out| {
                count += 1;
                if count % 5 != 0 {
                    framed(0, packet, out);
                }
            }),
            transport,
        );
        check_found(&report, "lost_packets", "missing before sequence number");
        let group = &report.groups[0];
        assert!(group.packets.lost > 0);
        assert!(group.access_units.incomplete + group.access_units.missing > 0);
    });
}

#[test]
fn a_server_that_changes_bytes() {
    let report = run_against(
        Script::forwarding(|packet, out| {
            let mut packet = packet.to_vec();
            let last = packet.len() - 1;
            packet[last] ^= 0x55;
            framed(0, &packet, out);
        }),
        Transport::Tcp,
    );
    check_found(&report, "corrupt_access_unit", "other content");
    assert!(report.groups[0].access_units.corrupt > 0);
}

#[test]
fn a_server_that_sends_what_was_published_before() {
    // The first access units again and again, under new sequence numbers and times.
    let mut recorded: Vec<Vec<u8>> = Vec::new();
    let mut count = 0u16;
    let report = run_against(
        Script::forwarding(move |packet, out| {
            if recorded.len() < 30 {
                recorded.push(packet.to_vec());
            }
            let mut packet = recorded[usize::from(count) % recorded.len()].clone();
            let round = u32::from(count) / 30;
            packet[2..4].copy_from_slice(&count.to_be_bytes());
            let time = u32::from_be_bytes([packet[4], packet[5], packet[6], packet[7]]);
            packet[4..8].copy_from_slice(&time.wrapping_add(round * 900_000).to_be_bytes());
            framed(0, &packet, out);
            count += 1;
        }),
        Transport::Tcp,
    );
    check_found(&report, "repeated_access_unit", "again");
    assert!(report.groups[0].access_units.missing > 0);
}

#[test]
fn a_server_that_sends_marks_of_another_run() {
    let report = run_against(
        Script::forwarding(|packet, out| framed(0, &with_other_run(packet), out)),
        Transport::Tcp,
    );
    check_found(&report, "foreign_stream", "another run");
    assert_eq!(report.groups[0].access_units.complete, 0);
}

#[test]
fn a_server_that_sends_on_channels_that_no_track_has() {
    let report = run_against(
        Script::forwarding(|packet, out| {
            framed(77, packet, out);
            framed(0, packet, out);
        }),
        Transport::Tcp,
    );
    check_found(&report, "unknown_channel", "channel 77");
    assert!(report.groups[0].access_units.complete > 0);
}

#[test]
fn a_server_that_answers_setup_with_nonsense() {
    at_once(
        ["", ";;;=", "RTP/AVP;unicast", "RAW/RAW/UDP;server_port=0-0"],
        |transport| {
            let report = run_against(
                instead_of("SETUP", move |request| {
                    let headers = format!("Session: 5\r\nTransport: {transport}\r\n");
                    Answer::Bytes(answer(request, "200 OK", &headers, ""))
                }),
                Transport::Tcp,
            );
            check_found(&report, "no_transport", "transport");
        },
    );
}

#[test]
fn a_server_that_refuses_every_password() {
    let report = run_against(
        instead_of("DESCRIBE", |request| {
            let header = "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n";
            Answer::Bytes(answer(request, "401 Unauthorized", header, ""))
        }),
        Transport::Tcp,
    );
    check_found(&report, "password_missing", "password");
}

#[test]
fn a_server_that_redirects_without_end() {
    let report = run_against(
        Script::answering(|request| {
            let header = "Location: /cam\r\n";
            Answer::Bytes(answer(request, "302 Found", header, ""))
        }),
        Transport::Tcp,
    );
    check_found(&report, "redirected", "redirects");
}

#[test]
fn a_server_that_redirects_once_it_plays_or_records() {
    let redirect = |request: &Request| {
        let cseq = &request.cseq;
        let redirect =
            format!("REDIRECT rtsp://h/cam RTSP/1.0\r\nCSeq: {cseq}\r\nLocation: /cam\r\n\r\n");
        match &*request.method {
            "PLAY" | "RECORD" => Answer::GoodThen(redirect.into_bytes()),
            _ => Answer::Good,
        }
    };
    for script in [
        Script::answering(redirect),
        Script::answering_publishers(redirect),
    ] {
        let report = run_against(script, Transport::Tcp);
        check_found(&report, "redirected", "redirects");
    }
}

#[test]
fn a_server_that_sends_readers_elsewhere() {
    let report = run_against(
        instead_of("DESCRIBE", |request| {
            let header = "Location: rtsp://192.0.2.1/cam\r\n";
            Answer::Bytes(answer(request, "302 Found", header, ""))
        }),
        Transport::Tcp,
    );
    check_found(&report, "redirected", "192.0.2.1");
}

/// Frames without end, and requests without end, with the kind of finding that each is for a reader.
fn floods() -> [(Vec<u8>, &'static str); 2] {
    let mut frames = Vec::new();
    framed(0, &[0x80; 1000], &mut frames);
    let requests = b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n".repeat(2000);
    [
        (frames.repeat(200), "wrong_payload_type"),
        (requests, "flooded"),
    ]
}

#[test]
fn a_server_that_floods_its_readers() {
    at_once(floods(), |(flood, kind)| {
        let report = run_against(
            instead_of("PLAY", move |_| Answer::GoodThenFlood(flood.clone())),
            Transport::Tcp,
        );
        check_found(&report, kind, "");
    });
}

#[test]
fn a_server_that_floods_its_publishers() {
    at_once(floods(), |(flood, _)| {
        run_against(
            Script::answering_publishers(move |request| match &*request.method {
                "RECORD" => Answer::GoodThenFlood(flood.clone()),
                _ => Answer::Good,
            }),
            Transport::Tcp,
        );
    });
}

#[test]
fn a_server_that_refuses_to_be_published_to() {
    let report = run_against(
        Script::answering_publishers(|request| {
            Answer::Bytes(answer(request, "403 \x1b[31mNo\x07", "", ""))
        }),
        Transport::Tcp,
    );
    check_found(&report, "source_refused", "403");
    check_found(&report, "refused", "404");
    assert!(report.sources[1].failed > 0);
    assert_eq!(
        (report.sources[1].publishing, report.sources[0].publishing),
        (0, 1)
    );
}

#[test]
fn a_server_that_closes_once_it_is_published_to() {
    let report = run_against(
        Script::answering_publishers(|request| match &*request.method {
            "RECORD" => Answer::Last(answer(request, "200 OK", "Session: 1234\r\n", "")),
            _ => Answer::Good,
        }),
        Transport::Tcp,
    );
    check_found(&report, "source_closed", "lost");
}

#[test]
fn a_server_that_does_not_read_what_is_published() {
    let report = run_against(
        Script::answering_publishers(|request| match &*request.method {
            "RECORD" => Answer::GoodThenDeaf,
            _ => Answer::Good,
        }),
        Transport::Tcp,
    );
    check_found(&report, "no_picture", "plays");
}

#[test]
fn a_server_that_never_answers_its_publishers() {
    let report = run_against(
        Script::answering_publishers(|_| Answer::Silence),
        Transport::Tcp,
    );
    check_found(&report, "no_answer", "answer");
}

/// A packet whose mark, if it has one, is of another run.
fn with_other_run(packet: &[u8]) -> Vec<u8> {
    let mut packet = packet.to_vec();
    for place in 0..packet.len() {
        if let Some(mark) = Mark::read(&packet[place..]) {
            let run = mark.run ^ 1;
            let other = Mark { run, ..mark }.to_nal();
            packet[place..place + other.len()].copy_from_slice(&other);
        }
    }
    packet
}
