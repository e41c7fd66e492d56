//! Several requests at a time: answered in order, whatever lies between them.

use crate::support::{Client, Feed, Numbers, Server};
use relaycore_engine::stream::JoinPolicy;
use relaycore_proto::limits::Limits;
use relaycore_proto::rtp::{RtpPacket, SequenceNumber};
use std::io::{ErrorKind, Write};
use std::time::Duration;

#[test]
fn requests_in_one_write_are_answered_in_order() {
    let server = Server::open();
    let _feed = Feed::started(&server.engine, "cam");
    let url = server.url("cam");
    let mut client = Client::connect(server.address);
    let mut text = String::new();
    for method in ["OPTIONS", "DESCRIBE", "FLY", "GET_PARAMETER", "PLAY"] {
        text += &client.text(method, &url, &[]);
    }
    client.send(text.as_bytes());
    let answers: Vec<_> = (0..5)
        .map(|_| client.response())
        .map(|response| (response.cseq().unwrap().to_owned(), response.status.0))
        .collect();
    let expected = [(1, 200), (2, 200), (3, 501), (4, 200), (5, 454)];
    assert_eq!(
        answers,
        expected.map(|(cseq, status)| (cseq.to_string(), status))
    );
}

#[test]
fn more_answers_than_are_kept_waiting_all_come() {
    let server = Server::open();
    let _feed = Feed::started(&server.engine, "cam");
    let url = server.url("cam");
    let mut client = Client::connect(server.address);
    assert_eq!(client.status("DESCRIBE", &url, &[]), 200);
    let text: String = (0..2000)
        .map(|_| client.text("DESCRIBE", &url, &[]))
        .collect();
    client.send(text.as_bytes());
    for cseq in 2..2002 {
        assert_eq!(client.response().cseq(), Some(cseq.to_string().as_str()));
    }
}

#[test]
fn a_client_that_does_not_read_its_answers_is_not_read_either() {
    let server = Server::open();
    let _feed = Feed::started(&server.engine, "cam");
    let url = server.url("cam");
    let mut client = Client::connect(server.address);
    let text: String = (0..100)
        .map(|_| client.text("DESCRIBE", &url, &[]))
        .collect();
    client
        .socket
        .set_write_timeout(Some(Duration::from_secs(1)))
        .unwrap();
    let stopped = loop {
        if let Err(error) = client.socket.write_all(text.as_bytes()) {
            break error.kind();
        }
    };
    assert!(matches!(
        stopped,
        ErrorKind::WouldBlock | ErrorKind::TimedOut
    ));
    for _ in 0..1000 {
        assert_eq!(client.response().status.0, 200);
    }
    assert_eq!(
        Client::connect(server.address).status("OPTIONS", "*", &[]),
        200
    );
}

#[test]
fn requests_behind_a_play_that_waits_for_its_picture_come_after_it() {
    let server = Server::open();
    let mut feed = Feed::joining(&server.engine, "cam", JoinPolicy::Wait);
    let url = server.url("cam");
    let mut client = Client::connect(server.address);
    client.setup_tcp(&url, 1);
    let mut text = client.text("PLAY", &url, &[]);
    text += &client.text("OPTIONS", "*", &[]);
    text += &client.text("PAUSE", &url, &[]);
    text += &client.text("TEARDOWN", &url, &[]);
    client.send(text.as_bytes());
    feed.wait_key_frame_wanted();
    feed.key(100);
    let answers: Vec<_> = (0..4).map(|_| client.response()).collect();
    let numbers: Vec<_> = answers
        .iter()
        .map(|answer| answer.cseq().unwrap())
        .collect();
    assert_eq!(numbers, ["2", "3", "4", "5"]);
    assert!(answers[0].headers.get("RTP-Info").is_some());
    assert!(answers.iter().all(|answer| answer.status.0 == 200));
    assert!(server.engine.sessions().is_empty());
}

#[test]
fn requests_between_packets_of_the_client_are_answered() {
    let server = Server::open();
    let mut feed = Feed::started(&server.engine, "cam");
    let mut client = Client::playing(&server, "cam", 2);
    for channel in [0, 1, 2, 3, 77, 255] {
        let mut bytes = vec![b'$', channel, 0, 5];
        bytes.extend_from_slice(b"$\r\nRT");
        bytes.extend_from_slice(client.text("GET_PARAMETER", "*", &[]).as_bytes());
        bytes.extend_from_slice(&[b'$', channel, 0, 0]);
        client.send(&bytes);
        feed.picture(100);
        assert_eq!(client.response().status.0, 200);
    }
}

/// Requests and packets in any mixture, cut anywhere, while the stream is sent: each request has its answer, in order,
/// and no packet of the stream is damaged or missing.
#[test]
fn any_mixture_of_requests_and_packets_is_answered_in_order() {
    let server = Server::narrow(Limits::default());
    let mut feed = Feed::started(&server.engine, "cam");
    let url = server.url("cam");
    let mut numbers = Numbers(1);
    for _ in 0..20 {
        let mut client = Client::playing(&server, "cam", 2);
        let mut last = None;
        for _ in 0..8 {
            let (mut bytes, mut asked) = (Vec::new(), Vec::new());
            for _ in 0..=numbers.below(12) {
                if numbers.below(2) == 0 {
                    let method =
                        numbers.choose(&["OPTIONS", "GET_PARAMETER", "SET_PARAMETER", "FLY"]);
                    let text = client.text(method, &url, &[("Content-Length", "4")]);
                    asked.push(
                        text.split("CSeq: ")
                            .nth(1)
                            .unwrap()
                            .split("\r\n")
                            .next()
                            .unwrap()
                            .to_owned(),
                    );
                    bytes.extend_from_slice(text.as_bytes());
                    bytes.extend_from_slice(
                        numbers
                            .choose(&["$\0\0\x01", "\r\n\r\n", "OPTI"])
                            .as_bytes(),
                    );
                } else {
                    let length = numbers.below(40);
                    bytes.extend_from_slice(&[b'$', numbers.below(256) as u8, 0, length as u8]);
                    bytes.extend((0..length).map(|_| numbers.below(256) as u8));
                }
            }
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                let (piece, behind) = rest.split_at(1 + numbers.below(rest.len().min(97)));
                client.send(piece);
                rest = behind;
                if numbers.below(4) == 0 {
                    feed.picture(300);
                }
            }
            for cseq in asked {
                assert_eq!(client.response().cseq(), Some(cseq.as_str()));
            }
            for packet in client.kept(0) {
                let sequence = RtpPacket::parse(&packet).unwrap().header.sequence;
                assert!(last.is_none_or(|last: SequenceNumber| last.next() == sequence));
                last = Some(sequence);
            }
        }
    }
}
