//! An RTSP session: what one client has set up of one stream, and where a reader is in it.

use super::{Command, ShardHandle};
use crate::burst::Burst;
use crate::cursor::{Cursor, Selection};
use crate::decision::Action;
use crate::ingest::{self, Source};
use crate::ring::Ring;
use crate::session::{SessionInfo, TransportKind};
use crate::stream::{Stream, StreamId};
use relaycore_proto::rtsp::state::State;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// URL of a whole stream, as a client has it.
#[derive(Debug, Clone, Default)]
pub(super) struct BaseUrl {
    /// Its beginning, with a slash at its end: controls of the tracks are relative to it.
    pub(super) base: String,
    /// What the client puts behind a track; empty without a query, and where it stands in front of the tracks.
    pub(super) query: String,
}

impl BaseUrl {
    /// The URL of a track.
    pub(super) fn track(&self, track: usize) -> String {
        let mark = if self.query.is_empty() { "" } else { "?" };
        format!("{}trackID={track}{mark}{}", self.base, self.query)
    }
}

/// A session; it lives in the shard that set it up.
#[derive(Debug)]
pub(super) struct Session {
    /// Tells it from an earlier session that had its place.
    pub(super) number: u64,
    /// What others may know of it.
    pub(super) info: Arc<SessionInfo>,
    /// The stream.
    pub(super) stream: Arc<Stream>,
    /// Whether its media may flow where that is asked; see `Engine::ask_before_media`.
    pub(super) is_admitted: bool,
    /// URL of the whole.
    pub(super) base_url: BaseUrl,
    /// Init, Ready, Playing, Recording (RFC 2326 §A.2).
    pub(super) state: State,
    /// What each track was set up with, by the track's index.
    pub(super) tracks: Vec<Option<TrackTransport>>,
    /// The connection that it was set up on, while that is open.
    pub(super) connection: Option<usize>,
    /// What a publisher's packets go through; `None` for a reader.
    pub(super) source: Option<Source>,
    /// When the publisher may be asked for a key frame again, in nanoseconds of the engine's clock.
    pub(super) key_frame_at: u64,
    /// Its place in the stream while it plays.
    pub(super) cursor: Option<Cursor>,
    /// The burst that is being sent in portions, and how many of its packets are sent (datagrams only).
    pub(super) sending: Option<(Arc<Burst>, usize)>,
    /// When it may get the next portion of a paced burst, in nanoseconds of the engine's clock.
    pub(super) paced_at: u64,
    /// Whether the shard comes back to it for the next portion.
    pub(super) is_paced: bool,
    /// It ends when nothing was heard of it until then, in nanoseconds of the engine's clock.
    pub(super) alive_until: u64,
    /// When the next reports are due.
    pub(super) report_at: u64,
    /// When the wheel looks at it next.
    pub(super) timer_at: u64,
}

/// How one track travels, and what was sent.
#[derive(Debug, Clone)]
pub(super) struct TrackTransport {
    /// Where to.
    pub(super) target: Target,
    /// RTP packets sent, for the sender report.
    pub(super) packets: u32,
    /// Octets of payload sent, for the sender report.
    pub(super) octets: u32,
    /// What RTCP told in both directions.
    pub(super) reported: Reported,
    /// How its packets are numbered.
    pub(super) numbering: Numbering,
}

/// The newest reports about one track.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Reported {
    /// The sender report: the middle bits of its NTP timestamp, which receivers repeat, and when it was sent in
    /// nanoseconds of the engine's clock.
    pub(super) sent: Option<(u32, u64)>,
    /// Packets lost, as the receiver says.
    pub(super) lost: u64,
    /// Interarrival jitter in nanoseconds, as the receiver says.
    pub(super) jitter_ns: u64,
}

/// The sequence numbers of one track as a reader sees them: those that its place in the stream has until it pauses;
/// afterwards they go on where they stopped (RFC 2326 appendix B). Where they are not those of the stream, that costs a
/// copy of each burst, which readers of the same numbers share.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Numbering {
    /// How far the reader's numbers are beyond those of its place in the stream.
    shift: u16,
    /// Number of the next packet.
    next: Option<u16>,
    /// Whether it paused and got nothing since.
    resumes: bool,
}

impl Numbering {
    /// The number that a packet has for the reader, when it is the next one that it gets. `sequence` is that of its place
    /// in the stream: see [`Cursor::ahead`].
    pub(super) fn of_next(&self, sequence: u16) -> u16 {
        match self.next {
            Some(next) if self.resumes => next,
            _ => sequence.wrapping_add(self.shift),
        }
    }

    /// The burst, which comes next, as the reader gets it. `ahead` is how far the numbers of its place in the stream are
    /// beyond those of the stream.
    fn apply(&mut self, burst: Arc<Burst>, ahead: u16, ring: &Ring) -> Arc<Burst> {
        let sequence = burst.sequence.wrapping_add(ahead);
        self.shift = self.of_next(sequence).wrapping_sub(sequence);
        self.resumes = false;
        let burst = match self.shift.wrapping_add(ahead) {
            0 => burst,
            shift => ring.renumbered(&burst, shift),
        };
        self.next = Some(burst.sequence.wrapping_add(burst.packet_count() as u16));
        burst
    }

    /// Of a burst that [`Numbering::apply`] gave only `packets` are sent, and none that it gave later.
    fn cut(&mut self, burst: &Burst, packets: usize) {
        let end = burst.sequence.wrapping_add(packets as u16);
        // Told in order: the first of several is the one that counts.
        if self
            .next
            .is_none_or(|next| (next.wrapping_sub(end) as i16) > 0)
        {
            self.next = Some(end);
        }
    }
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
    /// A group, from ports of this track alone.
    Group {
        /// Place of the ports in the shard.
        ports: usize,
    },
    /// A group that another session, which is no client's, sends to.
    Member,
    /// From a publisher, to ports of this track alone.
    Receive {
        /// Place of the ports in the shard.
        ports: usize,
        /// Where RTCP goes.
        rtcp: SocketAddr,
    },
}

/// Tells the shard of a publisher's session what its stream wants.
#[derive(Debug)]
pub(super) struct Upstream {
    /// The shard.
    pub(super) shard: ShardHandle,
    /// Place of the session.
    pub(super) session: usize,
    /// Its number.
    pub(super) number: u64,
}

impl ingest::Upstream for Upstream {
    fn key_frame_wanted(&self) {
        self.shard
            .send(Command::KeyFrame(self.session, self.number));
    }

    fn superseded(&self) {
        self.shard
            .send(Command::Superseded(self.session, self.number));
    }
}

impl TrackTransport {
    /// A track that goes to `target` and has sent nothing yet.
    pub(super) fn new(target: Target) -> Self {
        Self {
            target,
            packets: 0,
            octets: 0,
            reported: Reported::default(),
            numbering: Numbering::default(),
        }
    }
}

impl Session {
    /// A session that is alive until then, in nanoseconds of the engine's clock.
    pub(super) fn new(
        number: u64,
        info: Arc<SessionInfo>,
        stream: Arc<Stream>,
        base_url: BaseUrl,
        tracks: Vec<Option<TrackTransport>>,
        alive_until: u64,
    ) -> Self {
        Self {
            number,
            info,
            stream,
            is_admitted: false,
            base_url,
            state: State::Init,
            tracks,
            connection: None,
            source: None,
            key_frame_at: 0,
            cursor: None,
            sending: None,
            paced_at: 0,
            is_paced: false,
            alive_until,
            report_at: u64::MAX,
            timer_at: u64::MAX,
        }
    }

    /// The stream's name.
    pub(super) fn stream_id(&self) -> StreamId {
        self.stream.id()
    }

    /// Value of the `Session` header, with the timeout in seconds (RFC 2326 §12.37).
    pub(super) fn header(&self, timeout: u64) -> String {
        format!("{};timeout={timeout}", self.info.id)
    }

    /// What its client does at its path.
    pub(super) fn action(&self) -> Action {
        self.info.action
    }

    /// Whether media flows.
    pub(super) fn is_active(&self) -> bool {
        matches!(self.state, State::Playing | State::Recording)
    }

    /// Whether it is the sender of a group, and no client's.
    pub(super) fn is_group(&self) -> bool {
        self.transport() == TransportKind::Multicast && self.info.id.is_empty()
    }

    /// Whether a client gets its packets by a group.
    pub(super) fn is_member(&self) -> bool {
        self.transport() == TransportKind::Multicast && !self.is_group()
    }

    /// How media travels.
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

    /// Takes the next burst from the ring, as the reader gets it, and when the reader could have had it first.
    pub(super) fn take_burst(&mut self, ring: &Ring) -> Option<(Arc<Burst>, u64)> {
        let cursor = self.cursor.as_mut()?;
        let burst = cursor.take(ring)?;
        let since = cursor.could_have(&burst);
        let ahead = cursor.ahead(burst.track);
        add(&self.info.counters.discarded, cursor.missed());
        let burst = match self.tracks.get_mut(burst.track).and_then(Option::as_mut) {
            Some(track) => track.numbering.apply(burst, ahead, ring),
            None => burst,
        };
        Some((burst, since))
    }

    /// Tells how far the reader is behind, after it was fed. `queued_since` is since when what it took waits to be sent.
    pub(super) fn tell_lag(&mut self, queued_since: Option<u64>, ring: &Ring) {
        let cursor = self.cursor.as_mut();
        let since = queued_since.or_else(|| cursor.and_then(|cursor| cursor.behind_since(ring)));
        self.info
            .counters
            .behind_since
            .store(since.unwrap_or(0), Ordering::Relaxed);
    }

    /// Tells that it ends at `now`, and until when its reader was served. `timeout` is the time after which a reader that
    /// was not heard counts as gone, in nanoseconds.
    pub(super) fn tell_end(&self, now: u64, timeout: u64) {
        let served = self.info.served_until(now);
        let served = match now >= self.alive_until {
            true => served.min(self.alive_until.saturating_sub(timeout)),
            false => served,
        };
        let counters = &self.info.counters;
        counters.served_until.store(served, Ordering::Relaxed);
        counters.ended.store(now, Ordering::Relaxed);
    }

    /// Of a burst that was taken only `packets` are sent.
    pub(super) fn cut(&mut self, burst: &Burst, packets: usize) {
        if let Some(track) = self.tracks.get_mut(burst.track).and_then(Option::as_mut) {
            track.numbering.cut(burst, packets);
        }
    }

    /// What comes after a pause goes on with the numbers of before.
    pub(super) fn pause_numbering(&mut self) {
        for track in self.tracks.iter_mut().flatten() {
            track.numbering.resumes = track.numbering.next.is_some();
        }
    }

    /// Interleaved channel of a track's RTP packets.
    pub(super) fn channel(&self, track: usize) -> Option<u8> {
        match self.tracks.get(track)?.as_ref()?.target {
            Target::Interleaved { rtp, .. } => Some(rtp),
            Target::Udp { .. } | Target::Group { .. } | Target::Member | Target::Receive { .. } => {
                None
            }
        }
    }

    /// The track whose packets go to this RTP or RTCP channel.
    pub(super) fn track_of_channel(&self, channel: u8) -> Option<usize> {
        self.tracks.iter().position(|track| {
            track.as_ref().is_some_and(|track| match track.target {
                Target::Interleaved { rtp, rtcp } => rtp == channel || rtcp == channel,
                Target::Udp { .. }
                | Target::Group { .. }
                | Target::Member
                | Target::Receive { .. } => false,
            })
        })
    }

    /// The track whose RTCP comes from this address.
    pub(super) fn track_of_address(&self, from: SocketAddr) -> Option<usize> {
        self.tracks.iter().position(|track| {
            track.as_ref().is_some_and(|track| match track.target {
                Target::Udp { rtcp, .. } => rtcp == from,
                Target::Interleaved { .. }
                | Target::Group { .. }
                | Target::Member
                | Target::Receive { .. } => false,
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
        if counters.packets.load(Ordering::Relaxed) == 0 && packets > 0 {
            counters.first_packet.store(now, Ordering::Relaxed);
        }
        add(&counters.packets, packets as u64);
        add(&counters.bytes, bytes as u64);
        if burst.random_access
            && counters.first_picture.load(Ordering::Relaxed) == 0
            && self.stream.is_start(burst)
        {
            counters.first_picture.store(now, Ordering::Relaxed);
        }
    }
}

/// Adds to a counter that this thread alone writes.
pub(super) fn add(counter: &AtomicU64, count: u64) {
    counter.store(counter.load(Ordering::Relaxed) + count, Ordering::Relaxed);
}
