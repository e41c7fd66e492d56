//! The lines of a message: what each says.

use alloc::string::String;

use super::error::ParseErrorKind;
use crate::rtsp::method::Method;
use crate::rtsp::status::StatusCode;
use crate::rtsp::version::Version;

/// The first line of a message.
#[derive(Clone, Debug)]
pub(super) enum StartLine {
    Request {
        method: Method,
        uri: String,
        version: Version,
    },
    Response {
        version: Version,
        status: StatusCode,
        reason: String,
    },
}

/// Reads a request line or a status line.
pub(super) fn parse_start_line(line: &str) -> Result<StartLine, ParseErrorKind> {
    let line = line.trim_end_matches([' ', '\t']);
    let (first, rest) = line.split_once(' ').ok_or(ParseErrorKind::StartLine)?;
    if let Some(version) = Version::parse(first) {
        let rest = rest.trim_start_matches(' ');
        let (code, reason) = rest.split_once(' ').unwrap_or((rest, ""));
        if code.len() != 3
            || code.starts_with('0')
            || !code.bytes().all(|byte| byte.is_ascii_digit())
        {
            return Err(ParseErrorKind::StartLine);
        }
        let code = code.parse().map_err(|_| ParseErrorKind::StartLine)?;
        let reason = String::from(reason.trim());
        return Ok(StartLine::Response {
            version,
            status: StatusCode(code),
            reason,
        });
    }
    // The URI may hold spaces: it is what lies between the first and the last one.
    let (uri, version) = rest.rsplit_once(' ').ok_or(ParseErrorKind::StartLine)?;
    let version = Version::parse(version).ok_or(ParseErrorKind::StartLine)?;
    let uri = uri.trim_matches([' ', '\t']);
    if !is_token(first.as_bytes()) || uri.is_empty() {
        return Err(ParseErrorKind::StartLine);
    }
    Ok(StartLine::Request {
        method: Method::parse(first),
        uri: String::from(uri),
        version,
    })
}

/// Name and value of `name: value`; `None` for other lines.
pub(super) fn split_header(line: &[u8]) -> Option<(String, String)> {
    let colon = line.iter().position(|&byte| byte == b':')?;
    let (name, value) = (
        line[..colon].trim_ascii_end(),
        line[colon + 1..].trim_ascii(),
    );
    is_token(name).then(|| (decode(name), decode(value)))
}

/// Whether `text` is a token: visible ASCII without separators (RFC 2326 section 15.1).
fn is_token(text: &[u8]) -> bool {
    !text.is_empty()
        && text
            .iter()
            .all(|byte| byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?={}".contains(byte))
}

/// Text in UTF-8, as RFC 2326 section 4 has it, or else in Latin-1, as some cameras send it.
pub(super) fn decode(bytes: &[u8]) -> String {
    match core::str::from_utf8(bytes) {
        Ok(text) => String::from(text),
        Err(_) => bytes.iter().map(|&byte| char::from(byte)).collect(),
    }
}
