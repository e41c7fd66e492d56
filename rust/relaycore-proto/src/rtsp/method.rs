//! Methods of requests (RFC 2326 section 10).

use alloc::string::String;
use core::fmt;

/// What a request asks for. Names are case-sensitive (RFC 2326 section 6.1).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// Which methods there are; also a keep-alive.
    Options,
    /// The description of a stream, as SDP.
    Describe,
    /// A publisher gives the description of what it will send.
    Announce,
    /// Transport of one track.
    Setup,
    /// Start to send.
    Play,
    /// Stop to send, keep the session.
    Pause,
    /// A publisher starts to send.
    Record,
    /// End of the session.
    Teardown,
    /// Read parameters; with no body a keep-alive.
    GetParameter,
    /// Set parameters; with no body a keep-alive.
    SetParameter,
    /// A server sends its client elsewhere.
    Redirect,
    /// Any other method, those of HTTP included.
    Other(String),
}

impl Method {
    /// The method called `name`.
    #[must_use]
    pub fn parse(name: &str) -> Self {
        match NAMES.iter().find(|(_, known)| *known == name) {
            Some((method, _)) => method.clone(),
            None => Self::Other(String::from(name)),
        }
    }

    /// The name as sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Other(name) => name,
            known => NAMES
                .iter()
                .find(|(method, _)| method == known)
                .map_or("", |(_, name)| name),
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

static NAMES: [(Method, &str); 11] = [
    (Method::Options, "OPTIONS"),
    (Method::Describe, "DESCRIBE"),
    (Method::Announce, "ANNOUNCE"),
    (Method::Setup, "SETUP"),
    (Method::Play, "PLAY"),
    (Method::Pause, "PAUSE"),
    (Method::Record, "RECORD"),
    (Method::Teardown, "TEARDOWN"),
    (Method::GetParameter, "GET_PARAMETER"),
    (Method::SetParameter, "SET_PARAMETER"),
    (Method::Redirect, "REDIRECT"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn every_name_reads_back_as_its_method() {
        for (method, name) in &NAMES {
            assert_eq!(Method::parse(name), *method);
            assert_eq!(method.to_string(), *name);
        }
    }

    #[test]
    fn names_are_case_sensitive_and_unknown_ones_are_kept() {
        for name in ["play", "FOO", "GET", ""] {
            assert_eq!(Method::parse(name), Method::Other(name.to_string()));
            assert_eq!(Method::parse(name).as_str(), name);
        }
    }
}
