//! RTSP messages and transports, compared with the crate `rtsp-types`.

use relaycore_proto::limits::Limits;
use relaycore_proto::rtsp::header::{Transport, transport};
use relaycore_proto::rtsp::{Element, Method, Parser, Request, Response, StatusCode};
use rtsp_types::headers::transport::{RtpTransport, Transport as OracleTransport};
use rtsp_types::headers::{TRANSPORT, Transports};

/// What real clients and servers send, in the forms that both parsers take.
const MESSAGES: &[&[u8]] = &[
    b"OPTIONS rtsp://192.0.2.1:8554/cam RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: Lavf60.16.100\r\n\r\n",
    b"DESCRIBE rtsp://192.0.2.1/cam?token=x RTSP/1.0\r\nAccept: application/sdp\r\nCSeq: 2\r\n\r\n",
    b"SETUP rtsp://192.0.2.1/cam/trackID=0 RTSP/1.0\r\ncseq:3\r\n\
      transport: RTP/AVP;unicast;client_port=5000-5001\r\n\r\n",
    b"PLAY rtsp://192.0.2.1/cam/ RTSP/1.0\r\nCSeq: 4\r\nSession: 12345678\r\nRange: npt=0.000-\r\n\r\n",
    b"ANNOUNCE rtsp://192.0.2.1/up RTSP/1.0\r\nContent-Type: application/sdp\r\n\
      CSeq: 2\r\nContent-Length: 5\r\n\r\nv=0\r\n",
    b"GET_PARAMETER * RTSP/1.0\r\nCSeq: 5\r\nX-Folded: one\r\n two\r\n\r\n",
    b"FOO rtsp://192.0.2.1/cam RTSP/1.0\r\nCSeq: 6\r\n\r\n",
    b"RTSP/1.0 200 OK\r\nCSeq: 2\r\nContent-Base: rtsp://192.0.2.1/cam/\r\nContent-Length: 3\r\n\r\nabc",
    b"RTSP/1.0 455 Method Not Valid in This State\r\nCSeq: 9\r\nAllow: OPTIONS, SETUP\r\n\r\n",
    b"$\x00\x00\x05hello",
    b"$\xff\x00\x00",
];

/// Header names and values, in the order of their names: the oracle sorts them.
fn sorted<'a>(headers: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<(String, String)> {
    let mut sorted: Vec<_> = headers
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_string()))
        .collect();
    sorted.sort();
    sorted
}

/// Asserts that the two parsers see the same message in `bytes`, and the same end of it.
fn compare(bytes: &[u8]) {
    let shown = bytes.escape_ascii();
    let (oracle, consumed) =
        rtsp_types::Message::<Vec<u8>>::parse(bytes).expect("the oracle reads it");
    let mut parser = Parser::new(Limits::default());
    parser.push(bytes);
    match (
        parser
            .next()
            .expect("relaycore reads it")
            .expect("it is whole"),
        &oracle,
    ) {
        (Element::Request(ours), rtsp_types::Message::Request(theirs)) => {
            assert_eq!(
                ours.method.as_str(),
                <&str>::from(theirs.method()),
                "{shown}"
            );
            assert_eq!(
                ours.uri,
                theirs.request_uri().map_or("*", |uri| uri.as_str()),
                "{shown}"
            );
            let headers = theirs
                .headers()
                .map(|(name, value)| (name.as_str(), value.as_str()));
            assert_eq!(sorted(ours.headers.iter()), sorted(headers), "{shown}");
            assert_eq!(&ours.body, theirs.body(), "{shown}");
        }
        (Element::Response(ours), rtsp_types::Message::Response(theirs)) => {
            assert_eq!(ours.status.0, u16::from(theirs.status()), "{shown}");
            assert_eq!(
                ours.reason.as_deref(),
                Some(theirs.reason_phrase()),
                "{shown}"
            );
            let headers = theirs
                .headers()
                .map(|(name, value)| (name.as_str(), value.as_str()));
            assert_eq!(sorted(ours.headers.iter()), sorted(headers), "{shown}");
            assert_eq!(&ours.body, theirs.body(), "{shown}");
        }
        (Element::Interleaved { channel, data }, rtsp_types::Message::Data(theirs)) => {
            assert_eq!(
                (channel, data),
                (theirs.channel_id(), theirs.as_slice()),
                "{shown}"
            );
        }
        (ours, theirs) => panic!("{ours:?} is not {theirs:?}"),
    }
    assert_eq!(parser.position(), consumed as u64, "{shown}");
}

#[test]
fn messages_are_read_alike() {
    for bytes in MESSAGES {
        compare(bytes);
    }
}

#[test]
fn both_wait_for_the_same_bytes() {
    for bytes in MESSAGES {
        for end in 0..bytes.len() {
            let theirs = rtsp_types::Message::<Vec<u8>>::parse(&bytes[..end]);
            assert!(
                matches!(theirs, Err(rtsp_types::ParseError::Incomplete(_))),
                "{theirs:?}"
            );
            let mut parser = Parser::new(Limits::default());
            parser.push(&bytes[..end]);
            assert_eq!(parser.next(), Ok(None), "{} at {end}", bytes.escape_ascii());
        }
    }
}

#[test]
fn the_oracle_reads_what_is_written() {
    let mut out = Vec::new();
    Request::new(Method::SetParameter, "rtsp://192.0.2.1/cam")
        .header("CSeq", "1")
        .with_body("text/parameters", "a: b\r\n")
        .write_to(&mut out);
    compare(&out);
    for status in StatusCode::ALL {
        let mut out = Vec::new();
        Response::new(*status)
            .header("CSeq", "1")
            .write_to(&mut out);
        compare(&out);
    }
}

fn oracle_transports(value: &str) -> Vec<RtpTransport> {
    let request =
        rtsp_types::Request::builder(rtsp_types::Method::Setup, rtsp_types::Version::V1_0)
            .header(TRANSPORT, value)
            .empty();
    let transports = request
        .typed_header::<Transports>()
        .expect("the oracle reads it");
    let transports = transports.expect("it is there");
    let rtp = transports.iter().filter_map(|transport| match transport {
        OracleTransport::Rtp(rtp) => Some(rtp.clone()),
        OracleTransport::Other(_) => None,
    });
    rtp.collect()
}

#[test]
fn transports_are_read_alike() {
    for value in [
        "RTP/AVP/TCP;unicast;interleaved=0-1",
        "RTP/AVP;unicast;client_port=5000-5001,RTP/AVP/TCP;unicast;interleaved=2-3",
        "RTP/AVP/UDP;unicast;client_port=5000-5001;server_port=6000-6001;ssrc=0A0B0C0D;mode=\"PLAY\"",
        "RTP/AVP;multicast;destination=239.1.1.1;port=5004-5005;ttl=16",
        "RTP/SAVP;unicast;client_port=1-2;source=192.0.2.1;mode=\"RECORD\"",
    ] {
        let ours = transport::parse_list(value);
        let theirs = oracle_transports(value);
        assert_eq!(ours.len(), theirs.len(), "{value}");
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert_same_transport(ours, theirs);
            // And what is written says the same once more.
            assert_same_transport(ours, &oracle_transports(&ours.to_string())[0]);
        }
    }
}

fn assert_same_transport(ours: &Transport, theirs: &RtpTransport) {
    let params = &theirs.params;
    let pair =
        |pair: Option<(u16, Option<u16>)>| pair.map(|(rtp, rtcp)| (rtp, rtcp.unwrap_or(rtp + 1)));
    assert_eq!(ours.multicast, params.multicast);
    assert_eq!(
        ours.interleaved,
        params
            .interleaved
            .map(|(rtp, rtcp)| (rtp, rtcp.unwrap_or(rtp + 1)))
    );
    assert_eq!(ours.client_port, pair(params.client_port));
    assert_eq!(ours.server_port, pair(params.server_port));
    assert_eq!(ours.port, pair(params.port));
    assert_eq!(ours.ttl, params.ttl);
    assert_eq!(ours.source, params.source);
    assert_eq!(ours.destination, params.destination);
    assert_eq!(ours.ssrc.as_slice(), params.ssrc);
    assert_eq!(ours.mode.is_some(), !params.mode.is_empty());
}
