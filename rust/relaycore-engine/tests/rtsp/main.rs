//! The engine over loopback sockets: what clients ask, what they get, and what they cannot do to each other.
#![cfg(unix)]

mod closing;
mod decisions;
mod ends;
mod handover;
mod hostile;
mod http;
mod joins;
mod journeys;
mod keep_alive;
mod multicast;
mod open_groups;
mod patience;
mod pause;
mod pipelining;
mod play;
mod publish;
mod published_formats;
mod published_times;
mod pull;
mod pull_trouble;
mod random_operations;
mod reader;
mod refusals;
mod sessions;
mod slow_reader;
mod support;
mod tls;
mod tracks;
mod transports;
mod tunnel;
mod urls;
mod websocket;
