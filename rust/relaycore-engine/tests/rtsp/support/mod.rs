//! An engine with somebody who decides, a client that reads with a timeout, and media to send.

mod client;
mod media;
mod numbers;
mod odd_server;
pub(crate) mod publisher;
mod server;
pub(crate) mod tls;
pub(crate) mod websocket;

pub(crate) use client::{Client, datagram, rtcp_kinds, rtp_info, sender_report};
pub(crate) use media::{AAC_FRAME, Feed};
pub(crate) use numbers::Numbers;
pub(crate) use odd_server::{OddServer, Reply};
pub(crate) use server::{Server, small_limits};

use std::time::Duration;

/// How long anything may take before the test fails; nothing waits for it to pass.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
