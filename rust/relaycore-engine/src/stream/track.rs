//! One track of a stream: its numbers, and the packets that are made for it.

use crate::random::random_u32;
use relaycore_proto::burst::{BurstBuilder, RtpWriter};
use relaycore_proto::payload::{self, PayloadError};
use relaycore_proto::rtp::{PayloadType, SequenceNumber, Ssrc};
use relaycore_proto::track::{Codec, Track};

/// Where a track goes on: what a source needs to rewrite packets, and gives back when it has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TrackPosition {
    /// SSRC of the track.
    pub(crate) ssrc: Ssrc,
    /// Payload type of the track.
    pub(crate) payload_type: PayloadType,
    /// Usual interleaved channel.
    pub(crate) channel: u8,
    /// RTP timestamp at media time 0.
    pub(crate) timestamp_base: u32,
    /// Number of the next packet.
    pub(crate) next_sequence: SequenceNumber,
    /// Latest media time so far.
    pub(crate) newest_pts: Option<i64>,
}

/// Makes the packets of one track, and knows where it goes on.
pub(super) struct TrackWriter {
    /// SSRC, payload type and the next sequence number.
    pub(super) rtp: RtpWriter,
    /// How its access units are encoded.
    pub(super) codec: Codec,
    channels: u8,
    /// Ticks of media time in a second.
    pub(super) clock_rate: u32,
    /// RTP timestamp at media time 0.
    pub(super) timestamp_base: u32,
    /// RTP packets made so far.
    pub(super) packets: u64,
    /// Latest media time so far.
    pub(super) newest_pts: Option<i64>,
    /// Of the newest burst.
    pub(super) last: Option<Anchor>,
}

/// An RTP timestamp and the moment of its capture.
#[derive(Debug, Clone, Copy)]
pub(super) struct Anchor {
    /// The timestamp.
    pub(super) timestamp: u32,
    /// The moment, in nanoseconds of the engine's clock.
    pub(super) captured: u64,
}

impl TrackWriter {
    /// A track that nothing was written to.
    pub(super) fn new(index: usize, track: &Track) -> Self {
        Self {
            rtp: RtpWriter {
                channel: u8::try_from(index * 2).unwrap_or(u8::MAX),
                payload_type: track.payload_type,
                ssrc: Ssrc(random_u32()),
                next_sequence: SequenceNumber(random_u32() as u16),
            },
            codec: track.codec,
            channels: track.channels,
            clock_rate: track.clock_rate,
            timestamp_base: random_u32(),
            packets: 0,
            newest_pts: None,
            last: None,
        }
    }

    /// Appends the packets of an access unit to `out`.
    pub(super) fn packetise(
        &mut self,
        data: &[u8],
        timestamp: u32,
        max_payload: usize,
        out: &mut BurstBuilder,
    ) -> Result<(), PayloadError> {
        payload::packetise(
            self.codec,
            self.channels,
            data,
            timestamp,
            max_payload,
            &mut self.rtp,
            out,
        )
    }
}
