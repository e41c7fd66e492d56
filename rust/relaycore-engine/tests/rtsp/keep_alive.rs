//! What keeps a session alive, and what ends one whose client is gone.

use crate::support::{Client, Feed, PATIENCE, Server, datagram, rtcp_kinds};
use relaycore_proto::limits::Limits;
use relaycore_proto::rtcp::{ReceiverReport, ReportBlock, write_receiver_report};
use relaycore_proto::rtp::Ssrc;
use relaycore_proto::rtsp::header::transport::Transport;
use std::net::UdpSocket;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// A playing session over datagrams, and what its client has.
struct Viewer {
    client: Client,
    _rtp: UdpSocket,
    rtcp: UdpSocket,
    id: String,
}

impl Viewer {
    fn new(server: &Server) -> Self {
        let url = server.url("cam");
        let mut client = Client::connect(server.address);
        let (response, [rtp, rtcp]) = client.setup_udp(&url, 0);
        let transport = Transport::parse(response.headers.get("Transport").unwrap()).unwrap();
        let (_, port) = transport.server_port.unwrap();
        rtcp.connect(("127.0.0.1", port)).unwrap();
        assert_eq!(client.status("PLAY", &url, &[]), 200);
        datagram(&rtp);
        let id = client.session.clone().unwrap();
        let id = id.split(';').next().unwrap().to_owned();
        Self {
            client,
            _rtp: rtp,
            rtcp,
            id,
        }
    }

    fn report(&self) {
        let mut compound = Vec::new();
        let report = ReceiverReport {
            ssrc: Ssrc(1),
            reports: Vec::new(),
        };
        write_receiver_report(&mut compound, &report);
        self.rtcp.send(&compound).unwrap();
    }
}

fn quick() -> Limits {
    Limits {
        session_timeout_s: 1,
        ..Limits::default()
    }
}

#[test]
fn requests_of_any_kind_and_reports_keep_a_session_alive() {
    let server = Server::with(quick());
    let _feed = Feed::started(&server.engine, "cam");
    let url = server.url("cam");
    let mut options = Viewer::new(&server);
    let mut parameter = Viewer::new(&server);
    let mut with_body = Viewer::new(&server);
    let mut describe = Viewer::new(&server);
    let reports = Viewer::new(&server);
    // The clock of this test are sessions that stay silent: three of them, one after the other.
    for _ in 0..3 {
        let silent = Viewer::new(&server);
        loop {
            assert_eq!(options.client.status("OPTIONS", &url, &[]), 200);
            assert_eq!(parameter.client.status("GET_PARAMETER", &url, &[]), 200);
            assert_eq!(describe.client.status("DESCRIBE", &url, &[]), 200);
            let mut text = with_body
                .client
                .text("SET_PARAMETER", &url, &[("Content-Length", "6")]);
            text += "a: b\r\n";
            with_body.client.send(text.as_bytes());
            assert_eq!(with_body.client.response().status.0, 200);
            reports.report();
            if let Some(ended) = server.ended_by_now() {
                assert_eq!(ended.id, silent.id);
                break;
            }
        }
        loop {
            if rtcp_kinds(&datagram(&silent.rtcp)).contains(&"BYE") {
                break;
            }
        }
    }
    assert_eq!(server.engine.sessions().len(), 5);
}

/// Some clients neither ask nor report over TCP: that they take packets shows that they are there.
#[test]
fn an_interleaved_reader_that_says_nothing_stays_while_it_takes_packets() {
    let server = Server::with(quick());
    let mut feed = Feed::started(&server.engine, "cam");
    let mut reader = Client::playing(&server, "cam", 1);
    for _ in 0..3 {
        let silent = Viewer::new(&server);
        let ended = loop {
            feed.picture(100);
            reader.frame_on(0);
            if let Some(ended) = server.ended_by_now() {
                break ended;
            }
        };
        assert_eq!(ended.id, silent.id);
    }
    assert_eq!(reader.status("OPTIONS", "*", &[]), 200);
    assert_eq!(server.engine.sessions().len(), 1);
}

#[test]
fn parameters_are_answered_with_and_without_body_and_session() {
    let server = Server::open();
    let _feed = Feed::started(&server.engine, "cam");
    let url = server.url("cam");
    let mut without = Client::connect(server.address);
    let mut with = Client::playing(&server, "cam", 1);
    for method in ["GET_PARAMETER", "SET_PARAMETER"] {
        for uri in [&url, &format!("{url}/"), "*"] {
            for body in ["", "packets_received\r\n", "a: b\r\n"] {
                for client in [&mut without, &mut with] {
                    let length = body.len().to_string();
                    let headers = [
                        ("Content-Type", "text/parameters"),
                        ("Content-Length", &length),
                    ];
                    let headers = if body.is_empty() {
                        &[][..]
                    } else {
                        &headers[..]
                    };
                    let text = client.text(method, uri, headers) + body;
                    client.send(text.as_bytes());
                    assert_eq!(client.response().status.0, 200, "{text}");
                }
            }
        }
    }
    assert_eq!(server.engine.sessions().len(), 1);
}

#[test]
fn a_session_of_datagrams_outlives_its_connection_only_while_its_receiver_reports() {
    let server = Server::with(quick());
    let mut feed = Feed::started(&server.engine, "cam");
    let Viewer {
        client,
        rtcp,
        id,
        _rtp: rtp,
    } = Viewer::new(&server);
    drop(client);
    let silent = Viewer::new(&server);
    loop {
        let mut compound = Vec::new();
        let report = ReceiverReport {
            ssrc: Ssrc(1),
            reports: Vec::new(),
        };
        write_receiver_report(&mut compound, &report);
        rtcp.send(&compound).unwrap();
        feed.picture(100);
        datagram(&rtp);
        if let Some(ended) = server.ended_by_now() {
            assert_eq!(ended.id, silent.id);
            break;
        }
    }
    assert_eq!(server.ended().0.id, id);
    assert_eq!(feed.stream.counters.readers.load(Ordering::Relaxed), 0);
}

#[test]
fn reports_are_heard_from_and_at_either_port() {
    let server = Server::open();
    let feed = Feed::started(&server.engine, "cam");
    // Ports that follow each other, as clients have them: a report from the first is known by that.
    let sockets = loop {
        let rtp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let next = rtp.local_addr().unwrap().port().checked_add(1);
        if let Some(Ok(rtcp)) = next.map(|port| UdpSocket::bind(("127.0.0.1", port))) {
            break [rtp, rtcp];
        }
    };
    let port = sockets[0].local_addr().unwrap().port();
    let mut client = Client::connect(server.address);
    let offer = format!("RTP/AVP;unicast;client_port={port}-{}", port + 1);
    let response = client.setup(&server.url("cam"), 0, &offer);
    let transport = Transport::parse(response.headers.get("Transport").unwrap()).unwrap();
    let (rtp, rtcp) = transport.server_port.unwrap();
    let lost = || {
        server.engine.sessions()[0]
            .counters
            .lost
            .load(Ordering::Relaxed)
    };
    let ways = sockets.iter().flat_map(|from| [(from, rtp), (from, rtcp)]);
    for (number, (from, to)) in (1..).zip(ways) {
        let report = ReceiverReport {
            ssrc: Ssrc(1),
            reports: vec![ReportBlock {
                ssrc: feed.stream.ssrc(0).unwrap(),
                fraction_lost: 0,
                cumulative_lost: number,
                highest_sequence: 0,
                jitter: 0,
                last_sender_report: 0,
                delay_since_last_sender_report: 0,
            }],
        };
        let mut compound = Vec::new();
        write_receiver_report(&mut compound, &report);
        from.send_to(&compound, ("127.0.0.1", to)).unwrap();
        let give_up = Instant::now() + PATIENCE;
        while lost() != number as u64 {
            assert!(Instant::now() < give_up, "report {number} is not heard");
            std::thread::yield_now();
        }
    }
}

#[test]
fn a_session_that_is_never_played_ends_with_its_connection() {
    let server = Server::open();
    let _feed = Feed::started(&server.engine, "cam");
    let mut client = Client::connect(server.address);
    client.setup_udp(&server.url("cam"), 0);
    drop(client);
    assert_eq!(server.ended().1, "the client closed the connection");
}

#[test]
fn an_idle_connection_is_closed_even_if_bytes_trickle_in() {
    let server = Server::with(Limits {
        idle_connection_s: 1,
        ..Limits::default()
    });
    let mut idle = Client::connect(server.address);
    let mut half = Client::connect(server.address);
    half.send(b"OPTIONS * RT");
    idle.wait_closed();
    half.wait_closed();
}
