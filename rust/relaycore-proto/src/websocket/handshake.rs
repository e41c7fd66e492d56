//! The opening handshake (RFC 6455 section 4.2): a request of HTTP, and the answer that makes its connection a WebSocket.

use alloc::string::String;
use sha1::{Digest, Sha1};

use crate::base64::{decode, encode};
use crate::rtsp::message::{Headers, Request, Response};
use crate::rtsp::method::Method;
use crate::rtsp::status::StatusCode;
use crate::rtsp::version::Version;

/// The sub-protocol of RTSP (ONVIF Streaming Specification section 7.3.1.1).
pub const RTSP: &str = "rtsp.onvif.org";

/// The version of the protocol.
const VERSION: &str = "13";

/// What the key is joined with for the proof that it was understood (section 1.3).
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Bytes of a key.
const KEY_BYTES: usize = 16;

/// Whether a request asks for a WebSocket that this sub-protocol is spoken in, right or not.
#[must_use]
pub fn asks_for(request: &Request, protocol: &str) -> bool {
    let is_get = matches!(&request.method, Method::Other(name) if name == "GET");
    is_get
        && has(&request.headers, "Sec-WebSocket-Protocol", |name| {
            name == protocol
        })
}

/// The answer that makes a connection a WebSocket in which `protocol` is spoken. The request has asked for that.
///
/// # Errors
/// Why it is answered otherwise.
pub fn accept(request: &Request, protocol: &str) -> Result<Response, HandshakeError> {
    let headers = &request.headers;
    let is_word = |word: &'static str| move |name: &str| name.eq_ignore_ascii_case(word);
    if request.version != Version::Http11
        || !has(headers, "Upgrade", is_word("websocket"))
        || !has(headers, "Connection", is_word("upgrade"))
    {
        return Err(HandshakeError::NoUpgrade);
    }
    if headers.get("Sec-WebSocket-Version").map(str::trim) != Some(VERSION) {
        return Err(HandshakeError::Version);
    }
    let key = headers.get("Sec-WebSocket-Key").unwrap_or_default().trim();
    if decode(key).is_none_or(|key| key.len() != KEY_BYTES) {
        return Err(HandshakeError::Key);
    }
    let mut response = Response::new(StatusCode::SWITCHING_PROTOCOLS)
        .header("Upgrade", "websocket")
        .header("Connection", "Upgrade")
        .header("Sec-WebSocket-Accept", proof_of(key))
        .header("Sec-WebSocket-Protocol", protocol);
    response.version = Version::Http11;
    Ok(response)
}

/// Why a request opens no WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandshakeError {
    /// It does not ask to go on with the protocol.
    NoUpgrade,
    /// It asks for another version of the protocol.
    Version,
    /// Its key is not 16 bytes in Base64.
    Key,
}

impl HandshakeError {
    /// The status of the answer (RFC 6455 section 4.2.2, RFC 9110 section 15.5.22).
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::NoUpgrade | Self::Version => StatusCode::UPGRADE_REQUIRED,
            Self::Key => StatusCode::BAD_REQUEST,
        }
    }

    /// The header by which the answer says what would be right, if there is one.
    #[must_use]
    pub fn header(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::NoUpgrade => Some(("Upgrade", "websocket")),
            Self::Version => Some(("Sec-WebSocket-Version", VERSION)),
            Self::Key => None,
        }
    }

    /// The body of the answer, for a person.
    #[must_use]
    pub fn body(self) -> &'static str {
        match self {
            Self::NoUpgrade => {
                "RTSP is spoken here in a WebSocket: ask for it by Upgrade in HTTP/1.1.\n"
            }
            Self::Version => "Only version 13 of the WebSocket protocol is spoken.\n",
            Self::Key => "Sec-WebSocket-Key is not right: it is 16 random bytes in Base64.\n",
        }
    }
}

/// What proves that a key was understood.
fn proof_of(key: &str) -> String {
    encode(&Sha1::new().chain_update(key).chain_update(GUID).finalize())
}

/// Whether one of the words of a header that is a list is the right one.
fn has(headers: &Headers, name: &str, is_right: impl Fn(&str) -> bool) -> bool {
    headers
        .get_all(name)
        .flat_map(|list| list.split(','))
        .any(|word| is_right(word.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The handshake of section 1.3, with one header changed or left out.
    fn request(changed: &str, to: Option<&str>) -> Request {
        let mut request = Request::new(Method::Other("GET".into()), "/rtsp");
        request.version = Version::Http11;
        for (name, value) in [
            ("Upgrade", "WebSocket"),
            ("Connection", "keep-alive, Upgrade"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Protocol", "chat, rtsp.onvif.org"),
        ] {
            match to.filter(|_| name == changed) {
                Some(value) => request.headers.push(name, value),
                None if name == changed => {}
                None => request.headers.push(name, value),
            }
        }
        request
    }

    #[test]
    fn the_example_of_the_rfc_is_answered_with_its_proof() {
        let request = request("", None);
        assert!(asks_for(&request, RTSP));
        let response = accept(&request, RTSP).unwrap();
        let header = |name| response.headers.get(name);
        assert_eq!(
            (response.status.0, response.version),
            (101, Version::Http11)
        );
        assert_eq!(
            header("Sec-WebSocket-Accept"),
            Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        );
        assert_eq!(header("Sec-WebSocket-Protocol"), Some(RTSP));
        assert_eq!(
            (header("Upgrade"), header("Connection")),
            (Some("websocket"), Some("Upgrade"))
        );
    }

    #[test]
    fn what_asks_for_something_else_is_not_ours() {
        for other in [Some("chat"), Some("xrtsp.onvif.org"), Some(""), None] {
            assert!(!asks_for(&request("Sec-WebSocket-Protocol", other), RTSP));
        }
        let mut post = request("", None);
        post.method = Method::Other("POST".into());
        assert!(!asks_for(&post, RTSP));
        let mut twice = request("Sec-WebSocket-Protocol", Some("chat"));
        twice.headers.push("sec-websocket-protocol", RTSP);
        assert!(asks_for(&twice, RTSP));
    }

    #[test]
    fn what_is_not_right_says_what_would_be() {
        for (changed, to, error, status) in [
            ("Upgrade", None, HandshakeError::NoUpgrade, 426),
            ("Upgrade", Some("h2c"), HandshakeError::NoUpgrade, 426),
            ("Connection", Some("close"), HandshakeError::NoUpgrade, 426),
            (
                "Sec-WebSocket-Version",
                Some("8"),
                HandshakeError::Version,
                426,
            ),
            ("Sec-WebSocket-Version", None, HandshakeError::Version, 426),
            ("Sec-WebSocket-Key", None, HandshakeError::Key, 400),
            (
                "Sec-WebSocket-Key",
                Some("c2hvcnQ="),
                HandshakeError::Key,
                400,
            ),
            ("Sec-WebSocket-Key", Some("!"), HandshakeError::Key, 400),
        ] {
            let found = accept(&request(changed, to), RTSP).unwrap_err();
            assert_eq!(
                (found, found.status().0),
                (error, status),
                "{changed}: {to:?}"
            );
            assert!(found.body().ends_with(".\n"));
        }
        let mut old = request("", None);
        old.version = Version::Http10;
        assert_eq!(accept(&old, RTSP), Err(HandshakeError::NoUpgrade));
    }
}
