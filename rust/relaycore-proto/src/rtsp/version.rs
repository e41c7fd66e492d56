//! The protocol and version that a start line names (RFC 2326 section 3.1, RFC 9112 section 2.3).

use core::fmt;

/// Protocol of a message. RTSP and HTTP share the form of their messages and, here, a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// Real Time Streaming Protocol.
    Rtsp,
    /// Hypertext Transfer Protocol.
    Http,
}

/// Protocol and version of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// RTSP/1.0 (RFC 2326), which is spoken here.
    Rtsp10,
    /// RTSP/2.0 (RFC 7826), answered with 505.
    Rtsp20,
    /// HTTP/1.0, which RTSP over HTTP uses.
    Http10,
    /// HTTP/1.1.
    Http11,
    /// Any other version of the two protocols.
    Other {
        /// The protocol.
        protocol: Protocol,
        /// Number before the dot.
        major: u8,
        /// Number after the dot.
        minor: u8,
    },
}

impl Version {
    /// Reads `RTSP/1.0` and its like, in any case; `None` when `text` is not of that form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (name, numbers) = text.split_once('/')?;
        let protocol = if name.eq_ignore_ascii_case("RTSP") {
            Protocol::Rtsp
        } else if name.eq_ignore_ascii_case("HTTP") {
            Protocol::Http
        } else {
            return None;
        };
        let (major, minor) = numbers.split_once('.')?;
        let (major, minor) = (number(major)?, number(minor)?);
        Some(match (protocol, major, minor) {
            (Protocol::Rtsp, 1, 0) => Self::Rtsp10,
            (Protocol::Rtsp, 2, 0) => Self::Rtsp20,
            (Protocol::Http, 1, 0) => Self::Http10,
            (Protocol::Http, 1, 1) => Self::Http11,
            _ => Self::Other {
                protocol,
                major,
                minor,
            },
        })
    }

    /// The protocol.
    #[must_use]
    pub fn protocol(self) -> Protocol {
        match self {
            Self::Rtsp10 | Self::Rtsp20 => Protocol::Rtsp,
            Self::Http10 | Self::Http11 => Protocol::Http,
            Self::Other { protocol, .. } => protocol,
        }
    }

    /// Whether a server of RTSP/1.0 can answer: a higher minor version changes nothing that breaks it.
    #[must_use]
    pub fn is_rtsp1(self) -> bool {
        matches!(
            self,
            Self::Rtsp10
                | Self::Other {
                    protocol: Protocol::Rtsp,
                    major: 1,
                    ..
                }
        )
    }
}

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rtsp10 => out.write_str("RTSP/1.0"),
            Self::Rtsp20 => out.write_str("RTSP/2.0"),
            Self::Http10 => out.write_str("HTTP/1.0"),
            Self::Http11 => out.write_str("HTTP/1.1"),
            Self::Other {
                protocol: Protocol::Rtsp,
                major,
                minor,
            } => write!(out, "RTSP/{major}.{minor}"),
            Self::Other {
                protocol: Protocol::Http,
                major,
                minor,
            } => write!(out, "HTTP/{major}.{minor}"),
        }
    }
}

/// Digits only: `u8::from_str` alone would take a sign.
fn number(text: &str) -> Option<u8> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().ok()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn versions_read_back() {
        for text in [
            "RTSP/1.0", "RTSP/2.0", "HTTP/1.0", "HTTP/1.1", "RTSP/1.1", "HTTP/2.0", "RTSP/0.9",
        ] {
            assert_eq!(Version::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Version::parse("rtsp/1.0"), Some(Version::Rtsp10));
    }

    #[test]
    fn a_higher_minor_version_is_still_rtsp_1() {
        assert!(Version::Rtsp10.is_rtsp1());
        assert!(Version::parse("RTSP/1.7").unwrap().is_rtsp1());
        for text in ["RTSP/2.0", "HTTP/1.0", "RTSP/0.1", "HTTP/1.7"] {
            assert!(!Version::parse(text).unwrap().is_rtsp1(), "{text}");
        }
    }

    #[test]
    fn other_forms_are_no_version() {
        for text in [
            "",
            "RTSP",
            "RTSP/",
            "RTSP/1",
            "RTSP/+1.0",
            "RTSP/1.",
            "RTSP/256.0",
            "SIP/2.0",
            "RTSP/1.0 ",
        ] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
    }
}
