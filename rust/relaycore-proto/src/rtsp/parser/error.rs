//! What is wrong with a message, and what to answer.

use alloc::string::String;
use core::fmt;

use crate::rtsp::message::Response;
use crate::rtsp::status::StatusCode;

/// A message, or the connection, that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// What is wrong.
    pub kind: ParseErrorKind,
    /// Offset in the connection, in bytes, at which the message starts.
    pub position: u64,
    /// Sequence number of the request, where it was read before the mistake: a response repeats it.
    pub cseq: Option<String>,
}

/// What is wrong with a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParseErrorKind {
    /// The first line is neither a request line nor a status line.
    StartLine,
    /// The first line is too long.
    StartLineTooLong {
        /// The limit in bytes.
        limit: usize,
    },
    /// A header line is not of the form `name: value`.
    HeaderSyntax,
    /// A header line is too long.
    LineTooLong {
        /// The limit in bytes.
        limit: usize,
    },
    /// The header lines together are too long.
    HeadersTooLong {
        /// The limit in bytes.
        limit: usize,
    },
    /// There are too many header lines.
    TooManyHeaders {
        /// The limit.
        limit: usize,
    },
    /// `Content-Length` is no number, or comes twice with different ones.
    ContentLength,
    /// The body is too long.
    BodyTooLong {
        /// The limit in bytes.
        limit: usize,
    },
    /// An interleaved packet is too long.
    FrameTooLong {
        /// Its length in bytes.
        bytes: usize,
    },
}

impl ParseError {
    /// The status of the response that tells the peer.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self.kind {
            ParseErrorKind::StartLineTooLong { .. } => StatusCode::REQUEST_URI_TOO_LARGE,
            ParseErrorKind::BodyTooLong { .. } | ParseErrorKind::FrameTooLong { .. } => {
                StatusCode::REQUEST_ENTITY_TOO_LARGE
            }
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// Whether it is not known where the next message starts, so that the connection has to end.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        self.kind != ParseErrorKind::HeaderSyntax
    }

    /// The response that tells the peer.
    #[must_use]
    pub fn response(&self) -> Response {
        let response = Response::new(self.status());
        match &self.cseq {
            Some(cseq) => response.header("CSeq", cseq.as_str()),
            None => response,
        }
    }
}

impl fmt::Display for ParseErrorKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StartLine => write!(out, "the first line is neither a request nor a response"),
            Self::StartLineTooLong { limit } => {
                write!(out, "the first line is longer than {limit} bytes")
            }
            Self::HeaderSyntax => write!(out, "a header line is not of the form `name: value`"),
            Self::LineTooLong { limit } => {
                write!(out, "a header line is longer than {limit} bytes")
            }
            Self::HeadersTooLong { limit } => {
                write!(
                    out,
                    "the header lines are together longer than {limit} bytes"
                )
            }
            Self::TooManyHeaders { limit } => {
                write!(out, "there are more than {limit} header lines")
            }
            Self::ContentLength => write!(out, "Content-Length is not one number"),
            Self::BodyTooLong { limit } => write!(out, "the body is longer than {limit} bytes"),
            Self::FrameTooLong { bytes } => {
                write!(
                    out,
                    "an interleaved packet of {bytes} bytes is longer than allowed"
                )
            }
        }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{} (message at byte {} of the connection)",
            self.kind, self.position
        )
    }
}

impl core::error::Error for ParseError {}
