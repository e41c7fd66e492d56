//! Why a stream cannot be pulled, or no longer.

use alloc::string::String;
use core::fmt;

use super::server_url::ServerUrlError;
use crate::rtsp::method::Method;
use crate::rtsp::parser::ParseError;
use crate::rtsp::status::StatusCode;
use crate::sdp::{FormatError, SdpError};

/// Why a pull ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientError {
    /// The server refused a request.
    Refused {
        /// The request.
        method: Method,
        /// Its answer.
        status: StatusCode,
        /// The reason that it gave.
        reason: String,
    },
    /// The server asks who we are, and the URL does not say.
    CredentialsMissing,
    /// The server does not take the user and password of the URL.
    CredentialsWrong,
    /// The server asks in a way that is not understood.
    ChallengeUnknown,
    /// The server sent us elsewhere too often.
    TooManyRedirections,
    /// The server sent us to a place that is none.
    Redirection(Option<ServerUrlError>),
    /// The server's description is none.
    Description(SdpError),
    /// The server's description has no track that can be carried; the reason for the first.
    NoTrack(Option<FormatError>),
    /// No way of sending is left that both sides can.
    NoTransport,
    /// The server did not answer in time.
    NoAnswer,
    /// No packet came for too long.
    Silent,
    /// The server closed the connection, or it was lost.
    Disconnected,
    /// The server ended the session.
    SessionEnded,
    /// What the server sent is not RTSP.
    Unreadable(ParseError),
    /// The server asks faster than it reads the answers.
    Flooded,
    /// The program ended the pull.
    Stopped,
}

impl ClientError {
    /// Whether another try soon would be refused the same: only the operator of either side can change it.
    #[must_use]
    pub fn is_lasting(&self) -> bool {
        matches!(
            self,
            Self::CredentialsMissing | Self::CredentialsWrong | Self::ChallengeUnknown
        )
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { method, status, reason } => {
                write!(out, "the server refused {method}: {} {reason}", status.0)
            }
            Self::CredentialsMissing => out.write_str(
                "the server wants a user name and a password: write them into the URL as rtsp://user:password@host/...",
            ),
            Self::CredentialsWrong => {
                out.write_str("the server refused the user name and password of the URL; correct them")
            }
            Self::ChallengeUnknown => out.write_str(
                "the server asks for credentials in a way that is not supported: set it to Digest or Basic",
            ),
            Self::TooManyRedirections => {
                out.write_str("the server redirects again and again; use the URL that it should lead to")
            }
            Self::Redirection(None) => out.write_str("the server redirects without saying where to"),
            Self::Redirection(Some(error)) => {
                write!(out, "the server redirects to a URL that cannot be used: {error}")
            }
            Self::Description(error) => {
                write!(out, "the server's description cannot be read: {error}")
            }
            Self::NoTrack(None) => out.write_str("the server describes no track that it sends"),
            Self::NoTrack(Some(error)) => {
                write!(out, "the server describes no track that can be carried: {error}")
            }
            Self::NoTransport => out.write_str(
                "the server offers no transport that is allowed here; allow both TCP and UDP",
            ),
            Self::NoAnswer => out.write_str("the server did not answer in time"),
            Self::Silent => out.write_str("no packet came for too long"),
            Self::Disconnected => out.write_str("the connection to the server was lost"),
            Self::SessionEnded => out.write_str("the server ended the session"),
            Self::Unreadable(error) => write!(out, "what the server sends is not RTSP: {error}"),
            Self::Flooded => out.write_str("the server sends requests faster than it reads answers"),
            Self::Stopped => out.write_str("the pull was stopped"),
        }
    }
}

impl core::error::Error for ClientError {}
