//! A load generator for RTSP servers, whoever made them.
//!
//! [`Run`] carries out a [plan](plan::Plan): sources publish a synthetic stream whose access units are numbered, timed
//! and summed, and thousands of readers in one process check what comes of it. The result is a
//! [report](report::Report). [`floor::measure`] tells what the machine could do at all.
//!
//! [`Viewers`](webrtc::Viewers) are readers by WebRTC of what a run publishes.
//!
//! What a server sends is never trusted: whatever is wrong with it becomes a [finding](report::Finding).

mod call;
mod check;
pub mod floor;
#[doc(hidden)]
pub mod fuzzing;
mod inlet;
mod link;
pub mod mark;
mod order;
pub mod plan;
mod platform;
mod publisher;
mod reader;
pub mod report;
mod run;
mod sessions;
mod shared;
mod sources;
pub mod synth;
mod tally;
mod target;
pub mod webrtc;
mod worker;

pub use run::Run;
