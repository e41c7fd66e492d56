//! An RTSP session: what one reader has set up of one stream, and where it is in it.

use crate::burst::Burst;
use crate::cursor::{Cursor, Selection};
use crate::session::{SessionInfo, TransportKind};
use crate::stream::{Stream, StreamId};
use relaycore_proto::rtsp::state::State;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// A session; it lives in the shard that set it up.
#[derive(Debug)]
pub(super) struct Session {
    /// Tells it from an earlier session that had its place.
    pub(super) number: u64,
    /// What others may know of it.
    pub(super) info: Arc<SessionInfo>,
    /// The stream.
    pub(super) stream: Arc<Stream>,
    /// URL of the whole, with a slash at its end: controls of the tracks are relative to it.
    pub(super) base_url: String,
    /// Init, Ready, Playing (RFC 2326 §A.2).
    pub(super) state: State,
    /// What each track was set up with, by the track's index.
    pub(super) tracks: Vec<Option<TrackTransport>>,
    /// The connection that it was set up on, while that is open.
    pub(super) connection: Option<usize>,
    /// Its place in the stream while it plays.
    pub(super) cursor: Option<Cursor>,
    /// Packets of the cursor's next burst that are already sent (datagrams only).
    pub(super) sent_of_next: usize,
    /// When it may get the next portion of a paced burst, in nanoseconds of the engine's clock.
    pub(super) paced_at: u64,
    /// It ends when nothing was heard of it until then, in nanoseconds of the engine's clock.
    pub(super) alive_until: u64,
    /// When the next sender reports are due.
    pub(super) report_at: u64,
}

/// How one track reaches the reader, and what was sent.
#[derive(Debug, Clone)]
pub(super) struct TrackTransport {
    /// Where to.
    pub(super) target: Target,
    /// RTP packets sent, for the sender report.
    pub(super) packets: u32,
    /// Octets of payload sent, for the sender report.
    pub(super) octets: u32,
    /// Packets lost, from the newest receiver report.
    pub(super) lost: u64,
}

/// Where a track's packets go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// Channels of the session's connection.
    Interleaved {
        /// Channel of RTP.
        rtp: u8,
        /// Channel of RTCP.
        rtcp: u8,
    },
    /// Ports of the client, from the ports that this shard has at `local`.
    Udp {
        /// Address that the client reached.
        local: IpAddr,
        /// Where RTP goes.
        rtp: SocketAddr,
        /// Where RTCP goes and comes from.
        rtcp: SocketAddr,
    },
}

impl Session {
    /// The stream's name.
    pub(super) fn stream_id(&self) -> StreamId {
        self.stream.id()
    }

    /// How media reaches the reader.
    pub(super) fn transport(&self) -> TransportKind {
        self.info.transport
    }

    /// The tracks that are set up.
    pub(super) fn selection(&self) -> Selection {
        Selection::new(self.track_numbers(), self.stream.start_track())
    }

    /// Indices of the tracks that are set up.
    pub(super) fn track_numbers(&self) -> impl Iterator<Item = usize> {
        self.tracks
            .iter()
            .enumerate()
            .filter_map(|(number, track)| track.as_ref().map(|_| number))
    }

    /// Interleaved channel of a track's RTP packets.
    pub(super) fn channel(&self, track: usize) -> Option<u8> {
        match self.tracks.get(track)?.as_ref()?.target {
            Target::Interleaved { rtp, .. } => Some(rtp),
            Target::Udp { .. } => None,
        }
    }

    /// The track whose packets go to this RTP or RTCP channel.
    pub(super) fn track_of_channel(&self, channel: u8) -> Option<usize> {
        self.tracks.iter().position(|track| {
            track.as_ref().is_some_and(|track| match track.target {
                Target::Interleaved { rtp, rtcp } => rtp == channel || rtcp == channel,
                Target::Udp { .. } => false,
            })
        })
    }

    /// The track whose RTCP comes from this address.
    pub(super) fn track_of_address(&self, from: SocketAddr) -> Option<usize> {
        self.tracks.iter().position(|track| {
            track.as_ref().is_some_and(|track| match track.target {
                Target::Udp { rtcp, .. } => rtcp == from,
                Target::Interleaved { .. } => false,
            })
        })
    }

    /// Counts packets that were sent of a burst.
    pub(super) fn count(&mut self, burst: &Burst, packets: usize, bytes: usize, now: u64) {
        let Some(track) = self.tracks.get_mut(burst.track).and_then(Option::as_mut) else {
            return;
        };
        track.packets = track.packets.wrapping_add(packets as u32);
        let headers = packets * relaycore_proto::limits::RTP_HEADER_BYTES;
        track.octets = track
            .octets
            .wrapping_add(bytes.saturating_sub(headers) as u32);
        let counters = &self.info.counters;
        counters
            .packets
            .fetch_add(packets as u64, Ordering::Relaxed);
        counters.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        if burst.random_access
            && counters.first_picture.load(Ordering::Relaxed) == 0
            && self.stream.is_start(burst)
        {
            counters.first_picture.store(now, Ordering::Relaxed);
        }
    }
}
