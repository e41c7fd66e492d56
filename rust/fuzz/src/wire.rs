//! Text and bytes of the wire: RTSP, SDP and RTCP.
//!
//! Each body reads arbitrary bytes and checks, beyond that nothing panics, what has to hold whatever they are: pieces
//! give what the whole gives, and what was read is the same after it was written and read again.

use relaycore_proto::base64::{StreamDecoder, encode};
use relaycore_proto::ice_tcp::{self, Datagrams, Opening};
use relaycore_proto::limits::Limits;
use relaycore_proto::rtcp::{self, RtcpPacket};
use relaycore_proto::rtsp::header::{Range, Session, rtp_info, session, transport};
use relaycore_proto::rtsp::sniff::{Sniffed, sniff};
use relaycore_proto::rtsp::{Element, Headers, ParseError, Parser, Request, Response, Url, url};
use relaycore_proto::sdp::{self, SessionDescription};
use relaycore_proto::track::Track;
use relaycore_proto::websocket::frame::{self, FrameReader, Heard, Messages};

/// What a parser gave, in a form that outlives it.
#[derive(Debug, PartialEq)]
enum Seen {
    Request(Request),
    Response(Response),
    Interleaved(u8, Vec<u8>),
    Error(ParseError),
}

/// Reads a connection: whole, and in pieces as long as the first byte says. Writes each message and reads it again.
pub fn rtsp_parser(data: &[u8]) {
    // Short limits, so that short inputs reach them.
    let limits = Limits {
        rtsp_line_bytes: 256,
        rtsp_header_count: 16,
        rtsp_header_bytes: 1024,
        rtsp_body_bytes: 1024,
        interleaved_frame_bytes: 1500,
        ..Limits::default()
    };
    let Some((&first, connection)) = data.split_first() else {
        return;
    };
    let whole = read(limits, std::iter::once(connection));
    let pieces = read(limits, connection.chunks(usize::from(first).max(1)));
    assert_eq!(whole, pieces);

    for seen in &whole {
        match seen {
            Seen::Request(request) => {
                headers(&request.headers);
                // The parse result of a URI is checked by its own target.
                let _ = Url::parse(&request.uri);
                let mut bytes = Vec::new();
                request.write_to(&mut bytes);
                rewritten(&bytes);
                assert!(matches!(
                    sniff(&bytes, bytes.len()),
                    Sniffed::Rtsp | Sniffed::Http
                ));
            }
            Seen::Response(response) => {
                headers(&response.headers);
                let mut bytes = Vec::new();
                response.write_to(&mut bytes);
                rewritten(&bytes);
            }
            Seen::Interleaved(_, data) => assert!(data.len() <= limits.interleaved_frame_bytes),
            Seen::Error(error) => {
                let mut bytes = Vec::new();
                error.response().write_to(&mut bytes);
                rewritten(&bytes);
            }
        }
    }
}

/// Everything that a parser gives, up to the first fatal error.
fn read<'a>(limits: Limits, pieces: impl Iterator<Item = &'a [u8]>) -> Vec<Seen> {
    let mut parser = Parser::new(limits);
    let mut seen = Vec::new();
    for piece in pieces {
        parser.push(piece);
        loop {
            let next = match parser.next() {
                Ok(None) => break,
                Ok(Some(Element::Request(request))) => Seen::Request(request),
                Ok(Some(Element::Response(response))) => Seen::Response(response),
                Ok(Some(Element::Interleaved { channel, data })) => {
                    Seen::Interleaved(channel, data.to_vec())
                }
                Err(error) if error.is_fatal() => {
                    seen.push(Seen::Error(error));
                    return seen;
                }
                Err(error) => Seen::Error(error),
            };
            seen.push(next);
        }
    }
    seen
}

/// Asserts that the message in `bytes`, which was written here, reads back and is written the same again.
fn rewritten(bytes: &[u8]) {
    // Latin-1 grows as UTF-8, and spaces in URIs as escapes.
    let limits = Limits {
        rtsp_line_bytes: 65_536,
        rtsp_header_bytes: 65_536,
        rtsp_header_count: 1000,
        ..Limits::default()
    };
    let seen = read(limits, std::iter::once(bytes));
    let mut again = Vec::new();
    match seen.as_slice() {
        [Seen::Request(request)] => request.write_to(&mut again),
        [Seen::Response(response)] => response.write_to(&mut again),
        other => panic!("{} was read as {other:?}", bytes.escape_ascii()),
    }
    assert_eq!(bytes, again, "{}", bytes.escape_ascii());
}

/// Reads the headers that have a form of their own.
fn headers(headers: &Headers) {
    for (name, value) in headers.iter() {
        match name.to_ascii_lowercase().as_str() {
            "transport" => transport_header(value.as_bytes()),
            "session" => {
                let session = Session::parse(value);
                assert_eq!(session.id, session::parse_id(value));
                assert_eq!(Session::parse(&session.to_string()), session);
            }
            "range" => {
                if let Ok(range) = Range::parse(value) {
                    // What is written is cut to milliseconds, and stays as it is from then on.
                    let written = range.to_string();
                    assert_eq!(
                        Range::parse(&written).map(|range| range.to_string()),
                        Ok(written)
                    );
                }
            }
            "rtp-info" => {
                for entry in rtp_info::parse_list(value) {
                    assert!(value.contains(&entry.url));
                }
            }
            _ => {}
        }
    }
}

/// Reads a `Transport` header; what is written of each entry reads back as it.
pub fn transport_header(data: &[u8]) {
    for entry in transport::parse_list(&String::from_utf8_lossy(data)) {
        let written = entry.to_string();
        assert_eq!(
            transport::Transport::parse(&written),
            Some(entry),
            "{written}"
        );
    }
}

/// Decodes the requests of a tunnel over HTTP: whole, in pieces as long as the first byte says, and after they were
/// encoded.
pub fn base64_stream(data: &[u8]) {
    let Some((&first, text)) = data.split_first() else {
        return;
    };
    let decode = |mut pieces: std::slice::Chunks<'_, u8>| {
        let (mut decoder, mut out) = (StreamDecoder::default(), Vec::new());
        let result = pieces.try_for_each(|piece| decoder.push(piece, &mut out));
        (result, out)
    };
    let whole = decode(text.chunks(text.len().max(1)));
    let size = usize::from(first).max(1);
    assert_eq!(whole, decode(text.chunks(size)));

    let encoded: String = text.chunks(size).map(encode).collect();
    let decoded = decode(encoded.as_bytes().chunks(usize::MAX));
    assert_eq!(decoded, (Ok(()), text.to_vec()));
}

/// Reads frames of a WebSocket: whole, and in pieces as long as the first byte says. What was read as data is read again
/// after it was framed as messages of that length, with a ping between.
pub fn websocket_frames(data: &[u8]) {
    // A short limit, so that short inputs reach it.
    let takes = Messages {
        text: false,
        bytes_max: 1000,
    };
    let Some((&first, stream)) = data.split_first() else {
        return;
    };
    let read = |stream: &[u8], size: usize| {
        let mut reader = FrameReader::new(takes);
        let (mut answers, mut content) = (Vec::new(), Vec::new());
        for piece in stream.chunks(size) {
            let mut piece = piece.to_vec();
            let heard = reader.take(&mut piece, &mut answers, |it| content.extend_from_slice(it));
            if heard != Heard::Nothing {
                return (heard, answers, content);
            }
        }
        (Heard::Nothing, answers, content)
    };
    let size = usize::from(first).max(1);
    let whole = read(stream, stream.len().max(1));
    assert_eq!(whole, read(stream, size));
    // Whoever ends it is told the end as well.
    let (heard, answers, content) = whole;
    assert!(heard == Heard::Nothing || answers[answers.len() - 4..][..2] == [0x88, 2]);

    let mut framed = Vec::new();
    for message in content.chunks(size) {
        framed.extend(masked(frame::BINARY, message));
        framed.extend(masked(PING, &[]));
    }
    let (heard, pongs, again) = read(&framed, size);
    let pong = [0x80 | PONG, 0];
    assert_eq!(pongs, pong.repeat(content.len().div_ceil(size)));
    assert_eq!((heard, again), (Heard::Nothing, content));
}

/// Opcodes of a question whether somebody is there, and of its answer (RFC 6455 section 5.2).
const PING: u8 = 9;
const PONG: u8 = 10;

/// A frame as a client sends it, in a mask that is the same for all.
fn masked(opcode: u8, data: &[u8]) -> Vec<u8> {
    let mask = [1, 2, 3, 4];
    let mut frame = frame::Head::new(opcode, data.len()).as_bytes().to_vec();
    frame[1] |= 0x80;
    frame.extend(mask);
    frame.extend(
        data.iter()
            .zip(mask.iter().cycle())
            .map(|(byte, mask)| byte ^ mask),
    );
    frame
}

/// Takes datagrams of WebRTC out of a connection: whole, in pieces as long as the first byte says, and after they were
/// framed again. What is told of its beginning does not change with what follows.
pub fn ice_tcp(data: &[u8]) {
    let Some((&first, stream)) = data.split_first() else {
        return;
    };
    let read = |mut pieces: std::slice::Chunks<'_, u8>| {
        let (mut datagrams, mut out) = (Datagrams::default(), Vec::new());
        let result = pieces.try_for_each(|piece| datagrams.push(piece, |it| out.push(it.to_vec())));
        (result, out)
    };
    let whole = read(stream.chunks(stream.len().max(1)));
    let size = usize::from(first).max(1);
    assert_eq!(whole, read(stream.chunks(size)));

    let mut framed = Vec::new();
    for datagram in &whole.1 {
        assert!((1..=ice_tcp::MOST_DATAGRAM_BYTES).contains(&datagram.len()));
        assert!(ice_tcp::write(&mut framed, datagram));
    }
    assert_eq!(read(framed.chunks(size)), (Ok(()), whole.1.clone()));

    let mut told = Opening::NeedMore;
    for end in 0..=stream.len().min(ice_tcp::MOST_DATAGRAM_BYTES + 3) {
        let now = ice_tcp::opening(&stream[..end]);
        assert!(told == Opening::NeedMore || now == told);
        told = now;
    }
    if told == Opening::Check {
        assert!(!whole.1.is_empty());
        let lines = stream.len();
        assert!(!matches!(
            sniff(stream, lines),
            Sniffed::Tls | Sniffed::Http
        ));
    }
}

/// Reads a URI; its `Content-Base` names the same path, query and track.
pub fn rtsp_url(data: &[u8]) {
    let uri = String::from_utf8_lossy(data);
    let Ok(parsed) = Url::parse(&uri) else {
        return;
    };
    assert!(
        !parsed.path.starts_with('/') && !parsed.path.ends_with('/'),
        "{parsed:?}"
    );
    assert!(!parsed.path.contains(char::is_control), "{parsed:?}");
    assert!(
        parsed.path.split('/').all(|segment| segment != ".."),
        "{parsed:?}"
    );
    if uri != "*" {
        assert_eq!(Url::parse(&url::content_base(&uri)), Ok(parsed));
    }
}

/// Reads a description; tracks that were written once read back as they are.
pub fn sdp(data: &[u8]) {
    let Ok(description) = sdp::parse(&String::from_utf8_lossy(data)) else {
        return;
    };
    for (index, media) in description.media.iter().enumerate() {
        let control = media.control.as_deref().unwrap_or("").trim_matches('/');
        if !control.is_empty() {
            let found = description.media_index(&format!("rtsp://h/{control}"));
            assert!(found.is_some_and(|found| found <= index), "{control}");
        }
    }
    let tracks: Vec<_> = description
        .media
        .iter()
        .filter_map(|media| media.track().ok())
        .collect();
    for track in &tracks {
        assert!(track.accepts(track) && track.clock_rate > 0);
        assert!(sdp::fmtp(track).len() <= 2 * data.len() + 1024);
    }
    // Parameter sets are cut at start codes that they should not hold, so compare from the second time on.
    let once = through_text(&description.name, &tracks);
    assert_eq!(once.len(), tracks.len());
    assert_eq!(through_text(&description.name, &once), once);
}

fn through_text(name: &str, tracks: &[Track]) -> Vec<Track> {
    let description = SessionDescription {
        origin_id: 1,
        version: 1,
        name,
        information: "",
        uri: "",
        address: "0.0.0.0",
        port: 0,
        tool: "fuzz",
        tracks,
    };
    let text = sdp::write(&description);
    let read = sdp::parse(&text).expect("what is written reads back");
    read.media
        .iter()
        .map(|media| media.track().expect("a track that was written reads back"))
        .collect()
}

/// Reads a compound of RTCP packets; what is written of each reads back as it.
pub fn rtcp(data: &[u8]) {
    // No datagram or interleaved packet is longer.
    let Ok(packets) = rtcp::parse_compound(&data[..data.len().min(65_535)]) else {
        return;
    };
    for packet in packets {
        let mut bytes = Vec::new();
        match &packet {
            RtcpPacket::SenderReport(report) => rtcp::write_sender_report(&mut bytes, report),
            RtcpPacket::ReceiverReport(report) => rtcp::write_receiver_report(&mut bytes, report),
            RtcpPacket::Pli(pli) => rtcp::write_pli(&mut bytes, *pli),
            RtcpPacket::Fir(fir) => rtcp::write_fir(&mut bytes, fir),
            RtcpPacket::SourceDescription(description) => match description.sources.as_slice() {
                // Bytes that are not UTF-8 grow, and may be cut.
                [(ssrc, Some(name))] if name.len() <= 255 => {
                    rtcp::write_sdes_cname(&mut bytes, *ssrc, name);
                }
                _ => continue,
            },
            RtcpPacket::Bye(bye) => {
                if bye.reason.as_ref().is_some_and(|reason| reason.len() > 255) {
                    continue;
                }
                rtcp::write_bye(&mut bytes, &bye.ssrcs, bye.reason.as_deref());
            }
            RtcpPacket::Nack(nack) => {
                rtcp::write_nack(&mut bytes, nack);
                let again = rtcp::parse_compound(&bytes);
                let Ok([RtcpPacket::Nack(again)]) = again.as_deref() else {
                    panic!("{nack:?} did not read back");
                };
                // Numbers that came out of order are put in order.
                let numbers = |nack: &rtcp::Nack| {
                    let mut numbers: Vec<_> = nack.lost.iter().map(|lost| lost.0).collect();
                    numbers.sort_unstable();
                    numbers.dedup();
                    numbers
                };
                assert_eq!(numbers(nack), numbers(again));
                continue;
            }
            RtcpPacket::Unknown { .. } => continue,
        }
        assert_eq!(rtcp::parse_compound(&bytes), Ok(vec![packet]));
    }
}
