//! Why an attempt to pull a stream is over, for a person.

use relaycore_proto::client::ClientError;
use std::fmt;
use std::io;
use std::net::SocketAddr;

/// Why an attempt is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// What the client says.
    Client(ClientError),
    /// The path is fed by another source, or cannot be fed at all.
    Path(String),
    /// The server's name leads nowhere.
    NoAddress(String),
    /// The server takes no connection.
    NotConnected(SocketAddr, io::ErrorKind),
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Client(error) => write!(out, "{error}"),
            Self::Path(reason) => out.write_str(reason),
            Self::NoAddress(host) => write!(
                out,
                "no address is known for the host {host}; correct its name, or write its address"
            ),
            Self::NotConnected(address, kind) => write!(
                out,
                "no connection to {address} ({kind}); is the server running, and the port right?"
            ),
        }
    }
}
