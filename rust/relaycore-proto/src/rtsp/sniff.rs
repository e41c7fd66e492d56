//! Which protocol a connection speaks, told from its first bytes without consuming them: one port serves RTSP, HTTP
//! and TLS.

/// What the first bytes of a connection begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sniffed {
    /// Too few bytes to tell: ask again with more.
    NeedMore,
    /// An RTSP request, or an interleaved packet.
    Rtsp,
    /// An HTTP request.
    Http,
    /// A TLS handshake.
    Tls,
    /// A first line that is longer than the limit or ends without a known protocol.
    Unknown,
}

/// Looks at `start`, the first bytes of a connection. A first line must end within `line_bytes` bytes.
///
/// The answer comes from the end of the first line, `... RTSP/1.0` or `... HTTP/1.1`, and not from the method: both
/// protocols have OPTIONS. Empty lines before it are skipped, as RFC 9112 section 2.2 asks for.
#[must_use]
pub fn sniff(start: &[u8], line_bytes: usize) -> Sniffed {
    let blank = start
        .iter()
        .take_while(|byte| matches!(byte, b'\r' | b'\n'))
        .count();
    let text = &start[blank..];
    match text.first() {
        None if blank > line_bytes => return Sniffed::Unknown,
        None => return Sniffed::NeedMore,
        Some(&INTERLEAVED) => return Sniffed::Rtsp,
        Some(&TLS_HANDSHAKE) => {
            return match text.get(1) {
                None => Sniffed::NeedMore,
                Some(&TLS_MAJOR) => Sniffed::Tls,
                Some(_) => Sniffed::Unknown,
            };
        }
        Some(_) => {}
    }
    let within = &text[..text.len().min(line_bytes)];
    let Some(end) = within.iter().position(|&byte| byte == b'\n') else {
        return if text.len() >= line_bytes {
            Sniffed::Unknown
        } else {
            Sniffed::NeedMore
        };
    };
    let line = within[..end].trim_ascii_end();
    let last_word = line.rsplit(|&byte| byte == b' ').next().unwrap_or(line);
    match last_word.first_chunk::<5>() {
        Some(name) if name.eq_ignore_ascii_case(b"RTSP/") => Sniffed::Rtsp,
        Some(name) if name.eq_ignore_ascii_case(b"HTTP/") => Sniffed::Http,
        _ => Sniffed::Unknown,
    }
}

/// `$`, which begins an interleaved packet.
const INTERLEAVED: u8 = b'$';
/// Content type of the record that opens a TLS connection (RFC 8446 section 5.1).
const TLS_HANDSHAKE: u8 = 0x16;
/// First byte of the version of every TLS record (RFC 8446 section 5.1).
const TLS_MAJOR: u8 = 0x03;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_the_protocols_apart() {
        let table: &[(&[u8], Sniffed)] = &[
            (b"OPTIONS * RTSP/1.0\r\n", Sniffed::Rtsp),
            (b"OPTIONS * HTTP/1.1\r\n", Sniffed::Http),
            (b"GET /cam HTTP/1.0\nHost: x\n", Sniffed::Http),
            (
                b"\r\n\r\nDESCRIBE rtsp://h/a b RTSP/1.0 \r\nCSeq: 1\r\n",
                Sniffed::Rtsp,
            ),
            (b"options * rtsp/2.0\r\n", Sniffed::Rtsp),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Sniffed::Http),
            (b"$\0", Sniffed::Rtsp),
            (b"\x16\x03\x01", Sniffed::Tls),
            (b"\x16\x04", Sniffed::Unknown),
            (b"SSH-2.0-OpenSSH_9.2\r\n", Sniffed::Unknown),
            (b"\0\0\0\0\n", Sniffed::Unknown),
        ];
        for (start, expected) in table {
            assert_eq!(sniff(start, 8192), *expected, "{}", start.escape_ascii());
        }
    }

    #[test]
    fn asks_for_more_until_the_line_ends() {
        for whole in [&b"PLAY rtsp://h/cam RTSP/1.0\r\n"[..], b"\x16\x03"] {
            let answer = sniff(whole, 8192);
            for end in 0..whole.len() {
                assert_eq!(sniff(&whole[..end], 8192), Sniffed::NeedMore);
            }
            assert!(matches!(answer, Sniffed::Rtsp | Sniffed::Tls));
        }
    }

    #[test]
    fn gives_up_on_a_line_without_end() {
        assert_eq!(sniff(&[b'a'; 99], 100), Sniffed::NeedMore);
        assert_eq!(sniff(&[b'a'; 100], 100), Sniffed::Unknown);
        assert_eq!(sniff(&[b'\n'; 101], 100), Sniffed::Unknown);
    }
}
