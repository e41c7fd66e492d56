//! The Real Time Streaming Protocol, version 1.0 (RFC 2326), as text: messages, headers, URLs and the table of states.
//!
//! Bytes of a connection go into a [`Parser`], which gives back requests, responses and interleaved packets. What a
//! session may do next is in [`state`]. Sockets, timers and decisions are the engine's.

pub mod header;
pub mod message;
pub mod method;
pub mod parser;
pub mod sniff;
pub mod state;
pub mod status;
pub mod url;
pub mod version;

pub use message::{Headers, Request, Response};
pub use method::Method;
pub use parser::{Element, ParseError, ParseErrorKind, Parser};
pub use state::State;
pub use status::StatusCode;
pub use url::Url;
pub use version::{Protocol, Version};
