use alloc::format;
use alloc::string::ToString;
use alloc::vec;

use super::*;
use crate::rtsp::{Method, StatusCode};

/// Owned form of an element, so that several can be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Seen {
    Request(Request),
    Response(Response),
    Interleaved(u8, Vec<u8>),
    Error(ParseError),
}

/// Everything that a parser with default limits makes of `pieces`.
fn read(pieces: &[&[u8]]) -> Vec<Seen> {
    read_with(Limits::default(), pieces)
}

fn read_with(limits: Limits, pieces: &[&[u8]]) -> Vec<Seen> {
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
                Err(error) => Seen::Error(error),
            };
            let fatal = matches!(&next, Seen::Error(error) if error.is_fatal());
            seen.push(next);
            if fatal {
                return seen;
            }
        }
    }
    seen
}

fn request(text: &str) -> Request {
    request_of(text.as_bytes())
}

fn request_of(bytes: &[u8]) -> Request {
    match &read(&[bytes])[..] {
        [Seen::Request(request)] => request.clone(),
        other => panic!("{other:?}"),
    }
}

fn error_of(limits: Limits, bytes: &[u8]) -> ParseError {
    match read_with(limits, &[bytes]).pop() {
        Some(Seen::Error(error)) => error,
        other => panic!("{other:?}"),
    }
}

/// A connection with one of everything, in the forms that clients really send.
const CONNECTION: &[u8] = b"\r\n\r\nOPTIONS rtsp://h:8554/cam RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: VLC\r\n\r\n\
    $\x01\0\x04\xde\xad\n\r\
    ANNOUNCE rtsp://h/cam RTSP/1.0\nCSeq :2\ncontent-length: 9\nContent-Type:application/sdp\n\nv=0\r\n\r\n$s\
    $\0\0\0\
    RTSP/1.0 404 Not here\r\ncseq:3\r\nX-Folded: one\r\n  two\r\n\tthree\r\n\r\n\
    PLAY * RTSP/1.0\r\nnonsense\r\nCSeq: 4\r\nContent-Length: 2\r\n\r\nab\
    GET_PARAMETER rtsp://h/a b RTSP/1.0\r\nCSeq: 5\r\nX-Name: caf\xe9\r\n\r\n";

#[test]
fn reads_one_of_everything() {
    let seen = read(&[CONNECTION]);
    let [
        options,
        rtcp,
        announce,
        empty,
        response,
        mistake,
        keep_alive,
    ] = &seen[..]
    else {
        panic!("{seen:?}");
    };
    let wanted = Request::new(Method::Options, "rtsp://h:8554/cam")
        .header("CSeq", "1")
        .header("User-Agent", "VLC");
    assert_eq!(*options, Seen::Request(wanted));
    assert_eq!(*rtcp, Seen::Interleaved(1, b"\xde\xad\n\r".to_vec()));
    let mut wanted = Request::new(Method::Announce, "rtsp://h/cam")
        .header("CSeq", "2")
        .header("content-length", "9")
        .header("Content-Type", "application/sdp");
    wanted.body = b"v=0\r\n\r\n$s".to_vec();
    assert_eq!(*announce, Seen::Request(wanted));
    assert_eq!(*empty, Seen::Interleaved(0, vec![]));
    let wanted = Response::new(StatusCode::NOT_FOUND)
        .with_reason("Not here")
        .header("cseq", "3")
        .header("X-Folded", "one two three");
    assert_eq!(*response, Seen::Response(wanted));
    let Seen::Error(error) = mistake else {
        panic!("{mistake:?}");
    };
    assert_eq!(error.kind, ParseErrorKind::HeaderSyntax);
    assert_eq!(error.cseq.as_deref(), Some("4"));
    let start = CONNECTION
        .windows(6)
        .position(|bytes| bytes == b"PLAY *")
        .unwrap();
    assert_eq!(error.position, start as u64);
    let wanted = Request::new(Method::GetParameter, "rtsp://h/a b")
        .header("CSeq", "5")
        .header("X-Name", "café");
    assert_eq!(*keep_alive, Seen::Request(wanted));
}

#[test]
fn any_split_gives_the_same_elements() {
    let whole = read(&[CONNECTION]);
    for at in 0..=CONNECTION.len() {
        let (one, two) = CONNECTION.split_at(at);
        assert_eq!(read(&[one, two]), whole, "split at {at}");
    }
    for size in 1..=7 {
        let pieces: Vec<_> = CONNECTION.chunks(size).collect();
        assert_eq!(read(&pieces), whole, "pieces of {size}");
    }
}

#[test]
fn any_split_of_a_mistake_gives_the_same_error() {
    let connections: [&[u8]; 4] = [
        b"hello\r\nCSeq: 1\r\n\r\n",
        b"PLAY * RTSP/1.0\r\nCSeq: 9\r\nContent-Length: x\r\n\r\n",
        b"PLAY * RTSP/1.0\r\nContent-Length: 99999999\r\nCSeq: 9\r\n\r\n",
        b"$\0\0\x01aRTSP/1.0 20 OK\r\n\r\n",
    ];
    for bytes in connections {
        let whole = read(&[bytes]);
        assert!(matches!(whole.last(), Some(Seen::Error(error)) if error.is_fatal()));
        for at in 0..=bytes.len() {
            let (one, two) = bytes.split_at(at);
            assert_eq!(read(&[one, two]), whole, "{} at {at}", bytes.escape_ascii());
        }
    }
}

#[test]
fn forms_of_request_lines() {
    let table = [
        (
            "PLAY rtsp://h/cam RTSP/1.0\r\n\r\n",
            "PLAY",
            "rtsp://h/cam",
            Version::Rtsp10,
        ),
        (
            "PLAY rtsp://h/a b  c RTSP/1.0 \r\n\r\n",
            "PLAY",
            "rtsp://h/a b  c",
            Version::Rtsp10,
        ),
        ("play /cam rtsp/1.0\n\n", "play", "/cam", Version::Rtsp10),
        (
            "OPTIONS * RTSP/2.0\r\n\r\n",
            "OPTIONS",
            "*",
            Version::Rtsp20,
        ),
        ("FOO cam RTSP/1.0\n\r\n", "FOO", "cam", Version::Rtsp10),
        ("GET /cam HTTP/1.1\r\n\r\n", "GET", "/cam", Version::Http11),
        (
            "POST /cam HTTP/1.0\r\n\r\n",
            "POST",
            "/cam",
            Version::Http10,
        ),
        (
            "DESCRIBE rtsp://h/küche RTSP/1.0\r\n\r\n",
            "DESCRIBE",
            "rtsp://h/küche",
            Version::Rtsp10,
        ),
    ];
    for (text, method, uri, version) in table {
        let request = request(text);
        assert_eq!(
            (request.method.as_str(), request.uri.as_str()),
            (method, uri)
        );
        assert_eq!(request.version, version, "{text}");
    }
    let latin1 = request_of(b"DESCRIBE rtsp://h/k\xfcche RTSP/1.0\r\n\r\n");
    assert_eq!(latin1.uri, "rtsp://h/küche");
}

#[test]
fn lines_that_start_no_message() {
    let lines: [&[u8]; 17] = [
        b"hello",
        b"PLAY",
        b"PLAY rtsp://h/cam",
        b"PLAY RTSP/1.0",
        b"PLAY  RTSP/1.0",
        b" PLAY * RTSP/1.0",
        b"PL@Y * RTSP/1.0",
        b"PLAY * RTSP/1",
        b"PLAY * SIP/2.0",
        b"RTSP/1.0",
        b"RTSP/1.0 ",
        b"RTSP/1.0 OK",
        b"RTSP/1.0 2000 OK",
        b"RTSP/1.0 +20 OK",
        b"RTSP/1.0 020 OK",
        b"\x16\x03\x01\x02\0",
        b"\xff\xfe\xfd",
    ];
    for line in lines {
        let error = error_of(Limits::default(), &[line, b"\r\n"].concat());
        assert_eq!(
            error.kind,
            ParseErrorKind::StartLine,
            "{}",
            line.escape_ascii()
        );
        assert_eq!(error.status(), StatusCode::BAD_REQUEST);
        assert!(error.is_fatal());
    }
}

#[test]
fn forms_of_header_lines() {
    let table: [(&[u8], &str, &str); 10] = [
        (b"CSeq: 1", "CSeq", "1"),
        (b"CSeq:1", "CSeq", "1"),
        (b"CSeq : 1", "CSeq", "1"),
        (b"CSEQ:\t 1 \t", "CSEQ", "1"),
        (b"X:", "X", ""),
        (b"X: a:b", "X", "a:b"),
        (b"X: caf\xc3\xa9", "X", "café"),
        (b"X: caf\xe9", "X", "café"),
        (b"X: a\rb\0c", "X", "a b c"),
        (b"X: a\r\n b\r\n \r\n\tc", "X", "a b c"),
    ];
    for (line, name, value) in table {
        let bytes = [b"PLAY * RTSP/1.0\r\n", line, b"\r\n\r\n"].concat();
        let request = request_of(&bytes);
        assert_eq!(
            request.headers.iter().next(),
            Some((name, value)),
            "{}",
            line.escape_ascii()
        );
        assert_eq!(request.headers.len(), 1);
    }
}

#[test]
fn a_bad_header_line_costs_one_message() {
    let lines: [&[u8]; 5] = [
        b"nonsense",
        b": value",
        b"a b: c",
        b"X(y): z",
        b"caf\xe9: x",
    ];
    for line in lines {
        let bytes = [
            b"PLAY * RTSP/1.0\r\nCSeq: 8\r\n",
            line,
            b"\r\nContent-Length: 3\r\n\r\nabcOPTIONS * RTSP/1.0\r\n\r\n",
        ]
        .concat();
        let seen = read(&[&bytes]);
        let [Seen::Error(error), Seen::Request(next)] = &seen[..] else {
            panic!("{seen:?}");
        };
        assert!(!error.is_fatal());
        assert_eq!(error.kind, ParseErrorKind::HeaderSyntax);
        let mut answer = Vec::new();
        error.response().write_to(&mut answer);
        assert_eq!(answer, b"RTSP/1.0 400 Bad Request\r\nCSeq: 8\r\n\r\n");
        assert_eq!(next.method, Method::Options);
    }
    let folded_first = read(&[b"PLAY * RTSP/1.0\r\n folded: x\r\n\r\n"]);
    assert!(matches!(&folded_first[..], [Seen::Error(error)] if !error.is_fatal()));
}

#[test]
fn content_length_is_one_number() {
    let message = |lines: &str| format!("PLAY * RTSP/1.0\r\n{lines}\r\n\r\n");
    for lines in [
        "Content-Length:",
        "Content-Length: -1",
        "Content-Length: +1",
        "Content-Length: 1x",
        "Content-Length: 1, 1",
        "Content-Length: 1\r\nContent-Length: 2",
    ] {
        let error = error_of(Limits::default(), message(lines).as_bytes());
        assert_eq!(error.kind, ParseErrorKind::ContentLength, "{lines}");
        assert!(error.is_fatal());
    }
    let limit = Limits::default().rtsp_body_bytes;
    for number in [
        "65537",
        "4294967296",
        "18446744073709551616",
        "99999999999999999999999",
    ] {
        let error = error_of(
            Limits::default(),
            message(&format!("Content-Length: {number}")).as_bytes(),
        );
        assert_eq!(
            error.kind,
            ParseErrorKind::BodyTooLong { limit },
            "{number}"
        );
        assert_eq!(error.status(), StatusCode::REQUEST_ENTITY_TOO_LARGE);
    }
    let twice = message("Content-Length: 2\r\ncontent-length: 02") + "ab";
    assert_eq!(request(&twice).body, b"ab");
}

#[test]
fn the_body_of_http_stays_unread() {
    let mut parser = Parser::new(Limits::default());
    parser.push(b"POST /cam HTTP/1.0\r\nContent-Length: 32767\r\n\r\nT1BUSU9OUw==");
    assert!(
        matches!(parser.next(), Ok(Some(Element::Request(request))) if request.body.is_empty())
    );
    assert_eq!(parser.unread(), b"T1BUSU9OUw==");
}

/// Each limit holds exactly: what reaches it is read, one more is refused.
#[test]
fn limits_are_exact() {
    let limits = Limits {
        rtsp_line_bytes: 40,
        rtsp_header_count: 4,
        rtsp_header_bytes: 100,
        rtsp_body_bytes: 10,
        interleaved_frame_bytes: 5,
        ..Limits::default()
    };
    let fits = |bytes: &[u8]| !matches!(read_with(limits, &[bytes])[0], Seen::Error(_));
    let head = "PLAY * RTSP/1.0\r\n";

    for (length, end) in [(40, "\r\n"), (40, "\n"), (41, "\r\n"), (41, "\n")] {
        let uri = "u".repeat(length - "PLAY  RTSP/1.0".len());
        let text = format!("PLAY {uri} RTSP/1.0{end}{end}");
        assert_eq!(fits(text.as_bytes()), length == 40);
        let text = format!("{head}X:{}{end}{end}", "y".repeat(length - 2));
        assert_eq!(fits(text.as_bytes()), length == 40);
    }
    let error = error_of(limits, &[b'a'; 42]);
    assert_eq!(error.status(), StatusCode::REQUEST_URI_TOO_LARGE);
    assert_eq!(error.kind, ParseErrorKind::StartLineTooLong { limit: 40 });
    let error = error_of(limits, &[head.as_bytes(), &[b'a'; 42]].concat());
    assert_eq!(error.kind, ParseErrorKind::LineTooLong { limit: 40 });

    assert!(fits(
        format!("{head}{}\r\n", "X:1\r\n".repeat(4)).as_bytes()
    ));
    let error = error_of(
        limits,
        format!("{head}{}\r\n", "X:1\r\n".repeat(5)).as_bytes(),
    );
    assert_eq!(error.kind, ParseErrorKind::TooManyHeaders { limit: 4 });

    // Two lines of 49 bytes would be too long each; folded lines count as well.
    let folded = |bytes: usize| {
        let fill =
            bytes - "X:1\r\n".len() - 2 * " 23456789012345678901234567890123456\r\n".len() - 4;
        format!(
            "{head}X:1\r\n{0}{0} {1}\r\n\r\n",
            " 23456789012345678901234567890123456\r\n",
            "z".repeat(fill - 1)
        )
    };
    assert!(fits(folded(100).as_bytes()));
    let error = error_of(limits, folded(101).as_bytes());
    assert_eq!(error.kind, ParseErrorKind::HeadersTooLong { limit: 100 });

    assert!(fits(
        format!("{head}Content-Length: 10\r\n\r\n0123456789").as_bytes()
    ));
    assert!(!fits(
        format!("{head}Content-Length: 11\r\n\r\n0123456789a").as_bytes()
    ));
    assert!(fits(b"$\0\0\x0501234"));
    let error = error_of(limits, b"$\0\0\x06012345");
    assert_eq!(error.kind, ParseErrorKind::FrameTooLong { bytes: 6 });
}

#[test]
fn twenty_thousand_headers_are_refused_early() {
    let bytes = [b"PLAY * RTSP/1.0\r\n".to_vec(), b"A: b\r\n".repeat(20_000)].concat();
    let error = error_of(Limits::default(), &bytes);
    assert_eq!(error.kind, ParseErrorKind::TooManyHeaders { limit: 100 });
}

/// Bytes looked at are counted by what they cost: one byte a call, a line that never ends and bodies in drops. A parser
/// that starts anew with each call would look at 10^12 bytes here.
#[test]
fn a_million_bytes_in_single_pieces_are_read() {
    let limits = Limits {
        rtsp_line_bytes: 1_100_000,
        rtsp_body_bytes: 1_100_000,
        ..Limits::default()
    };
    let mut parser = Parser::new(limits);
    parser.push(b"PLAY * RTSP/1.0\r\nContent-Length: 1000000\r\n\r\n");
    for _ in 0..1_000_000 {
        assert_eq!(parser.next(), Ok(None));
        parser.push(b"x");
    }
    assert!(
        matches!(parser.next(), Ok(Some(Element::Request(request))) if request.body.len() == 1_000_000)
    );
    for _ in 0..1_000_000 {
        parser.push(b"y");
        assert_eq!(parser.next(), Ok(None));
    }
    assert_eq!(parser.unread().len(), 1_000_000);
}

#[test]
fn after_a_fatal_error_nothing_is_kept() {
    let mut parser = Parser::new(Limits::default());
    parser.push(b"hello\r\n");
    let error = parser.next().unwrap_err();
    parser.push(&[b'x'; 100_000]);
    assert_eq!(parser.next(), Err(error.clone()));
    assert_eq!(parser.unread(), b"");
    assert_eq!(
        error.to_string(),
        "the first line is neither a request nor a response (message at byte 0 of the connection)"
    );
}

#[test]
fn what_was_read_is_forgotten() {
    let mut parser = Parser::new(Limits::default());
    let frame = [b"$\0\x10\0".to_vec(), vec![7; 4096]].concat();
    for _ in 0..1000 {
        parser.push(&frame);
        parser.push(b"$");
        while let Ok(Some(element)) = parser.next() {
            assert!(matches!(element, Element::Interleaved { data, .. } if data.len() == 4096));
        }
        parser.push(&frame[1..]);
        while let Ok(Some(_)) = parser.next() {}
        assert!(parser.buffer.capacity() <= 4 * frame.len());
    }
    assert_eq!(parser.position(), 2000 * frame.len() as u64);
    assert!(parser.buffer.capacity() <= IDLE_BUFFER_BYTES);
}

#[test]
fn written_messages_read_back() {
    let request = Request::new(Method::SetParameter, "rtsp://h/cam")
        .header("CSeq", "12")
        .with_body("text/parameters", "a: b\r\n");
    let mut bytes = Vec::new();
    request.write_to(&mut bytes);
    let expected = request.header("Content-Length", "6");
    assert_eq!(read(&[&bytes]), [Seen::Request(expected)]);

    let response = Response::new(StatusCode::OK)
        .with_reason("OK")
        .header("CSeq", "12");
    let mut bytes = Vec::new();
    response.write_to(&mut bytes);
    assert_eq!(read(&[&bytes]), [Seen::Response(response)]);
}

#[test]
fn a_message_that_is_not_whole_is_told_from_a_packet_that_is_not() {
    let mut parser = Parser::new(Limits::default());
    assert!(!parser.is_in_message());
    for (piece, expected) in [
        (&b"\r\n"[..], false),
        (b"O", true),
        (b"PTIONS * RTSP/1.0\r\nContent-Length: 1\r\n\r\n", true),
        (b"b$\0\0", false),
        (b"\x01a", false),
    ] {
        parser.push(piece);
        while parser.next().unwrap().is_some() {}
        assert_eq!(parser.is_in_message(), expected, "{}", piece.escape_ascii());
    }
}
