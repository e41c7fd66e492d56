//! Streams that are pulled from other servers: connections that are made here, in the event loop of a shard.
//!
//! A [`PullId`] stands for the wish to have a stream at a path. It is tried again and again, with growing pauses, until
//! it is taken back: each try is an attempt, with a [`client`](relaycore_proto::client) that speaks RTSP and a source that
//! feeds the path. Between two attempts the stream is vacant, and its readers wait.

mod attempt;
mod connection;
mod datagrams;
mod failure;
mod pulls;
mod resolve;
mod retry;

pub use relaycore_proto::client::{ServerUrl, ServerUrlError, TransportChoice};

pub(crate) use pulls::{PullCommand, Pulls};

use relaycore_proto::rtsp::message::Request;

/// Names a pull within an engine; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PullId(pub u64);

/// How a stream is pulled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PullOptions {
    /// Which way of sending the server is asked for.
    pub transport: TransportChoice,
}

/// What became of a pull.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PullChange {
    /// The server plays.
    Connected,
    /// It did not come to that, or is over; it is tried again. The same reason is told once until it is another, or
    /// the server played in between.
    Failed(String),
    /// It was taken back, and the server told so.
    Ended,
}

/// The name of a relay in the `Via` header of its requests (RFC 2326 §12.43); `origin` is what tells it from others.
pub(crate) fn relay_name(origin: u64) -> String {
    format!("relaycore-{origin:016x}")
}

/// Whether a request comes from the relay of this `origin`, directly or through others: answering it would make a
/// stream feed itself.
pub(crate) fn is_own(request: &Request, origin: u64) -> bool {
    let name = relay_name(origin);
    request
        .headers
        .get_all("Via")
        .flat_map(|value| value.split(','))
        .any(|hop| hop.split_ascii_whitespace().nth(1) == Some(name.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use relaycore_proto::rtsp::method::Method;

    #[test]
    fn a_relay_knows_its_own_requests() {
        let own = format!("RTSP/1.0 {}", relay_name(7));
        let table = [
            (own.clone(), true),
            (format!("RTSP/1.0 proxy (x), {own}"), true),
            (format!("RTSP/1.0 {}", relay_name(8)), false),
            (relay_name(7), false),
            (String::new(), false),
        ];
        for (value, expected) in table {
            let request =
                Request::new(Method::Describe, "rtsp://h/cam").header("Via", value.as_str());
            assert_eq!(is_own(&request, 7), expected, "{value}");
        }
        assert!(!is_own(&Request::new(Method::Describe, "rtsp://h/cam"), 7));
    }
}
