//! Request URIs (RFC 2326 section 3.2) taken apart into the path, the query and the track that they name.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// What a request URI names.
///
/// Servers name a track by a control attribute such as `trackID=1`, and clients append it to the URL of the stream
/// behind a slash, many of them without a look at the query:
///
/// ```text
/// rtsp://host/cam/trackID=1
/// rtsp://host/cam?token=x/trackID=1
/// rtsp://host/cam/trackID=1?token=x
/// ```
///
/// All three name track 1 of the path `cam`. User names and passwords in a URL are dropped: credentials belong in the
/// `Authorization` header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Url {
    /// Host name or address, without the brackets of an IPv6 address; `None` in a relative URI and in `*`.
    pub host: Option<String>,
    /// Port, where one is given.
    pub port: Option<u16>,
    /// Path of the stream: percent-decoded, without slash at either end; empty for the server as a whole.
    pub path: String,
    /// What follows `?`, as it came, without track and without a slash at its end.
    pub query: Option<String>,
    /// Number of the track in `trackID=N`; `None` for the whole stream.
    pub track: Option<usize>,
}

impl Url {
    /// Takes `uri` apart: absolute (`rtsp://host:port/path`), relative (`/path` or `path`), or `*`, the server.
    pub fn parse(uri: &str) -> Result<Self, UrlError> {
        let mut url = Self::default();
        if uri == "*" {
            return Ok(url);
        }
        let uri = uri.split_once('#').map_or(uri, |(before, _)| before);
        let mut rest = uri;
        if let Some(after_scheme) = strip_scheme(uri) {
            let end = after_scheme.find(['/', '?']).unwrap_or(after_scheme.len());
            let (authority, after) = after_scheme.split_at(end);
            (url.host, url.port) = split_authority(authority)?;
            rest = after;
        }

        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (rest, None),
        };
        let (path, path_track) = split_track(path);
        url.path = decode_path(path)?;
        url.track = path_track;
        if let Some(query) = query {
            // Only behind a slash: `?track=3` is a parameter of its own.
            let behind_slash = query.trim_end_matches('/').contains('/');
            let (query, query_track) = if behind_slash {
                split_track(query)
            } else {
                (query, None)
            };
            url.track = query_track.or(path_track);
            let query = query.strip_suffix('/').unwrap_or(query);
            if !query.is_empty() {
                url.query = Some(String::from(query));
            }
        }
        Ok(url)
    }
}

/// `uri` as `Content-Base`: without user information and fragment, and with the slash at its end without which a
/// client would replace the last part of the path by the control attribute (RFC 3986 section 5.2.3).
#[must_use]
pub fn content_base(uri: &str) -> String {
    let uri = uri.split_once('#').map_or(uri, |(before, _)| before);
    let mut base = String::with_capacity(uri.len() + 1);
    match strip_scheme(uri) {
        Some(after_scheme) => {
            base.push_str(&uri[..uri.len() - after_scheme.len()]);
            let end = after_scheme.find(['/', '?']).unwrap_or(after_scheme.len());
            let (authority, after) = after_scheme.split_at(end);
            base.push_str(
                authority
                    .rsplit_once('@')
                    .map_or(authority, |(_, host)| host),
            );
            base.push_str(after);
        }
        None => base.push_str(uri),
    }
    if !base.ends_with('/') {
        base.push('/');
    }
    base
}

/// Takes the track off the end of a path, query or control attribute: `cam/trackID=1` is `cam` and track 1. The names
/// `streamid` (ffmpeg), `stream` (GStreamer) and `track` mean the same.
#[must_use]
pub fn split_track(text: &str) -> (&str, Option<usize>) {
    let trimmed = text.trim_end_matches('/');
    let (before, last) = trimmed.rsplit_once('/').unwrap_or(("", trimmed));
    let Some((name, number)) = last.split_once('=') else {
        return (text, None);
    };
    let known = TRACK_NAMES
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known));
    if !known || number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return (text, None);
    }
    match number.parse() {
        Ok(number) => (before, Some(number)),
        Err(_) => (text, None),
    }
}

/// Why a URI is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UrlError {
    /// The part after `//` is no host with an optional port.
    Authority,
    /// The path holds a control character, once decoded.
    ControlCharacter,
    /// The path holds `.` or `..` between slashes: it could name something outside of the streams.
    DotSegment,
}

impl fmt::Display for UrlError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Authority => "the URL names no valid host and port",
            Self::ControlCharacter => "the path of the URL holds a control character",
            Self::DotSegment => "the path of the URL holds \".\" or \"..\" between slashes",
        })
    }
}

impl core::error::Error for UrlError {}

/// Names that a control attribute gives to a track's number.
const TRACK_NAMES: [&str; 4] = ["trackID", "streamid", "stream", "track"];

/// What follows `scheme://`; `None` for a relative URI.
pub(crate) fn strip_scheme(uri: &str) -> Option<&str> {
    let (scheme, rest) = uri.split_once("://")?;
    let letters = scheme
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    (letters && !scheme.is_empty()).then_some(rest)
}

/// Host and port of an authority; what stands before an `@` is dropped.
pub(crate) fn split_authority(authority: &str) -> Result<(Option<String>, Option<u16>), UrlError> {
    let host_and_port = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let (host, port) = match host_and_port.strip_prefix('[') {
        Some(bracketed) => {
            let (host, after) = bracketed.split_once(']').ok_or(UrlError::Authority)?;
            let port = match after.strip_prefix(':') {
                Some(port) => port,
                None if after.is_empty() => "",
                None => return Err(UrlError::Authority),
            };
            (host, port)
        }
        None => host_and_port.split_once(':').unwrap_or((host_and_port, "")),
    };
    if host.is_empty()
        || host.contains(|letter: char| letter.is_control() || letter.is_whitespace())
    {
        return Err(UrlError::Authority);
    }
    let port = match port {
        "" => None,
        digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(digits.parse().map_err(|_| UrlError::Authority)?)
        }
        _ => return Err(UrlError::Authority),
    };
    Ok((Some(String::from(host)), port))
}

fn decode_path(path: &str) -> Result<String, UrlError> {
    let decoded = percent_decode(path);
    let path = decoded.trim_matches('/');
    if path.contains(char::is_control) {
        return Err(UrlError::ControlCharacter);
    }
    if path
        .split(['/', '\\'])
        .any(|segment| matches!(segment, "." | ".."))
    {
        return Err(UrlError::DotSegment);
    }
    Ok(String::from(path))
}

/// `text` with `%41` as `A`. What is no valid escape stays as it is; bytes that are not UTF-8 become U+FFFD.
#[must_use]
pub fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let escaped = match (first, after) {
            (b'%', [high, low, ..]) => hex_digit(*high).zip(hex_digit(*low)),
            _ => None,
        };
        match escaped {
            Some((high, low)) => {
                bytes.push(high << 4 | low);
                rest = &after[2..];
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|digit| digit as u8)
}

#[cfg(test)]
mod tests;
