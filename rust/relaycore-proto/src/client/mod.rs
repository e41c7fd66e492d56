//! Pulling a stream from another server, or publishing one to it: an RTSP client without a socket (RFC 2326).
//!
//! A [`Client`] goes through the requests that bring a stream (OPTIONS, DESCRIBE, a SETUP for each track, PLAY) or take
//! one (OPTIONS, ANNOUNCE, a SETUP for each track, RECORD), keeps its session alive and ends it. It answers challenges, follows redirections, changes the transport when the first
//! does not work, and puts up with what servers get wrong. It gets bytes and the time, and gives bytes, events and
//! the next deadline:
//!
//! ```text
//!                    Connect                   Bind, Ready, Playing, Ended
//!                       ^                                  ^
//! driver   -> connected, receive, bound, received_packet -> Client -> output, next_event, next_deadline -> driver
//! ```

mod challenge;
mod control;
mod credentials;
mod description;
mod error;
mod machine;
mod requests;
mod responses;
mod server_url;
mod transport;

pub use error::ClientError;
pub use machine::{Client, Event, Lane, ReadyTrack, Settings};
pub use server_url::{DEFAULT_PORT, ServerUrl, ServerUrlError};
pub use transport::{Delivery, TransportChoice};

#[cfg(test)]
mod tests;
