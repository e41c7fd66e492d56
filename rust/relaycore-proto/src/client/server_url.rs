//! The URL of a server that is pulled from: where to connect, what to ask for, and as whom.

use alloc::format;
use alloc::string::String;
use core::fmt;

use super::credentials::Credentials;
use crate::rtsp::message::escape_uri;
use crate::rtsp::url::{UrlError, percent_decode, split_authority, strip_scheme};

/// Port of a URL that names none (RFC 2326 section 3.2).
pub const DEFAULT_PORT: u16 = 554;

/// Longest URL of a server, in bytes.
const URL_BYTES: usize = 2048;

/// A URL of the form `rtsp://user:password@host:port/path?query`.
///
/// User and password are percent-decoded and kept apart: neither [`fmt::Display`] nor [`fmt::Debug`] shows them, and
/// no request line holds them.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerUrl {
    host: String,
    port: u16,
    /// The URL without user information and fragment, as requests name it.
    uri: String,
    credentials: Option<Credentials>,
}

impl ServerUrl {
    /// Reads a URL.
    ///
    /// # Errors
    /// When it is not one of RTSP over plain TCP, is too long, or names no host.
    pub fn parse(text: &str) -> Result<Self, ServerUrlError> {
        let text = text.trim();
        if text.len() > URL_BYTES {
            return Err(ServerUrlError::TooLong);
        }
        let after_scheme = strip_scheme(text).ok_or(ServerUrlError::Relative)?;
        let scheme = &text[..text.len() - after_scheme.len() - "://".len()];
        if !SCHEMES
            .iter()
            .any(|known| known.eq_ignore_ascii_case(scheme))
        {
            return Err(ServerUrlError::Scheme);
        }
        let before_fragment = after_scheme
            .split_once('#')
            .map_or(after_scheme, |(it, _)| it);
        let end = before_fragment
            .find(['/', '?'])
            .unwrap_or(before_fragment.len());
        let (authority, rest) = before_fragment.split_at(end);
        let (host, port) = split_authority(authority).map_err(ServerUrlError::Authority)?;
        let (user_info, host_and_port) = match authority.rsplit_once('@') {
            Some((user_info, host)) => (Some(user_info), host),
            None => (None, authority),
        };
        let credentials = user_info.map(|user_info| {
            let (user, password) = user_info.split_once(':').unwrap_or((user_info, ""));
            Credentials::new(percent_decode(user), percent_decode(password))
        });
        Ok(Self {
            host: host.unwrap_or_default(),
            port: port.unwrap_or(DEFAULT_PORT),
            uri: escape_uri(&format!("rtsp://{host_and_port}{rest}")).into_owned(),
            credentials,
        })
    }

    /// Where `location`, the header of a redirection, leads: an absolute URL, or one relative to the server. The
    /// credentials go along on the same host only, unless the new URL has its own.
    ///
    /// # Errors
    /// As [`ServerUrl::parse`].
    pub fn redirected(&self, location: &str) -> Result<Self, ServerUrlError> {
        let location = location.trim();
        let mut moved = if strip_scheme(location).is_some() {
            Self::parse(location)?
        } else {
            Self::parse(&super::control::join(&self.uri, location))?
        };
        if moved.credentials.is_none() && moved.host.eq_ignore_ascii_case(&self.host) {
            moved.credentials.clone_from(&self.credentials);
        }
        Ok(moved)
    }

    /// The same place, as this user.
    #[must_use]
    pub fn with_credentials(self, user: &str, password: &str) -> Self {
        let credentials = Credentials::new(user.into(), password.into());
        Self {
            credentials: Some(credentials),
            ..self
        }
    }

    /// Host name or address, without the brackets of an IPv6 address.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// TCP port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The URL as requests name it, without user and password.
    #[must_use]
    pub fn uri(&self) -> &str {
        &self.uri
    }

    pub(super) fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.uri)
    }
}

impl fmt::Debug for ServerUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("ServerUrl").field(&self.uri).finish()
    }
}

/// Why a URL cannot be pulled from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerUrlError {
    /// It does not start with a scheme.
    Relative,
    /// Its scheme is not that of RTSP over TCP.
    Scheme,
    /// What follows the scheme is no host with an optional port.
    Authority(UrlError),
    /// It is longer than any server asks for.
    TooLong,
}

impl fmt::Display for ServerUrlError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Relative => out.write_str("the URL must start with rtsp:// and a host"),
            Self::Scheme => {
                out.write_str("only rtsp:// can be pulled from here, not another scheme")
            }
            Self::Authority(error) => write!(
                out,
                "{error}; write special characters of a user name or password as %40 (for @), %2F (for /)"
            ),
            Self::TooLong => write!(out, "the URL is longer than {URL_BYTES} bytes"),
        }
    }
}

impl core::error::Error for ServerUrlError {}

/// Names of RTSP over TCP; `rtspt` is what some players write to say so.
const SCHEMES: [&str; 2] = ["rtsp", "rtspt"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart() {
        let table = [
            ("rtsp://cam", "cam", 554, "rtsp://cam"),
            (
                "rtsp://cam:8554/a/b?c=d#e",
                "cam",
                8554,
                "rtsp://cam:8554/a/b?c=d",
            ),
            (
                "RTSP://[fe80::1]:554/a",
                "fe80::1",
                554,
                "rtsp://[fe80::1]:554/a",
            ),
            (
                "rtspt://10.0.0.1?channel=1",
                "10.0.0.1",
                554,
                "rtsp://10.0.0.1?channel=1",
            ),
            (" rtsp://u:p@h/a b ", "h", 554, "rtsp://h/a%20b"),
            ("rtsp://u@x:p@w@h:1/a@b", "h", 1, "rtsp://h:1/a@b"),
        ];
        for (text, host, port, uri) in table {
            let url = ServerUrl::parse(text).unwrap();
            assert_eq!(
                (url.host(), url.port(), url.uri()),
                (host, port, uri),
                "{text}"
            );
        }
    }

    #[test]
    fn user_and_password_are_decoded_and_never_shown() {
        let url = ServerUrl::parse("rtsp://ann%40home:p%3Ass%2Fw:rd@cam/a").unwrap();
        let expected = Credentials::new("ann@home".into(), "p:ss/w:rd".into());
        assert_eq!(url.credentials(), Some(&expected));
        for shown in [
            format!("{url}"),
            format!("{url:?}"),
            format!("{expected:?}"),
        ] {
            assert!(!shown.contains("ss/w") && !shown.contains("%3A"), "{shown}");
        }
        assert_eq!(
            ServerUrl::parse("rtsp://cam/a").unwrap().credentials(),
            None
        );
    }

    #[test]
    fn what_cannot_be_pulled_is_refused() {
        let table = [
            ("", ServerUrlError::Relative),
            ("cam/a", ServerUrlError::Relative),
            ("rtsps://cam/a", ServerUrlError::Scheme),
            ("http://cam/a", ServerUrlError::Scheme),
            ("rtsp://", ServerUrlError::Authority(UrlError::Authority)),
            ("rtsp:///a", ServerUrlError::Authority(UrlError::Authority)),
            (
                "rtsp://cam:x/a",
                ServerUrlError::Authority(UrlError::Authority),
            ),
            (
                "rtsp://u:p/w@cam/a",
                ServerUrlError::Authority(UrlError::Authority),
            ),
        ];
        for (text, error) in table {
            assert_eq!(ServerUrl::parse(text), Err(error), "{text}");
        }
        let long = format!("rtsp://cam/{}", "a".repeat(URL_BYTES));
        assert_eq!(ServerUrl::parse(&long), Err(ServerUrlError::TooLong));
    }

    #[test]
    fn credentials_follow_a_redirection_on_the_same_host_only() {
        let url = ServerUrl::parse("rtsp://u:p@cam:554/a").unwrap();
        let table = [
            ("rtsp://CAM:8554/b", "rtsp://CAM:8554/b", true),
            ("/b/c", "rtsp://cam:554/b/c", true),
            ("rtsp://other/b", "rtsp://other/b", false),
            ("rtsp://x:y@other/b", "rtsp://other/b", true),
        ];
        for (location, uri, knows) in table {
            let moved = url.redirected(location).unwrap();
            assert_eq!(
                (moved.uri(), moved.credentials().is_some()),
                (uri, knows),
                "{location}"
            );
        }
        assert_eq!(url.redirected("rtsps://cam/b"), Err(ServerUrlError::Scheme));
    }
}
