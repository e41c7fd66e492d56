//! Frame buffers between capture and encoder: a small pool, chroma conversion into it, privacy masks on it, parts of it
//! in other sizes, and a handoff where the newest wins.

mod convert;
mod handoff;
mod mask;
mod pool;
mod scale;

pub use convert::{Plane, from_420, from_422, from_yuyv};
pub use handoff::{Handoff, HandoffCounts};
pub use mask::{Fill, Mask, Span};
pub use pool::{FrameBuffer, FramePool};
pub use scale::{Window, scale};
