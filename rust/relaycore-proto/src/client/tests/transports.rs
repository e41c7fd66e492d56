//! Interleaved, over UDP, and from one to the other.

use super::*;

const REFUSED: &str = "461 Unsupported Transport";

/// A client that has connected; ports are bound when it asks for some.
fn run(transport: TransportChoice, mut server: impl FnMut(&Request) -> String) -> Run {
    let mut run = Run::new("rtsp://cam/a", transport);
    run.connect();
    serve(&mut run, &mut server);
    run
}

fn serve(run: &mut Run, mut server: impl FnMut(&Request) -> String) {
    run.serve(|request| Some(server(request)));
    if run.events.last() == Some(&Event::Bind { tracks: 2 }) {
        run.client.bound(Vec::from([5000, 5002]), run.now);
        run.collect();
        run.serve(|request| Some(server(request)));
    }
}

fn is_tcp(request: &Request) -> bool {
    request
        .headers
        .get("Transport")
        .is_some_and(|transport| transport.contains("TCP"))
}

/// `Transport` headers of the requests so far, shortened.
fn asked(run: &Run) -> Vec<&str> {
    let transports = run
        .requests
        .iter()
        .filter_map(|request| request.headers.get("Transport"));
    transports
        .map(|transport| transport.rsplit(';').next().unwrap())
        .collect()
}

#[test]
fn datagrams_go_to_the_ports_that_were_bound() {
    let run = run(TransportChoice::Udp, usual_answer);
    assert_eq!(
        asked(&run),
        ["client_port=5000-5001", "client_port=5002-5003"]
    );
    let [.., Event::Ready(tracks), Event::Playing(_)] = run.events.as_slice() else {
        panic!("{:?}", run.events);
    };
    let expected = Delivery::Datagrams {
        server_ports: Some((6000, 6001)),
        source: None,
    };
    assert!(tracks.iter().all(|ready| ready.delivery == expected));
}

#[test]
fn a_transport_that_is_refused_gives_way_to_the_other() {
    let udp_only = |request: &Request| {
        if is_tcp(request) {
            REFUSED.into()
        } else {
            usual_answer(request)
        }
    };
    let tcp_only = |request: &Request| {
        let is_udp = request.method == Method::Setup && !is_tcp(request);
        if is_udp {
            REFUSED.into()
        } else {
            usual_answer(request)
        }
    };
    let run_auto = run(TransportChoice::Auto, udp_only);
    assert_eq!(
        asked(&run_auto),
        [
            "interleaved=0-1",
            "client_port=5000-5001",
            "client_port=5002-5003"
        ]
    );
    assert!(matches!(run_auto.events.last(), Some(Event::Playing(_))));
    let run_udp = run(TransportChoice::Udp, tcp_only);
    assert_eq!(
        asked(&run_udp),
        [
            "client_port=5000-5001",
            "interleaved=0-1",
            "interleaved=2-3"
        ]
    );
    assert!(matches!(run_udp.events.last(), Some(Event::Playing(_))));
    for (transport, tries) in [
        (TransportChoice::Tcp, 1),
        (TransportChoice::Auto, 2),
        (TransportChoice::Udp, 2),
    ] {
        let refused = run(transport, |request| match request.method {
            Method::Setup => REFUSED.into(),
            _ => usual_answer(request),
        });
        assert_eq!(refused.ended(), &ClientError::NoTransport);
        assert_eq!(asked(&refused).len(), tries);
    }
}

#[test]
fn a_session_that_has_begun_is_ended_before_the_other_transport() {
    let run = run(TransportChoice::Auto, |request| {
        let second = request.uri.ends_with("trackID=1");
        if second && is_tcp(request) {
            REFUSED.into()
        } else {
            usual_answer(request)
        }
    });
    assert_eq!(
        asked(&run),
        [
            "interleaved=0-1",
            "interleaved=2-3",
            "client_port=5000-5001",
            "client_port=5002-5003"
        ]
    );
    let methods: Vec<_> = run.requests[2..6]
        .iter()
        .map(|request| request.method.as_str())
        .collect();
    assert_eq!(methods, ["SETUP", "SETUP", "TEARDOWN", "SETUP"]);
    assert_eq!(
        run.requests[5].headers.get("Session"),
        None,
        "a new session"
    );
    assert!(matches!(run.events.last(), Some(Event::Playing(_))));
}

#[test]
fn where_no_datagram_comes_the_connection_carries_the_packets() {
    let mut run = run(TransportChoice::Udp, usual_answer);
    assert_eq!(run.pass(), 3 * SECOND);
    assert_eq!(run.last_method(), &Method::Teardown);
    serve(&mut run, usual_answer);
    assert_eq!(asked(&run)[2..], ["interleaved=0-1", "interleaved=2-3"]);
    assert!(matches!(run.events.last(), Some(Event::Playing(_))));
    run.receive(&interleaved(2, b"x"));
    assert_eq!(run.packets.len(), 1);
}

#[test]
fn a_server_that_hangs_up_at_teardown_is_called_again_for_the_other_transport() {
    for is_lost in [true, false] {
        let mut run = run(TransportChoice::Udp, usual_answer);
        run.pass();
        if is_lost {
            run.client.disconnected(run.now);
            run.collect();
        } else {
            run.pass();
        }
        assert_eq!(run.events.last(), Some(&Event::Connect));
        run.connect();
        serve(&mut run, usual_answer);
        assert_eq!(asked(&run)[2..], ["interleaved=0-1", "interleaved=2-3"]);
    }
}

#[test]
fn datagrams_that_came_once_do_not_give_way() {
    let mut run = run(TransportChoice::Udp, usual_answer);
    run.client.received_packet(run.now);
    run.pass();
    assert_eq!(run.ended(), &ClientError::Silent);
}

#[test]
fn without_ports_the_connection_carries_the_packets() {
    let mut run = Run::new("rtsp://cam/a", TransportChoice::Udp);
    run.connect();
    run.serve(|request| Some(usual_answer(request)));
    run.client.bound(Vec::new(), run.now);
    run.collect();
    run.serve(|request| Some(usual_answer(request)));
    assert_eq!(asked(&run), ["interleaved=0-1", "interleaved=2-3"]);
}
