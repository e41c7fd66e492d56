//! What viewers get, laid out as it goes out.

use super::Framing;
use relaycore_proto::websocket::frame;
use std::sync::Arc;

/// A chunk, shared by all viewers.
pub(super) struct Chunk {
    /// Place in the rendition, rising by one a chunk.
    pub(super) index: u64,
    /// As it goes out.
    pub(super) bytes: Arc<[u8]>,
    /// How many bytes of media that is.
    pub(super) payload: usize,
    /// Whether a viewer may begin here.
    pub(super) is_start: bool,
    /// What a viewer has to have before it.
    pub(super) header: Option<Arc<Header>>,
    /// When it came, in nanoseconds of the engine's clock.
    pub(super) at: u64,
}

/// What a viewer has to have before chunks.
pub(super) struct Header {
    /// As it goes out.
    pub(super) bytes: Arc<[u8]>,
}

/// Bytes as they go out.
pub(super) fn framed(framing: Framing, data: &[u8]) -> Arc<[u8]> {
    match framing {
        Framing::Plain => Arc::from(data),
        Framing::WebSocket => {
            let mut bytes = Vec::with_capacity(data.len() + frame::HEAD_BYTES_MAX);
            frame::write(&mut bytes, frame::BINARY, data);
            Arc::from(bytes)
        }
    }
}
