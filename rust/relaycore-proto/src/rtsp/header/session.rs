//! `Session` (RFC 2326 section 12.37): identifier of a session and the silence after which it ends.
//!
//! ```text
//! Session: 12345678;timeout=60
//! ```

use alloc::string::String;
use core::fmt;

/// Seconds of silence that end a session when the header names none.
pub const DEFAULT_TIMEOUT_S: u32 = 60;

/// Value of the header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Identifier, chosen by the server.
    pub id: String,
    /// Silence after which the session ends, in seconds; only servers send it.
    pub timeout_s: Option<u32>,
}

impl Session {
    /// Reads the value of a header. A timeout that is no number is ignored, as is any other parameter.
    #[must_use]
    pub fn parse(value: &str) -> Self {
        let mut timeout_s = None;
        for parameter in value.split(';').skip(1) {
            let (name, number) = parameter.split_once('=').unwrap_or((parameter, ""));
            if name.trim().eq_ignore_ascii_case("timeout") {
                timeout_s = number.trim().parse().ok();
            }
        }
        Self {
            id: String::from(parse_id(value)),
            timeout_s,
        }
    }
}

impl fmt::Display for Session {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.id)?;
        match self.timeout_s {
            Some(seconds) => write!(out, ";timeout={seconds}"),
            None => Ok(()),
        }
    }
}

/// The identifier in the value of a header. Some clients repeat the parameters of the server's header, so that the
/// value ends at the first semicolon.
#[must_use]
pub fn parse_id(value: &str) -> &str {
    value.split_once(';').map_or(value, |(id, _)| id).trim()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn reads_identifier_and_timeout() {
        let table = [
            ("12345678", "12345678", None),
            ("12345678;timeout=60", "12345678", Some(60)),
            (" abc ; Timeout = 5 ", "abc", Some(5)),
            ("a;x=1;timeout=99999999999", "a", None),
            ("a;timeout", "a", None),
            ("", "", None),
            (";timeout=3", "", Some(3)),
        ];
        for (value, id, timeout_s) in table {
            assert_eq!(parse_id(value), id, "{value}");
            assert_eq!(
                Session::parse(value),
                Session {
                    id: id.to_string(),
                    timeout_s
                },
                "{value}"
            );
        }
    }

    #[test]
    fn writes_what_it_reads() {
        for value in ["12345678", "12345678;timeout=60"] {
            assert_eq!(Session::parse(value).to_string(), value);
        }
    }
}
