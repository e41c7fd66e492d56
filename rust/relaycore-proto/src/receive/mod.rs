//! What a receiver of RTP keeps: how well packets arrive, for its reports, and those that wait for an earlier one.

mod reception;
mod reorder;

pub use reception::Reception;
pub use reorder::Reorder;
