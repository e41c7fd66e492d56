//! The WebSocket protocol (RFC 6455), as far as a server needs it: its opening handshake and its frames.

pub mod frame;
pub mod handshake;
