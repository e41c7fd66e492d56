//! How far clients came on their way to a picture, told when they are gone.

use crate::support::publisher::Publisher;
use crate::support::tls::{certificate, secured};
use crate::support::{Client, Feed, PATIENCE, Server, datagram};
use relaycore_engine::decision::Answer;
use relaycore_engine::journey::Journey;
use relaycore_engine::session::{Protocol, SessionInfo, TransportKind};
use relaycore_engine::{Event, clock::now_ns};
use relaycore_proto::limits::Limits;
use relaycore_proto::rtcp::{ReceiverReport, write_receiver_report};
use relaycore_proto::rtp::Ssrc;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

const AGENT: (&str, &str) = ("User-Agent", "test/1");

/// A server that tells of attempts; who knows no password is challenged, and refused with a wrong one.
fn telling() -> Server {
    let server = Server::deciding(Limits::default(), |request| {
        Some(match request.authorization.as_deref() {
            _ if request.path != "locked" => Answer::Allow {
                user: None,
                ticket: 0,
            },
            Some("right") => Answer::Allow {
                user: None,
                ticket: 0,
            },
            Some("banned") => Answer::Refuse {
                status: 403,
                reason: "Not you".to_owned(),
            },
            _ => Answer::Challenge(vec!["Basic".to_owned()]),
        })
    });
    server.engine.set_certificate(Some(certificate()));
    server.engine.tell_journeys(true);
    server
}

fn journey(server: &Server) -> Box<Journey> {
    server.wait(|event| match event {
        Event::Journey(journey) => ControlFlow::Break(journey),
        other => ControlFlow::Continue(other),
    })
}

fn connect(server: &Server, secure: bool) -> Client {
    match secure {
        true => Client::of(secured(server.address)),
        false => Client::connect(server.address),
    }
}

/// Which stages were passed, in their order.
fn passed(journey: &Journey) -> Vec<&'static str> {
    let times = [
        ("connected", journey.arrival.connected),
        ("secured", journey.arrival.secured),
        ("authorised", journey.arrival.authorised),
        ("described", journey.arrival.described),
        ("set up", journey.set_up),
        ("playing", journey.playing),
        ("first packet", journey.first_packet),
        ("first picture", journey.first_picture),
    ];
    let passed: Vec<_> = times.into_iter().filter(|(_, time)| *time > 0).collect();
    assert!(passed.is_sorted_by_key(|(_, time)| *time), "{passed:?}");
    assert!(passed.iter().all(|(_, time)| *time <= now_ns()));
    passed.into_iter().map(|(name, _)| name).collect()
}

fn left_of(session: &SessionInfo) -> u64 {
    session.counters.left.load(Ordering::Relaxed)
}

/// Returns when `holds` does.
fn until(holds: impl Fn() -> bool) {
    let give_up = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < give_up, "it does not come");
        std::thread::yield_now();
    }
}

#[test]
fn an_attempt_without_a_session_says_how_far_it_came_and_why_no_further() {
    let server = telling();
    let _feeds = ["cam", "locked"].map(|path| Feed::started(&server.engine, path));
    let describe = |path: &'static str, credentials: Option<&'static str>| {
        move |client: &mut Client, server: &Server| {
            let mut headers = vec![AGENT];
            headers.extend(credentials.map(|it| ("Authorization", it)));
            client.status("DESCRIBE", &server.url(path), &headers);
        }
    };
    let datagrams = |client: &mut Client, server: &Server| {
        let url = server.url("cam");
        assert_eq!(client.status("DESCRIBE", &url, &[AGENT]), 200);
        let response = client.setup(&url, 0, "RTP/AVP;unicast");
        assert_eq!(response.status.0, 461);
    };
    type Act = Box<dyn Fn(&mut Client, &Server)>;
    let cases: [(Act, &[&str], u16, bool); 7] = [
        (Box::new(|_, _| {}), &["connected"], 0, false),
        (
            Box::new(describe("locked", None)),
            &["connected"],
            401,
            false,
        ),
        (
            Box::new(describe("locked", Some("wrong"))),
            &["connected"],
            401,
            true,
        ),
        (
            Box::new(describe("locked", Some("banned"))),
            &["connected"],
            403,
            true,
        ),
        (
            Box::new(describe("nowhere", None)),
            &["connected", "authorised"],
            404,
            false,
        ),
        (
            Box::new(describe("cam", None)),
            &["connected", "authorised", "described"],
            0,
            false,
        ),
        (
            Box::new(datagrams),
            &["connected", "authorised", "described"],
            461,
            false,
        ),
    ];
    for secure in [false, true] {
        for (act, stages, status, credentials) in &cases {
            let mut client = connect(&server, secure);
            if secure {
                // The handshake is over when something came back.
                assert_eq!(client.status("OPTIONS", "*", &[]), 200);
            }
            act(&mut client, &server);
            drop(client);
            let journey = journey(&server);
            let mut expected = stages.to_vec();
            if secure {
                expected.insert(1, "secured");
            }
            assert_eq!(passed(&journey), expected);
            assert_eq!(
                (journey.status, journey.has_credentials),
                (*status, *credentials)
            );
            assert_eq!(
                (journey.protocol, journey.is_secure),
                (Protocol::Rtsp, secure)
            );
            let asked = stages.len() > 1 || *status > 0;
            assert_eq!(journey.user_agent.as_deref(), asked.then_some("test/1"));
            assert_eq!(journey.path.is_some(), asked);
            assert_eq!(journey.reason, Some("the client closed the connection"));
            assert_eq!(journey.transport, None);
        }
    }
}

#[test]
fn what_was_passed_after_a_refusal_makes_it_forgotten() {
    let server = telling();
    let _feed = Feed::started(&server.engine, "locked");
    let mut client = connect(&server, false);
    let url = server.url("locked");
    assert_eq!(client.status("DESCRIBE", &url, &[]), 401);
    let right = [("Authorization", "right")];
    assert_eq!(client.status("DESCRIBE", &url, &right), 200);
    drop(client);
    let journey = journey(&server);
    assert_eq!(passed(&journey), ["connected", "authorised", "described"]);
    assert_eq!(journey.status, 0);
}

/// A session that was set up over datagrams or not, and its sockets.
fn set_up(
    server: &Server,
    client: &mut Client,
    datagrams: bool,
) -> (Arc<SessionInfo>, Option<[std::net::UdpSocket; 2]>) {
    let url = server.url("cam");
    assert_eq!(client.status("DESCRIBE", &url, &[AGENT]), 200);
    let sockets = match datagrams {
        true => Some(client.setup_udp(&url, 0).1),
        false => {
            client.setup_tcp(&url, 1);
            None
        }
    };
    (server.engine.sessions().pop().unwrap(), sockets)
}

#[test]
fn a_session_says_how_far_it_came_at_any_time() {
    let server = telling();
    let mut feed = Feed::new(&server.engine, "cam");
    for (datagrams, secure) in [(false, false), (true, false), (false, true)] {
        let mut client = connect(&server, secure);
        let (session, sockets) = set_up(&server, &mut client, datagrams);
        let stages = |count: usize| {
            let all = [
                "connected",
                "secured",
                "authorised",
                "described",
                "set up",
                "playing",
                "first packet",
                "first picture",
            ];
            let all = all.into_iter().filter(|name| secure || *name != "secured");
            all.take(count + usize::from(secure)).collect::<Vec<_>>()
        };
        assert_eq!(passed(&session.journey()), stages(4));
        assert_eq!(client.status("PLAY", &server.url("cam"), &[]), 200);
        feed.key(1000);
        until(|| session.journey().first_picture > 0);
        match &sockets {
            Some([rtp, _]) => drop(datagram(rtp)),
            None => drop(client.frame_on(0)),
        }
        let journey = session.journey();
        assert_eq!(passed(&journey), stages(7));
        assert_eq!((journey.ended, journey.is_secure), (0, secure));
        let transport = match datagrams {
            true => TransportKind::Udp,
            false => TransportKind::Tcp,
        };
        assert_eq!(journey.transport, Some(transport));
        assert_eq!(client.status("TEARDOWN", &server.url("cam"), &[]), 200);
        let (ended, _) = server.ended();
        let journey = ended.journey();
        assert!(journey.first_picture <= journey.served_until);
        assert!(journey.served_until <= journey.ended);
    }
}

#[test]
fn each_session_of_a_connection_is_an_attempt() {
    let server = telling();
    let _feed = Feed::started(&server.engine, "cam");
    let mut client = connect(&server, false);
    let (first, _) = set_up(&server, &mut client, false);
    assert_eq!(client.status("TEARDOWN", &server.url("cam"), &[]), 200);
    server.ended();
    client.session = None;
    let (second, _) = set_up(&server, &mut client, false);
    let second = second.journey();
    assert_eq!(
        passed(&second),
        ["connected", "authorised", "described", "set up"]
    );
    assert!(first.journey().ended <= second.arrival.connected);
    assert_eq!(client.status("TEARDOWN", &server.url("cam"), &[]), 200);
    client.session = None;
    let refused = client.setup(&server.url("cam"), 9, "RTP/AVP/TCP;interleaved=0-1");
    assert_eq!(refused.status.0, 404);
    drop(client);
    let journey = journey(&server);
    assert_eq!(passed(&journey), ["connected", "authorised"]);
    assert_eq!(journey.status, 404);
}

#[test]
fn a_reader_of_datagrams_that_is_gone_was_served_until_it_left() {
    let server = telling();
    let mut feed = Feed::started(&server.engine, "cam");
    let mut client = connect(&server, false);
    let (session, sockets) = set_up(&server, &mut client, true);
    assert_eq!(client.status("PLAY", &server.url("cam"), &[]), 200);
    let before = now_ns();
    drop(client);
    until(|| session.journey().served_until < now_ns() && left_of(&session) > before);
    let left = left_of(&session);
    feed.picture(100);
    assert_eq!(session.journey().served_until, left);
    // A report shows that it is there.
    let [_, rtcp] = sockets.unwrap();
    let mut report = Vec::new();
    let (ssrc, reports) = (Ssrc(7), Vec::new());
    write_receiver_report(&mut report, &ReceiverReport { ssrc, reports });
    let sender = datagram(&rtcp);
    assert!(!sender.is_empty());
    let mut buffer = [0; 2048];
    let give_up = Instant::now() + PATIENCE;
    while left_of(&session) > 0 {
        assert!(Instant::now() < give_up);
        let (_, from) = match rtcp.peek_from(&mut buffer) {
            Ok(found) => found,
            Err(error) => panic!("{error}"),
        };
        rtcp.send_to(&report, from).unwrap();
        std::thread::yield_now();
    }
}

#[test]
fn publishers_and_browsers_are_no_attempts_to_read() {
    let server = telling();
    drop(Publisher::recording(&server, "pushed"));
    server.ended();
    let mut browser = connect(&server, false);
    browser.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    browser.wait_closed();
    drop(browser);
    until(|| server.engine.connections() == 0);
    let mut last = connect(&server, false);
    assert_eq!(last.status("OPTIONS", "*", &[AGENT]), 200);
    drop(last);
    let told = std::iter::from_fn(|| Some(journey(&server)));
    let told: Vec<_> = told.take_while(|told| told.user_agent.is_none()).collect();
    // The publisher has opened a connection for nothing but its port.
    let stages: Vec<_> = told
        .iter()
        .map(|told| (passed(told), told.path.is_some()))
        .collect();
    assert_eq!(stages, [(vec!["connected"], false)]);
}

#[test]
fn nothing_is_told_that_nobody_asked_for() {
    let server = telling();
    server.engine.tell_journeys(false);
    let mut client = connect(&server, false);
    assert_eq!(client.status("OPTIONS", "*", &[AGENT]), 200);
    drop(client);
    until(|| server.engine.connections() == 0);
    server.engine.tell_journeys(true);
    drop(connect(&server, false));
    assert_eq!(journey(&server).user_agent, None);
}

#[test]
fn what_no_request_can_be_is_told_as_refused_and_so_are_connections_too_many() {
    let server = Server::with(Limits {
        connections: 1,
        ..Limits::default()
    });
    server.engine.tell_journeys(true);
    let mut client = Client::connect(server.address);
    assert_eq!(client.status("OPTIONS", "*", &[]), 200);
    let mut other = Client::connect(server.address);
    assert_eq!(other.response().status.0, 503);
    drop(other);
    assert_eq!(journey(&server).status, 503);
    client.send(b"\0\0\0\0\r\n\r\n");
    client.wait_closed();
    let told = journey(&server);
    assert_eq!((told.status, passed(&told)), (400, vec!["connected"]));
}
