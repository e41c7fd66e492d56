//! Wire formats and state machines of relaycore.
//!
//! Nothing here has a socket, a clock, a thread or randomness of its own: bytes come in as arguments and results go
//! out, so everything can be tested byte by byte and fuzzed. Input never panics: what cannot be understood is an
//! error that says why.
//!
//! The way of a packet through the modules: an encoder's [`access_unit`] is cut into RTP packets by a format of
//! [`payload`], which writes them as [`rtp`] packets into a [`burst`].

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod aac;
pub mod ac3;
pub mod access_unit;
pub mod annexb;
pub mod av1;
pub mod base64;
mod bits;
pub mod burst;
pub mod client;
pub mod h264;
pub mod h265;
pub mod ice_tcp;
pub mod jpeg;
pub mod latm;
pub mod limits;
pub mod mpeg4;
pub mod mpegaudio;
pub mod mpegts;
pub mod mpegvideo;
mod nal;
pub mod payload;
pub mod receive;
pub mod rtcp;
pub mod rtp;
pub mod rtsp;
mod scan;
pub mod sdp;
pub mod track;
pub mod vp8;
pub mod vp9;
pub mod websocket;
