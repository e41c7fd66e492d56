//! Bytes of a connection to messages and interleaved packets (RFC 2326 sections 4 and 10.12).
//!
//! A connection carries three things, one after the other and in any order:
//!
//! ```text
//! METHOD SP uri SP version CRLF          request
//! version SP status SP reason CRLF       response
//!    followed by: *( name ":" value CRLF )  CRLF  body of Content-Length bytes
//! '$' channel length(u16, big-endian)    interleaved packet, followed by length bytes
//! ```
//!
//! The parser is lenient where real clients differ: lines may end in LF alone, empty lines may come before a message,
//! a header's name may be followed by spaces, headers may be folded onto further lines, URIs may hold spaces, lines of a
//! response that are no header are left out, and text that is not UTF-8 is read as Latin-1. Each byte is looked at a constant number of times whatever the
//! pieces it comes in, and what is kept is bounded by the limits.

mod error;
mod line;

use alloc::string::String;
use alloc::vec::Vec;

pub use error::{ParseError, ParseErrorKind};
use line::{StartLine, decode, parse_start_line, split_header};

use super::message::{CONTENT_LENGTH, Headers, Request, Response};
use super::version::{Protocol, Version};
use crate::limits::{INTERLEAVED_HEADER_BYTES, Limits};

/// One thing that a connection carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Element<'a> {
    /// A request.
    Request(Request),
    /// A response.
    Response(Response),
    /// An RTP or RTCP packet.
    Interleaved {
        /// Channel, which the `Transport` header gave to a track's RTP or RTCP.
        channel: u8,
        /// The packet, without its frame.
        data: &'a [u8],
    },
}

/// Reads what a connection carries.
///
/// Give it bytes with [`push`](Self::push), then call [`next`](Self::next) until it says `Ok(None)`. An error that
/// [is not fatal](ParseError::is_fatal) stands for one message, which was skipped: answer it and go on. After a fatal
/// one every further call returns it again, and bytes are discarded.
#[derive(Clone, Debug)]
pub struct Parser {
    bounds: Bounds,
    /// What came and was not consumed yet starts at `start`.
    buffer: Vec<u8>,
    start: usize,
    /// Where the search for the end of the current line goes on.
    searched: usize,
    /// Bytes of the connection before `start`.
    position: u64,
    state: State,
}

/// Those of the [`Limits`] that bound a parser; all of them would be a third of what a connection takes.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    line_bytes: usize,
    header_bytes: usize,
    header_count: usize,
    body_bytes: usize,
    interleaved_frame_bytes: usize,
}

impl Bounds {
    fn of(limits: &Limits) -> Self {
        Self {
            line_bytes: limits.rtsp_line_bytes,
            header_bytes: limits.rtsp_header_bytes,
            header_count: limits.rtsp_header_count,
            body_bytes: limits.rtsp_body_bytes,
            interleaved_frame_bytes: limits.interleaved_frame_bytes,
        }
    }
}

/// What comes next.
#[derive(Clone, Debug)]
enum State {
    /// The start of an element.
    Start,
    /// A header line of a message.
    Headers(Partial),
    /// The body of a message.
    Body(Partial, usize),
    /// Nothing: the connection is out of step.
    Failed(ParseError),
}

/// A message whose header section was read in part.
#[derive(Clone, Debug)]
struct Partial {
    start_line: StartLine,
    headers: Headers,
    /// Bytes of the header section so far.
    header_bytes: usize,
    /// Offset of the message in the connection.
    position: u64,
    /// First mistake that does not hinder finding the message's end.
    mistake: Option<ParseErrorKind>,
}

impl Parser {
    /// A parser for a new connection, with the limits on lines, headers, bodies and interleaved packets of `limits`.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            bounds: Bounds::of(&limits),
            buffer: Vec::new(),
            start: 0,
            searched: 0,
            position: 0,
            state: State::Start,
        }
    }

    /// Takes bytes that the connection brought.
    pub fn push(&mut self, data: &[u8]) {
        if matches!(self.state, State::Failed(_)) {
            return;
        }
        // Moving what is left to the front costs no more than what was consumed before it.
        if self.start > self.buffer.len() - self.start {
            self.buffer.drain(..self.start);
            self.searched -= self.start;
            self.start = 0;
        }
        self.buffer.extend_from_slice(data);
    }

    /// The next element; `None` when more bytes are needed.
    #[expect(
        clippy::should_implement_trait,
        reason = "the element borrows from the parser"
    )]
    pub fn next(&mut self) -> Result<Option<Element<'_>>, ParseError> {
        loop {
            match core::mem::replace(&mut self.state, State::Start) {
                State::Start => {
                    self.skip_empty_lines();
                    match self.unread().first() {
                        None => {
                            self.release_memory();
                            return Ok(None);
                        }
                        Some(&MAGIC) => return self.interleaved(),
                        Some(_) => {}
                    }
                    let position = self.position;
                    match self.start_line() {
                        Ok(Some(start_line)) => {
                            let headers = Headers::new();
                            let partial = Partial {
                                start_line,
                                headers,
                                header_bytes: 0,
                                position,
                                mistake: None,
                            };
                            self.state = State::Headers(partial);
                        }
                        Ok(None) => return Ok(None),
                        Err(kind) => {
                            return Err(self.fail(ParseError {
                                kind,
                                position,
                                cseq: None,
                            }));
                        }
                    }
                }
                State::Headers(mut partial) => match self.header_line(&mut partial) {
                    Ok(Line::Missing) => {
                        self.state = State::Headers(partial);
                        return Ok(None);
                    }
                    Ok(Line::Header) => self.state = State::Headers(partial),
                    Ok(Line::End { body_bytes }) => self.state = State::Body(partial, body_bytes),
                    Err(kind) => return Err(self.fail(partial.error(kind))),
                },
                State::Body(partial, bytes) => {
                    if self.unread().len() < bytes {
                        self.state = State::Body(partial, bytes);
                        return Ok(None);
                    }
                    let body = self.unread()[..bytes].to_vec();
                    self.consume(bytes);
                    return match partial.mistake.clone() {
                        Some(kind) => Err(partial.error(kind)),
                        None => Ok(Some(partial.into_element(body))),
                    };
                }
                State::Failed(error) => {
                    self.state = State::Failed(error.clone());
                    return Err(error);
                }
            }
        }
    }

    /// Bytes that came and belong to no element yet. After a message of HTTP these are its body and what follows it,
    /// for whoever goes on with the connection.
    #[must_use]
    pub fn unread(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// Whether a message has begun that is not whole yet. A packet that is not whole is none.
    #[must_use]
    pub fn is_in_message(&self) -> bool {
        match &self.state {
            State::Start => self.unread().first().is_some_and(|&byte| byte != MAGIC),
            State::Headers(_) | State::Body(..) => true,
            State::Failed(_) => false,
        }
    }

    /// Bytes of the connection that were consumed: the offset of the next element.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    fn consume(&mut self, bytes: usize) {
        self.start += bytes;
        self.searched = self.start;
        self.position += bytes as u64;
    }

    /// Forgets the buffer when nothing is in it: thousands of idle connections should hold none.
    fn release_memory(&mut self) {
        if self.buffer.capacity() > IDLE_BUFFER_BYTES {
            self.buffer = Vec::new();
        } else {
            self.buffer.clear();
        }
        self.start = 0;
        self.searched = 0;
    }

    fn fail(&mut self, error: ParseError) -> ParseError {
        self.buffer = Vec::new();
        self.start = 0;
        self.searched = 0;
        self.state = State::Failed(error.clone());
        error
    }

    fn skip_empty_lines(&mut self) {
        let blank = self
            .unread()
            .iter()
            .take_while(|byte| matches!(byte, b'\r' | b'\n'))
            .count();
        if blank > 0 {
            self.consume(blank);
        }
    }

    /// The packet at the front, which starts with `$`.
    fn interleaved(&mut self) -> Result<Option<Element<'_>>, ParseError> {
        let Some(&[_, channel, high, low]) =
            self.unread().first_chunk::<INTERLEAVED_HEADER_BYTES>()
        else {
            return Ok(None);
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        if length > self.bounds.interleaved_frame_bytes {
            let kind = ParseErrorKind::FrameTooLong { bytes: length };
            return Err(self.fail(ParseError {
                kind,
                position: self.position,
                cseq: None,
            }));
        }
        let whole = INTERLEAVED_HEADER_BYTES + length;
        if self.unread().len() < whole {
            return Ok(None);
        }
        let data_start = self.start + INTERLEAVED_HEADER_BYTES;
        self.consume(whole);
        let data = &self.buffer[data_start..self.start];
        Ok(Some(Element::Interleaved { channel, data }))
    }

    /// The line at the front without its end, and the bytes it takes with it; `None` when its end did not come yet.
    fn line(&mut self) -> Result<Option<(&[u8], usize)>, ParseErrorKind> {
        let limit = self.bounds.line_bytes;
        let Some(found) = self.buffer[self.searched..]
            .iter()
            .position(|&byte| byte == b'\n')
        else {
            self.searched = self.buffer.len();
            // One byte more than the limit: a CR whose LF is still to come.
            if self.unread().len() > limit + 1 {
                return Err(ParseErrorKind::LineTooLong { limit });
            }
            return Ok(None);
        };
        let end = self.searched + found;
        let line = &self.buffer[self.start..end];
        let text = line.strip_suffix(b"\r").unwrap_or(line);
        if text.len() > limit {
            return Err(ParseErrorKind::LineTooLong { limit });
        }
        Ok(Some((text, line.len() + 1)))
    }

    fn start_line(&mut self) -> Result<Option<StartLine>, ParseErrorKind> {
        let line = self.line().map_err(|error| match error {
            ParseErrorKind::LineTooLong { limit } => ParseErrorKind::StartLineTooLong { limit },
            other => other,
        })?;
        let Some((line, bytes)) = line else {
            return Ok(None);
        };
        let start_line = parse_start_line(&decode(line));
        self.consume(bytes);
        start_line.map(Some)
    }

    fn header_line(&mut self, partial: &mut Partial) -> Result<Line, ParseErrorKind> {
        let bounds = self.bounds;
        let Some((line, bytes)) = self.line()? else {
            return Ok(Line::Missing);
        };
        partial.header_bytes += bytes;
        if partial.header_bytes > bounds.header_bytes {
            return Err(ParseErrorKind::HeadersTooLong {
                limit: bounds.header_bytes,
            });
        }
        let outcome = match line.first() {
            None => Line::End {
                body_bytes: partial.body_bytes(bounds.body_bytes)?,
            },
            Some(b' ' | b'\t') => {
                if !partial.headers.continue_last(decode(line.trim_ascii())) {
                    partial.note_odd_line();
                }
                Line::Header
            }
            Some(_) => {
                if partial.headers.len() >= bounds.header_count {
                    return Err(ParseErrorKind::TooManyHeaders {
                        limit: bounds.header_count,
                    });
                }
                match split_header(line) {
                    Some((name, value)) => partial.headers.push(name, value),
                    None => partial.note_odd_line(),
                }
                Line::Header
            }
        };
        self.consume(bytes);
        Ok(outcome)
    }
}

/// What a call of [`Parser::header_line`] found.
enum Line {
    /// No whole line yet.
    Missing,
    /// A header line, or a mistake that was noted.
    Header,
    /// The empty line that ends the header section.
    End { body_bytes: usize },
}

impl Partial {
    /// A header line that is none spoils a request, which is told so. In a response it is left out: nobody could be
    /// told, and the other lines say enough.
    fn note_odd_line(&mut self) {
        if matches!(self.start_line, StartLine::Request { .. }) {
            self.mistake.get_or_insert(ParseErrorKind::HeaderSyntax);
        }
    }

    fn version(&self) -> Version {
        match self.start_line {
            StartLine::Request { version, .. } | StartLine::Response { version, .. } => version,
        }
    }

    /// Bytes of the body, by `Content-Length`. Those of HTTP stay unread: a tunnel's body has no end.
    fn body_bytes(&self, limit: usize) -> Result<usize, ParseErrorKind> {
        if self.version().protocol() == Protocol::Http {
            return Ok(0);
        }
        let mut length = None;
        for value in self.headers.get_all(CONTENT_LENGTH) {
            let value = value.trim();
            if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(ParseErrorKind::ContentLength);
            }
            // Digits that do not fit are a number above any limit.
            let parsed = value.parse::<usize>().unwrap_or(usize::MAX);
            if length.is_some_and(|other| other != parsed) {
                return Err(ParseErrorKind::ContentLength);
            }
            length = Some(parsed);
        }
        match length {
            Some(bytes) if bytes > limit => Err(ParseErrorKind::BodyTooLong { limit }),
            other => Ok(other.unwrap_or(0)),
        }
    }

    fn error(&self, kind: ParseErrorKind) -> ParseError {
        let cseq = match self.start_line {
            StartLine::Request { .. } => self.headers.get("CSeq").map(String::from),
            StartLine::Response { .. } => None,
        };
        ParseError {
            kind,
            position: self.position,
            cseq,
        }
    }

    fn into_element(self, body: Vec<u8>) -> Element<'static> {
        let headers = self.headers;
        match self.start_line {
            StartLine::Request {
                method,
                uri,
                version,
            } => Element::Request(Request {
                method,
                uri,
                version,
                headers,
                body,
            }),
            StartLine::Response {
                version,
                status,
                reason,
            } => Element::Response(Response {
                version,
                status,
                reason: Some(reason),
                headers,
                body,
            }),
        }
    }
}

/// `$`, which begins an interleaved packet.
const MAGIC: u8 = b'$';

/// Capacity that an idle connection's buffer may keep, in bytes.
const IDLE_BUFFER_BYTES: usize = 4096;

#[cfg(test)]
mod tests;
