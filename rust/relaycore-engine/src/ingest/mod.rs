//! What feeds a stream from outside: RTP packets of a publisher, or of a server that is read, put onto the stream's
//! own timeline.
//!
//! A packet is rewritten once, on its way into a burst: the stream's SSRC, its sequence numbers and its timestamps
//! replace those of the source, so that readers notice nothing when another source goes on with the stream.

mod capture;
mod source;
mod timeline;
mod track;

pub(crate) use source::{Source, Upstream};

#[cfg(test)]
mod tests;
