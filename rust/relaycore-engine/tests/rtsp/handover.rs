//! Sessions are found whichever shard their client's next connection meets.

use crate::support::{Client, Feed, Server, datagram};
use relaycore_engine::decision::Answer;
use relaycore_proto::limits::Limits;
use std::net::UdpSocket;

/// Clients that are spread over both shards.
fn clients(server: &Server) -> [Client; 4] {
    [(); 4].map(|()| {
        let mut client = Client::connect(server.address);
        assert_eq!(client.status("OPTIONS", "*", &[]), 200);
        client
    })
}

#[test]
fn a_session_of_datagrams_is_controlled_from_any_connection() {
    let server = Server::open();
    let mut feed = Feed::started(&server.engine, "cam");
    let url = server.url("cam");
    let mut first = Client::connect(server.address);
    let (_, [rtp, _rtcp]) = first.setup_udp(&url, 0);
    assert_eq!(first.status("PLAY", &url, &[]), 200);
    datagram(&rtp);
    for mut client in clients(&server) {
        client.session = first.session.clone();
        assert_eq!(client.status("PAUSE", &url, &[]), 200);
        assert_eq!(client.status("PLAY", &url, &[]), 200);
        feed.picture(100);
        datagram(&rtp);
    }
    let mut last = Client::connect(server.address);
    last.session = first.session.clone();
    assert_eq!(last.status("TEARDOWN", &url, &[]), 200);
    assert_eq!(server.ended().1, "the client ended it");
    assert!(server.engine.sessions().is_empty());
}

#[test]
fn what_was_sent_behind_the_request_moves_with_its_connection() {
    let server = Server::open();
    let _feed = Feed::started(&server.engine, "cam");
    let url = server.url("cam");
    let mut owner = Client::connect(server.address);
    owner.setup_udp(&url, 0);
    // All stay open: a session that does not play ends with its connection.
    let mut others = clients(&server);
    for client in &mut others {
        let mut text = client.text("DESCRIBE", &url, &[]);
        client.session = owner.session.clone();
        for method in ["PLAY", "GET_PARAMETER", "PAUSE", "OPTIONS"] {
            text += &client.text(method, &url, &[]);
        }
        let (whole, cut) = text.split_at(text.len() - 3);
        client.send(whole.as_bytes());
        for cseq in ["2", "3", "4", "5"] {
            let response = client.response();
            assert_eq!((response.status.0, response.cseq()), (200, Some(cseq)));
        }
        client.send(cut.as_bytes());
        assert_eq!(client.response().cseq(), Some("6"));
    }
}

#[test]
fn a_connection_that_moves_is_asked_for_its_right_once() {
    let server = Server::deciding(Limits::default(), |request| {
        let allowed = request.authorization.as_deref() == Some("right");
        Some(match allowed {
            true => Answer::Allow {
                user: None,
                ticket: 0,
            },
            false => Answer::Challenge(vec!["Basic realm=\"x\"".to_owned()]),
        })
    });
    let _feed = Feed::started(&server.engine, "cam");
    let url = server.url("cam");
    let right = &[("Authorization", "right")];
    let mut owner = Client::connect(server.address);
    assert_eq!(owner.status("DESCRIBE", &url, right), 200);
    owner.setup_udp(&url, 0);
    let mut others = clients(&server);
    for client in &mut others {
        client.session = owner.session.clone();
        assert_eq!(client.status("PLAY", &url, &[]), 401);
        assert_eq!(client.status("PLAY", &url, right), 200);
        assert_eq!(client.status("PAUSE", &url, &[]), 200);
    }
}

#[test]
fn a_connection_with_a_session_of_its_own_stays_where_it_is() {
    let server = Server::open();
    let _feed = Feed::started(&server.engine, "cam");
    let url = server.url("cam");
    let mut owner = Client::connect(server.address);
    owner.setup_udp(&url, 0);
    let mut other = Client::playing(&server, "cam", 1);
    let own = other.session.clone();
    other.session = owner.session.clone();
    assert_eq!(other.status("PLAY", &url, &[]), 454);
    other.session = own;
    assert_eq!(other.status("PAUSE", &url, &[]), 200);
}

#[test]
fn an_interleaved_session_is_not_found_from_another_shard() {
    let server = Server::open();
    let _feed = Feed::started(&server.engine, "cam");
    let owner = Client::playing(&server, "cam", 1);
    for mut client in clients(&server) {
        client.session = owner.session.clone();
        assert_eq!(client.status("TEARDOWN", &server.url("cam"), &[]), 454);
    }
    assert_eq!(server.engine.sessions().len(), 1);
}

#[test]
fn a_client_comes_back_to_its_ports_in_any_shard() {
    let server = Server::open();
    let _feed = Feed::started(&server.engine, "cam");
    let url = server.url("cam");
    let mut lost = Client::connect(server.address);
    let (_, [rtp, rtcp]) = lost.setup_udp(&url, 0);
    let port = |socket: &UdpSocket| socket.local_addr().unwrap().port();
    let transport = format!("RTP/AVP;unicast;client_port={}-{}", port(&rtp), port(&rtcp));
    let mut others = Vec::new();
    for _ in 0..4 {
        assert_eq!(lost.status("PLAY", &url, &[]), 200);
        lost.send(b"BROKEN\r\n\r\n");
        assert_eq!(lost.response().status.0, 400);
        lost.wait_closed();
        // One more each time, so that the shards take turns.
        let mut other = Client::connect(server.address);
        assert_eq!(other.status("OPTIONS", "*", &[]), 200);
        others.push(other);
        lost = Client::connect(server.address);
        assert_eq!(lost.setup(&url, 0, &transport).status.0, 200);
        assert_eq!(server.ended().1, "its client came back");
    }
    assert_eq!(server.engine.sessions().len(), 1);
}

#[test]
fn connections_that_moved_leave_room_for_others() {
    let server = Server::with(Limits {
        connections: 6,
        ..Limits::default()
    });
    let _feed = Feed::started(&server.engine, "cam");
    let url = server.url("cam");
    let mut owner = Client::connect(server.address);
    owner.setup_udp(&url, 0);
    for _ in 0..5 {
        for mut client in clients(&server) {
            client.session = owner.session.clone();
            assert_eq!(client.status("GET_PARAMETER", &url, &[]), 200);
            client.send(b"BROKEN\r\n\r\n");
            assert_eq!(client.response().status.0, 400);
            client.wait_closed();
        }
    }
}
