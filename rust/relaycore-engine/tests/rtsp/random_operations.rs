//! Sessions as sequences of operations in any order: each request is answered, and a good reader beside them loses
//! nothing.

use crate::support::publisher::{DESCRIPTION, Publisher};
use crate::support::{Client, Numbers, Server};
use relaycore_proto::limits::Limits;
use relaycore_proto::rtp::{RtpPacket, SequenceNumber};

/// Sequences of operations.
const SEQUENCES: u64 = 30;

/// Operations of each.
const OPERATIONS: usize = 24;

const METHODS: [&str; 11] = [
    "OPTIONS",
    "DESCRIBE",
    "ANNOUNCE",
    "SETUP",
    "SETUP",
    "PLAY",
    "RECORD",
    "PAUSE",
    "GET_PARAMETER",
    "TEARDOWN",
    "FLY",
];

const URLS: [&str; 8] = [
    "live",
    "live/trackID=0",
    "live/trackID=1",
    "mine",
    "mine/streamid=0",
    "mine/streamid=1",
    "nothing",
    "",
];

const TRANSPORTS: [&str; 8] = [
    "RTP/AVP/TCP;unicast;interleaved=0-1",
    "RTP/AVP/TCP;unicast;interleaved=2-3",
    "RTP/AVP/TCP;unicast;interleaved=0-1;mode=record",
    "RTP/AVP/TCP;unicast;interleaved=2-3;mode=record",
    "RTP/AVP;unicast;client_port=9-10",
    "RTP/AVP;unicast;client_port=9-10;mode=record",
    "RTP/AVP;multicast",
    "RTP/SAVP;unicast;client_port=9-10",
];

#[test]
fn any_sequence_of_operations_is_answered_and_disturbs_nobody() {
    let server = Server::with(Limits {
        publisher_silence_ms: 500,
        ..Limits::default()
    });
    let mut publisher = Publisher::recording(&server, "live");
    publisher.key("first");
    server.wait_begun("live");
    let mut good = Client::playing(&server, "live", 1);
    for sequence in 1..=SEQUENCES {
        let mut numbers = Numbers(sequence.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut client = Client::connect(server.address);
        for _ in 0..OPERATIONS {
            operate(&server, &mut client, &mut numbers);
        }
        publisher.picture("more");
    }
    let mut last: Option<SequenceNumber> = None;
    for _ in 0..3 + SEQUENCES {
        let packet = good.frame_on(0);
        let number = RtpPacket::parse(&packet).unwrap().header.sequence;
        assert!(
            last.is_none_or(|last| last.next() == number),
            "a packet is missing"
        );
        last = Some(number);
    }
}

fn operate(server: &Server, client: &mut Client, numbers: &mut Numbers) {
    if numbers.below(6) == 0 {
        // A packet on a channel that may belong to a reader, a publisher or nobody.
        let channel = numbers.below(5) as u8;
        let kind = [0x80, 200][numbers.below(2)];
        client.send(&[
            b'$', channel, 0, 13, 0x80, kind, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0x65,
        ]);
        return;
    }
    let url = server.url(numbers.choose(&URLS));
    let method = numbers.choose(&METHODS);
    let transport = numbers.choose(&TRANSPORTS);
    if numbers.below(8) == 0 {
        client.session = None;
    }
    let length = DESCRIPTION.len().to_string();
    let headers: &[(&str, &str)] = match method {
        "SETUP" => &[("Transport", transport)],
        "ANNOUNCE" => &[
            ("Content-Type", "application/sdp"),
            ("Content-Length", &length),
        ],
        "PLAY" => &[("Range", "npt=0-")],
        _ => &[],
    };
    let mut text = client.text(method, &url, headers);
    if method == "ANNOUNCE" {
        text += DESCRIPTION;
    }
    client.send(text.as_bytes());
    let response = client.response();
    assert!((200..600).contains(&response.status.0));
    assert!(
        text.contains(&format!("CSeq: {}\r\n", response.cseq().unwrap())),
        "{text}"
    );
    if let Some(session) = response.headers.get("Session") {
        client.session = Some(session.to_owned());
    }
}
