//! What a receiver of RTP keeps: how well packets arrive, for its reports, and those that wait for an earlier one.

mod reception;
mod reorder;

pub use reception::Reception;
pub use reorder::Reorder;

/// A packet this far ahead of the newest one begins a new count (RFC 3550 section A.1).
const DROPOUT_MAX: i16 = 3000;

/// A packet up to this far behind the newest one is late, not the first of a new count (RFC 3550 section A.1).
const MISORDER_MAX: i16 = 100;

/// Whether a packet `ahead` of those before it, or behind them where that is negative, is too far off to belong to their
/// count: its sender started anew (RFC 3550 section A.1).
#[must_use]
pub fn begins_new_count(ahead: i16) -> bool {
    !(-MISORDER_MAX..=DROPOUT_MAX).contains(&ahead)
}
