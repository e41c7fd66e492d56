//! `relaycore._relaycore`: the engine as Python sees it. Conversions, release of the GIL, error mapping; nothing else.

mod buffers;
mod engine;
mod events;
mod frames;
mod load;
mod media;
mod platform;
mod rendition;
mod streams;
mod web_session;

use pyo3::prelude::*;

/// The engine of relaycore: streams, readers, sockets and the frame handoff.
#[pymodule]
mod _relaycore {
    #[pymodule_export]
    use crate::engine::Engine;
    #[pymodule_export]
    use crate::events::{
        Handshake, HttpConnection, Journey, PullEvent, ReaderReady, Request, Session, SessionEvent,
        StreamEvent,
    };
    #[pymodule_export]
    use crate::frames::{FrameBuffer, FramePool, Handoff, Mask};
    #[pymodule_export]
    use crate::load::{LoadRun, LoadViewers, measure_floor};
    #[pymodule_export]
    use crate::media::{
        H264Parameters, JpegInfo, Track, inspect_jpeg, interface_addresses, limits, now_ns,
    };
    #[pymodule_export]
    use crate::rendition::Rendition;
    #[pymodule_export]
    use crate::streams::{AccessUnit, Reader, Stream, StreamStats};
    #[pymodule_export]
    use crate::web_session::{OfferRefused, WebSession};
}
