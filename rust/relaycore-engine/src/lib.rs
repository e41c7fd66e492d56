//! The engine of relaycore: streams, shards, sockets and the frame handoff.
//!
//! Media threads carry: they accept, parse, packetise, send and keep time. Whoever owns the [`Engine`] decides: it
//! gets requests from a queue, whose signal any event loop can watch, and answers in its own time. A media thread
//! never waits for an answer, so a decider that stands still delays no packet.

pub mod burst;
pub mod clock;
pub mod cursor;
pub mod decision;
mod engine;
mod events;
pub mod frames;
mod ingest;
mod inlet;
mod interfaces;
pub mod journey;
pub mod latency;
mod mailbox;
mod multicast;
mod numbers;
mod offload;
pub mod paths;
mod platform;
pub mod pull;
mod random;
mod reader;
pub mod rendition;
pub mod ring;
pub mod session;
mod shard;
mod signal;
mod squeeze;
pub mod stream;
pub mod tls;
mod web_session;
pub mod webrtc;

pub use engine::{AddStreamError, Engine};
pub use events::{Event, HttpConnection};
pub use interfaces::{InterfaceAddress, interface_addresses};
pub use multicast::{Multicast, MulticastError};
pub use reader::{ReadUnit, Reader};
pub use shard::HoldGroupError;
pub use web_session::{BeginSessionError, NewSession, WebSession};

/// Sockets for datagrams, for programs that receive RTP as the engine does.
pub mod datagrams {
    pub use crate::inlet::{INLET_BYTES, Inlet};
    pub use crate::shard::udp::bind_pair;
}
