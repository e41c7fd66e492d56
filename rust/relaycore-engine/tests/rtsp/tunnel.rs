//! RTSP over HTTP: two connections and a cookie.

use crate::support::{Client, Feed, PATIENCE, Server, rtcp_kinds};
use relaycore_engine::session::{Protocol, SessionInfo};
use relaycore_proto::base64::encode;
use relaycore_proto::limits::Limits;
use relaycore_proto::rtcp::{ReceiverReport, ReportBlock, write_receiver_report};
use relaycore_proto::rtp::Ssrc;
use relaycore_proto::rtsp::message::Response;
use relaycore_proto::rtsp::version::Version;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// A client that speaks through a tunnel.
struct Tunnel {
    answers: Client,
    requests: TcpStream,
    cookie: String,
}

impl Tunnel {
    fn open(address: SocketAddr, cookie: &str) -> Self {
        let mut answers = Client::connect(address);
        let opened = get(&mut answers, cookie);
        assert_eq!((opened.status.0, opened.version), (200, Version::Http10));
        let kind = opened.headers.get("Content-Type");
        assert_eq!(kind, Some("application/x-rtsp-tunnelled"));
        Self {
            answers,
            requests: post(address, cookie),
            cookie: cookie.to_owned(),
        }
    }

    fn send(&mut self, bytes: &[u8]) {
        self.requests.write_all(encode(bytes).as_bytes()).unwrap();
    }

    fn request(&mut self, method: &str, uri: &str, headers: &[(&str, &str)]) -> Response {
        let text = self.answers.text(method, uri, headers);
        self.send(text.as_bytes());
        let response = self.answers.response();
        if let Some(session) = response.headers.get("Session") {
            self.answers.session = Some(session.to_owned());
        }
        response
    }

    fn status(&mut self, method: &str, uri: &str, headers: &[(&str, &str)]) -> u16 {
        self.request(method, uri, headers).status.0
    }

    fn play(&mut self, url: &str) {
        let transport = [("Transport", "RTP/AVP/TCP;unicast;interleaved=0-1")];
        assert_eq!(
            self.status("SETUP", &format!("{url}/trackID=0"), &transport),
            200
        );
        assert_eq!(self.status("PLAY", url, &[]), 200);
    }
}

/// Sends the GET of a tunnel and gives its answer.
fn get(client: &mut Client, cookie: &str) -> Response {
    client.send(
        format!(
            "GET /cam HTTP/1.0\r\nx-sessioncookie: {cookie}\r\n\
             Accept: application/x-rtsp-tunnelled\r\nPragma: no-cache\r\n\r\n"
        )
        .as_bytes(),
    );
    client.response()
}

/// Opens the connection of a tunnel's requests.
fn post(address: SocketAddr, cookie: &str) -> TcpStream {
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.set_nodelay(true).unwrap();
    let head = format!(
        "POST /cam HTTP/1.0\r\nX-SessionCookie: {cookie}\r\n\
         Content-Type: application/x-rtsp-tunnelled\r\nContent-Length: 32767\r\n\
         Expires: Sun, 9 Jan 1972 00:00:00 GMT\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).unwrap();
    socket
}

#[test]
fn a_tunnel_carries_a_session_whichever_shards_its_connections_meet() {
    let server = Server::open();
    server.engine.accept_http(true);
    let mut feed = Feed::started(&server.engine, "cam");
    let url = server.url("cam");
    let mut tunnels: Vec<_> = (0..3)
        .map(|number| {
            let mut tunnel = Tunnel::open(server.address, &format!("cookie{number}"));
            assert_eq!(tunnel.status("OPTIONS", &url, &[]), 200);
            let description = tunnel.request("DESCRIBE", &url, &[]);
            assert!(!description.body.is_empty());
            tunnel.play(&url);
            // One more connection, so that the shards take turns.
            (tunnel, Client::connect(server.address))
        })
        .collect();
    let sessions = server.engine.sessions();
    assert_eq!(sessions.len(), 3);
    let is_tunnelled = |session: &Arc<SessionInfo>| session.protocol == Protocol::RtspOverHttp;
    assert!(sessions.iter().all(is_tunnelled));
    feed.key(20_000);
    for (tunnel, _) in &mut tunnels {
        for _ in 0..10 {
            tunnel.answers.frame_on(0);
        }
        assert_eq!(tunnel.status("TEARDOWN", &url, &[]), 200);
        assert_eq!(server.ended().1, "the client ended it");
    }
}

#[test]
fn requests_may_be_cut_anywhere() {
    let server = Server::open();
    let mut tunnel = Tunnel::open(server.address, "cut");
    let text = tunnel.answers.text("OPTIONS", "*", &[]);
    for byte in encode(text.as_bytes()).bytes() {
        tunnel.requests.write_all(&[byte]).unwrap();
    }
    assert_eq!(tunnel.answers.response().status.0, 200);
}

#[test]
fn several_requests_come_encoded_each_for_itself_or_all_together() {
    let server = Server::open();
    let mut tunnel = Tunnel::open(server.address, "several");
    let texts = [(); 6].map(|()| tunnel.answers.text("OPTIONS", "*", &[]));
    let mut sent: String = texts[..3]
        .iter()
        .map(|text| encode(text.as_bytes()))
        .collect();
    sent += &encode(texts[3..].concat().as_bytes());
    tunnel.requests.write_all(sent.as_bytes()).unwrap();
    for cseq in 1..=6 {
        let response = tunnel.answers.response();
        assert_eq!(response.cseq(), Some(cseq.to_string().as_str()));
    }
}

#[test]
fn requests_that_come_with_the_head_of_the_post_are_not_lost() {
    let server = Server::open();
    let mut answers = Client::connect(server.address);
    assert_eq!(get(&mut answers, "early").status.0, 200);
    let text = answers.text("OPTIONS", "*", &[]);
    let mut requests = TcpStream::connect(server.address).unwrap();
    let head = "POST / HTTP/1.1\r\nx-sessioncookie: early\r\n\r\n";
    requests
        .write_all((head.to_owned() + &encode(text.as_bytes())).as_bytes())
        .unwrap();
    assert_eq!(answers.response().status.0, 200);
}

#[test]
fn the_connection_of_the_requests_may_be_opened_again() {
    let server = Server::open();
    let mut feed = Feed::started(&server.engine, "cam");
    let url = server.url("cam");
    let mut tunnel = Tunnel::open(server.address, "again");
    tunnel.play(&url);
    for closes_first in [true, false, true, false] {
        let earlier = tunnel.requests.try_clone().unwrap();
        let filler = Client::connect(server.address);
        if closes_first {
            tunnel.requests.shutdown(std::net::Shutdown::Both).unwrap();
        }
        tunnel.requests = post(server.address, &tunnel.cookie);
        assert_eq!(tunnel.status("GET_PARAMETER", &url, &[]), 200);
        // The one before is closed by the server, if it was not yet.
        assert_eq!((&earlier).read(&mut [0; 8]).unwrap(), 0);
        drop(filler);
    }
    tunnel.answers.kept(0);
    feed.picture(100);
    tunnel.answers.frame_on(0);
}

#[test]
fn a_request_goes_on_in_the_next_post_where_the_last_one_stopped() {
    let server = Server::open();
    let mut tunnel = Tunnel::open(server.address, "halves");
    let text = tunnel.answers.text("OPTIONS", "*", &[]);
    let (first, second) = text.split_at(15);
    tunnel.send(first.as_bytes());
    tunnel.requests.shutdown(std::net::Shutdown::Write).unwrap();
    // Closed by the server, which so has read all of it.
    assert_eq!(tunnel.requests.read(&mut [0; 8]).unwrap(), 0);
    tunnel.requests = post(server.address, "halves");
    tunnel.send(second.as_bytes());
    assert_eq!(tunnel.answers.response().status.0, 200);
}

#[test]
fn packets_of_the_client_come_with_its_requests() {
    let server = Server::open();
    let feed = Feed::started(&server.engine, "cam");
    let mut tunnel = Tunnel::open(server.address, "reports");
    tunnel.play(&server.url("cam"));
    let block = ReportBlock {
        ssrc: feed.stream.ssrc(0).unwrap(),
        fraction_lost: 1,
        cumulative_lost: 7,
        highest_sequence: 0,
        jitter: 0,
        last_sender_report: 0,
        delay_since_last_sender_report: 0,
    };
    let report = ReceiverReport {
        ssrc: Ssrc(1),
        reports: vec![block],
    };
    let mut compound = Vec::new();
    write_receiver_report(&mut compound, &report);
    let mut frame = vec![b'$', 1, 0, compound.len() as u8];
    frame.extend(compound);
    tunnel.send(&frame);
    assert_eq!(tunnel.status("OPTIONS", "*", &[]), 200);
    let counters = &server.engine.sessions()[0].counters;
    assert_eq!(counters.lost.load(Ordering::Relaxed), 7);
}

#[test]
fn credentials_are_asked_for_by_rtsp_alone() {
    let server = Server::with_login();
    let _feed = Feed::started(&server.engine, "cam");
    let url = server.url("cam");
    let mut tunnel = Tunnel::open(server.address, "login");
    let refused = tunnel.request("DESCRIBE", &url, &[]);
    assert_eq!((refused.status.0, refused.version), (401, Version::Rtsp10));
    let right = [("Authorization", "right")];
    assert_eq!(tunnel.status("DESCRIBE", &url, &right), 200);
}

#[test]
fn what_is_not_base64_ends_the_tunnel() {
    let server = Server::open();
    let mut tunnel = Tunnel::open(server.address, "broken");
    tunnel.requests.write_all(b"OPTIONS * RTSP/1.0!").unwrap();
    let response = tunnel.answers.response();
    assert_eq!(response.status.0, 400);
    assert!(response.reason.unwrap().contains("Base64"));
    tunnel.answers.wait_closed();
    // The name is free again.
    Tunnel::open(server.address, "broken");
}

#[test]
fn a_tunnel_ends_with_the_connection_of_its_answers_and_its_name_is_free() {
    let server = Server::open();
    let _feed = Feed::started(&server.engine, "cam");
    for _ in 0..3 {
        let mut tunnel = Tunnel::open(server.address, "name");
        tunnel.play(&server.url("cam"));
        let Tunnel {
            answers,
            mut requests,
            ..
        } = tunnel;
        drop(answers);
        assert_eq!(server.ended().0.path, "cam");
        assert_eq!(requests.read(&mut [0; 8]).unwrap_or(0), 0);
    }
}

#[test]
fn cookies_that_join_nothing_are_refused() {
    let server = Server::open();
    let long = "c".repeat(1000);
    for (method, cookie, status) in [
        ("POST", "unknown", "404"),
        ("GET", long.as_str(), "400"),
        ("GET", "", "400"),
        ("PUT", "unknown", "400"),
    ] {
        let mut client = Client::connect(server.address);
        let head = format!("{method} /cam HTTP/1.0\r\nx-sessioncookie: {cookie}\r\n\r\n");
        client.send(head.as_bytes());
        let answer = String::from_utf8(client.wait_closed()).unwrap();
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{answer}"
        );
    }
    let mut tunnel = Tunnel::open(server.address, "taken");
    let mut second = Client::connect(server.address);
    assert_eq!(get(&mut second, "taken").status.0, 400);
    assert_eq!(tunnel.status("OPTIONS", "*", &[]), 200);
}

#[test]
fn a_tunnel_without_session_is_closed_when_idle_and_one_with_a_session_says_goodbye() {
    let server = Server::with(Limits {
        idle_connection_s: 1,
        ..Limits::default()
    });
    let _feed = Feed::started(&server.engine, "cam");
    let mut playing = Tunnel::open(server.address, "playing");
    playing.play(&server.url("cam"));
    let mut idle = Tunnel::open(server.address, "idle");
    let mut half = Client::connect(server.address);
    assert_eq!(get(&mut half, "half").status.0, 200);
    idle.answers.wait_closed();
    half.wait_closed();
    assert_eq!(idle.requests.read(&mut [0; 8]).unwrap_or(0), 0);
    assert_eq!(playing.status("OPTIONS", "*", &[]), 200);
    assert!(server.engine.kick(&server.engine.sessions()[0].id));
    let rest = playing.answers.rest();
    let goodbye = rest.iter().rev().find(|(channel, _)| *channel == 1);
    assert!(rtcp_kinds(&goodbye.unwrap().1).contains(&"BYE"));
}
