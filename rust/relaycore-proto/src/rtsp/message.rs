//! Requests and responses (RFC 2326 sections 4 to 7): an owned form to read from and to write.
//!
//! ```text
//! PLAY rtsp://laptop:8554/cam RTSP/1.0\r\n      RTSP/1.0 200 OK\r\n
//! CSeq: 4\r\n                                   CSeq: 4\r\n
//! Session: 12345678\r\n                         Content-Length: 12\r\n
//! \r\n                                          \r\n
//!                                               twelve bytes
//! ```

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;

use super::method::Method;
use super::status::StatusCode;
use super::version::Version;

/// Header lines in the order they came, with names compared without case (RFC 2326 section 4.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    /// No headers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Value of the first header called `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.get_all(name).next()
    }

    /// Values of all headers called `name`, in order.
    pub fn get_all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.iter()
            .filter(move |(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// Sets the header called `name`, in place of all of that name.
    pub fn insert(&mut self, name: impl Into<String>, value: impl Into<String>) {
        let name = name.into();
        self.remove(&name);
        self.push(name, value);
    }

    /// Adds a header line. Control characters in it become spaces, so that a value taken from a peer never ends its
    /// line.
    pub fn push(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.push((one_line(name.into()), one_line(value.into())));
    }

    /// Removes all headers called `name`.
    pub fn remove(&mut self, name: &str) {
        self.0
            .retain(|(known, _)| !known.eq_ignore_ascii_case(name));
    }

    /// Names and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Number of header lines.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no header.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Appends to the value of the last header, as a folded line does. `false` when there is no header yet.
    pub(super) fn continue_last(&mut self, more: String) -> bool {
        let Some((_, value)) = self.0.last_mut() else {
            return false;
        };
        let more = one_line(more);
        if !value.is_empty() && !more.is_empty() {
            value.push(' ');
        }
        value.push_str(&more);
        true
    }

    /// Writes the lines and the empty line that ends them. A body's length is the one of its bytes, whatever a header
    /// says.
    fn write_to(&self, out: &mut Vec<u8>, body: &[u8]) {
        for (name, value) in self.iter() {
            if body.is_empty() || !name.eq_ignore_ascii_case(CONTENT_LENGTH) {
                write_text(out, format_args!("{name}: {value}\r\n"));
            }
        }
        if !body.is_empty() {
            write_text(out, format_args!("{CONTENT_LENGTH}: {}\r\n", body.len()));
        }
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(body);
    }
}

/// A request (RFC 2326 section 6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What is asked for.
    pub method: Method,
    /// What it is asked of, as it came: an absolute URL, a path, or `*`. [`Url`](super::Url) reads it.
    pub uri: String,
    /// Protocol and version.
    pub version: Version,
    /// Header lines.
    pub headers: Headers,
    /// Body; empty for requests of HTTP, whose body stays in the parser.
    pub body: Vec<u8>,
}

impl Request {
    /// A request of RTSP/1.0 without headers and body.
    #[must_use]
    pub fn new(method: Method, uri: impl Into<String>) -> Self {
        Self {
            method,
            uri: uri.into(),
            version: Version::Rtsp10,
            headers: Headers::new(),
            body: Vec::new(),
        }
    }

    /// The same request with one more header line.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push(name, value);
        self
    }

    /// The same request with a body of the given type; `write_to` adds its length.
    #[must_use]
    pub fn with_body(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.headers.insert(CONTENT_TYPE, content_type);
        self.body = body.into();
        self
    }

    /// The sequence number that a response repeats, as it came.
    #[must_use]
    pub fn cseq(&self) -> Option<&str> {
        self.headers.get(CSEQ)
    }

    /// Appends the request as sent. `Content-Length` is added when there is a body.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        write_text(out, format_args!("{} ", self.method));
        out.extend_from_slice(escape_uri(&self.uri).as_bytes());
        write_text(out, format_args!(" {}\r\n", self.version));
        self.headers.write_to(out, &self.body);
    }
}

/// A response (RFC 2326 section 7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// Protocol and version.
    pub version: Version,
    /// How the request fared.
    pub status: StatusCode,
    /// Text after the code; `None` stands for [`StatusCode::reason`].
    pub reason: Option<String>,
    /// Header lines.
    pub headers: Headers,
    /// Body; empty for responses of HTTP, whose body stays in the parser.
    pub body: Vec<u8>,
}

impl Response {
    /// A response of RTSP/1.0 without headers and body.
    #[must_use]
    pub fn new(status: StatusCode) -> Self {
        Self {
            version: Version::Rtsp10,
            status,
            reason: None,
            headers: Headers::new(),
            body: Vec::new(),
        }
    }

    /// A response to `request`: it repeats the sequence number (RFC 2326 section 12.17).
    #[must_use]
    pub fn to_request(request: &Request, status: StatusCode) -> Self {
        let response = Self::new(status);
        match request.cseq() {
            Some(cseq) => response.header(CSEQ, cseq),
            None => response,
        }
    }

    /// The same response with one more header line.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push(name, value);
        self
    }

    /// The same response with a reason phrase of its own, which tells a person what to do.
    #[must_use]
    pub fn with_reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(one_line(reason.into()));
        self
    }

    /// The same response with a body of the given type; `write_to` adds its length.
    #[must_use]
    pub fn with_body(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.headers.insert(CONTENT_TYPE, content_type);
        self.body = body.into();
        self
    }

    /// The sequence number of the request that this answers, as it came.
    #[must_use]
    pub fn cseq(&self) -> Option<&str> {
        self.headers.get(CSEQ)
    }

    /// Appends the response as sent. `Content-Length` is added when there is a body.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        let reason = self.reason.as_deref().unwrap_or(self.status.reason());
        let reason = one_line(String::from(reason));
        write_text(
            out,
            format_args!("{} {} {reason}\r\n", self.version, self.status.0),
        );
        self.headers.write_to(out, &self.body);
    }
}

/// Header that numbers requests.
const CSEQ: &str = "CSeq";
/// Header that gives the length of the body in bytes.
pub(super) const CONTENT_LENGTH: &str = "Content-Length";
/// Header that gives the media type of the body.
const CONTENT_TYPE: &str = "Content-Type";

/// `uri` as it is written: a space or line end would change the meaning of the request line.
#[must_use]
pub(crate) fn escape_uri(uri: &str) -> Cow<'_, str> {
    let breaks = |letter: char| letter <= ' ' || letter == '\x7f';
    if !uri.contains(breaks) {
        return Cow::Borrowed(uri);
    }
    let mut escaped = String::with_capacity(uri.len() + 16);
    for letter in uri.chars() {
        if breaks(letter) {
            // Writing to a string does not fail.
            let _ = write!(escaped, "%{:02X}", u32::from(letter));
        } else {
            escaped.push(letter);
        }
    }
    Cow::Owned(escaped)
}

/// `text` with spaces in place of control characters and none at its ends, so that it stays one line wherever it is
/// written, and reads back as it is.
fn one_line(text: String) -> String {
    let breaks = |letter: char| letter.is_control() && letter != '\t';
    if text.contains(breaks) || text.trim().len() != text.len() {
        String::from(text.replace(breaks, " ").trim())
    } else {
        text
    }
}

/// Appends formatted text to bytes.
fn write_text(out: &mut Vec<u8>, text: core::fmt::Arguments<'_>) {
    struct Bytes<'a>(&'a mut Vec<u8>);
    impl core::fmt::Write for Bytes<'_> {
        fn write_str(&mut self, text: &str) -> core::fmt::Result {
            self.0.extend_from_slice(text.as_bytes());
            Ok(())
        }
    }
    // Writing to memory does not fail, and neither do the types that are written here.
    let _ = Bytes(out).write_fmt(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(response: &Response) -> String {
        let mut out = Vec::new();
        response.write_to(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn header_names_have_no_case_and_keep_their_order() {
        let mut headers = Headers::new();
        headers.push("Accept", "a");
        headers.push("X", "1");
        headers.push("ACCEPT", "b");
        assert_eq!(headers.get("accept"), Some("a"));
        assert_eq!(headers.get_all("Accept").collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(headers.get("Range"), None);
        headers.insert("accept", "c");
        assert_eq!(
            headers.iter().collect::<Vec<_>>(),
            [("X", "1"), ("accept", "c")]
        );
        headers.remove("x");
        assert_eq!(headers.len(), 1);
        assert!(!headers.is_empty());
    }

    #[test]
    fn a_response_repeats_the_sequence_number_and_counts_its_body() {
        let request = Request::new(Method::Describe, "rtsp://h/cam").header("cseq", "07");
        let response = Response::to_request(&request, StatusCode::OK)
            .header("Content-Length", "9999")
            .with_body("application/sdp", "v=0\r\n");
        assert_eq!(
            written(&response),
            "RTSP/1.0 200 OK\r\nCSeq: 07\r\nContent-Type: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n"
        );
    }

    #[test]
    fn without_body_no_length_is_added_and_a_given_one_stays() {
        let response = Response::new(StatusCode::NOT_FOUND).with_reason("No stream at cam");
        assert_eq!(written(&response), "RTSP/1.0 404 No stream at cam\r\n\r\n");
        let mut tunnel = Response::new(StatusCode::OK).header("Content-Length", "32767");
        tunnel.version = Version::Http10;
        assert_eq!(
            written(&tunnel),
            "HTTP/1.0 200 OK\r\nContent-Length: 32767\r\n\r\n"
        );
    }

    #[test]
    fn no_value_can_end_its_line() {
        let response = Response::new(StatusCode::OK)
            .header("X\r\nY", "a\r\nSet: b\n\0c")
            .with_reason("fine\r\nX: y");
        assert_eq!(
            written(&response),
            "RTSP/1.0 200 fine  X: y\r\nX  Y: a  Set: b  c\r\n\r\n"
        );

        let mut out = Vec::new();
        Request::new(Method::Options, "rtsp://h/a b\r\nX: y").write_to(&mut out);
        assert_eq!(out, b"OPTIONS rtsp://h/a%20b%0D%0AX:%20y RTSP/1.0\r\n\r\n");
    }
}
