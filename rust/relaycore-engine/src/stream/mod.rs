//! What is live at a path: tracks on one timeline, their SSRCs and sequence numbers, and the ring of newest bursts.
//!
//! A stream belongs to the path, not to whoever feeds it. An access unit is packetised once, on the thread that
//! writes it; the burst then goes into the ring and to each subscriber (a shard, or a reader in this process),
//! whatever the number of readers behind it.

mod delay;
mod mirror;
mod source;
mod track;

pub(crate) use delay::Delays;
pub use mirror::Faults;
pub(crate) use source::{Relayed, Superseded};
pub(crate) use track::TrackPosition;

use crate::burst::{Burst, Parts, Stages};
use crate::clock::{SECOND, WallClock, now_ns};
use crate::ingest::Upstream;
use crate::latency::LatencyTrace;
use crate::ring::{Ring, RingLimits};
use mirror::Mirror;
use relaycore_proto::burst::BurstBuilder;
use relaycore_proto::payload::PayloadError;
use relaycore_proto::rtp::Ssrc;
use relaycore_proto::track::{Codec, Kind, Track};
use relaycore_proto::{access_unit, rtcp};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use track::{Anchor, TrackWriter};

/// Names a stream within an engine; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId(pub u64);

/// What a reader that joins gets first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum JoinPolicy {
    /// The cached group of pictures with its timestamps squeezed up to the live edge, or, where the encoder is ours
    /// and the group is not fresh, a key frame made now.
    #[default]
    Squeeze,
    /// Nothing until the next random access point.
    Wait,
    /// The cached group of pictures with its own timestamps.
    Raw,
}

/// How a stream treats its readers.
#[derive(Debug, Clone, Copy)]
pub struct StreamOptions {
    /// What a reader gets first.
    pub join: JoinPolicy,
    /// Whether whoever writes the stream answers [`Stream::key_frame_wanted`] with a key frame.
    pub can_force_key_frames: bool,
    /// Bounds of the ring.
    pub ring: RingLimits,
    /// Most bytes of RTP payload a packet.
    pub rtp_payload: usize,
    /// Most bytes of an access unit.
    pub access_unit_bytes: usize,
    /// Whether sources feed it, which come and go.
    pub is_relayed: bool,
}

/// Gets what is written to a stream. Called on the writer's thread with the stream's lock held: it must only queue.
pub trait Subscriber: Send + Sync {
    /// A new burst.
    fn burst(&self, stream: StreamId, burst: &Arc<Burst>);
    /// Nothing more will come, for the reason that [`Stream::end_reason`] tells.
    fn ended(&self, stream: StreamId);
}

/// A stream; see the module.
pub struct Stream {
    id: StreamId,
    path: String,
    options: StreamOptions,
    tracks: Mutex<Arc<[Track]>>,
    start_track: usize,
    writers: Vec<Mutex<TrackWriter>>,
    core: Mutex<Core>,
    key_frame_wanted: AtomicBool,
    /// Who asks the source for key frames.
    upstream: Mutex<Option<Arc<dyn Upstream>>>,
    /// When the source was heard last, in nanoseconds of the engine's clock.
    source_seen: AtomicU64,
    /// How long the newest walk over the readers of a shard took, in nanoseconds.
    walk_ns: AtomicU64,
    wallclock: Arc<WallClock>,
    latency: LatencyTrace,
    /// Where it shows what another stream shows.
    mirror: OnceLock<Arc<Mirror>>,
    /// How far the clock of its sender reports is ahead, in nanoseconds.
    clock_offset: AtomicI64,
    /// Counters of what was written.
    pub counters: Counters,
}

/// What was written to a stream and who reads it.
#[derive(Debug, Default)]
pub struct Counters {
    /// Access units written.
    pub access_units: AtomicU64,
    /// Bytes of access units written.
    pub bytes: AtomicU64,
    /// RTP packets made.
    pub packets: AtomicU64,
    /// Readers that play now.
    pub readers: AtomicUsize,
}

/// An access unit as it is written.
#[derive(Debug, Clone, Copy)]
pub struct Written<'a> {
    /// The encoded bytes: Annex B, one raw AAC frame, or a whole JPEG.
    pub data: &'a [u8],
    /// Media time in ticks of the track's clock rate from the zero of the engine's clock.
    pub pts: i64,
    /// Whether a reader can start here; `None` lets the stream look.
    pub random_access: Option<bool>,
    /// When it passed the stages so far.
    pub stages: Stages,
}

/// Why an access unit was not taken.
#[derive(Debug)]
pub enum WriteError {
    /// The stream has no track of this index.
    NoSuchTrack(usize),
    /// The stream was removed.
    Ended,
    /// The stream shows what another one shows.
    Shows,
    /// The bytes are not what the codec's payload format can carry.
    Payload(PayloadError),
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchTrack(track) => write!(f, "the stream has no track {track}"),
            Self::Ended => f.write_str("the stream was removed; add it again to write to it"),
            Self::Shows => f.write_str("the stream shows what another one shows: write to that"),
            Self::Payload(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for WriteError {}

struct Core {
    ring: Ring,
    next_index: u64,
    subscribers: Vec<Arc<dyn Subscriber>>,
    /// Those who are told only of its end.
    witnesses: Vec<Arc<dyn Subscriber>>,
    /// Number of the source that may write; of no meaning where the program itself does.
    source: Option<u64>,
    /// Number of the source that wrote last.
    last_source: Option<u64>,
    /// Why it has ended.
    ended: Option<&'static str>,
}

impl Stream {
    /// A stream without bursts.
    pub fn new(
        id: StreamId,
        path: String,
        tracks: Vec<Track>,
        options: StreamOptions,
        wallclock: Arc<WallClock>,
    ) -> Self {
        let writers = tracks
            .iter()
            .enumerate()
            .map(|(index, track)| Mutex::new(TrackWriter::new(index, track)));
        Self {
            id,
            path,
            start_track: tracks
                .iter()
                .position(|track| track.kind() == Kind::Video)
                .unwrap_or(0),
            writers: writers.collect(),
            tracks: Mutex::new(tracks.into()),
            core: Mutex::new(Core {
                ring: Ring::new(options.ring),
                next_index: 0,
                subscribers: Vec::new(),
                witnesses: Vec::new(),
                source: None,
                last_source: None,
                ended: None,
            }),
            options,
            key_frame_wanted: AtomicBool::new(false),
            upstream: Mutex::new(None),
            source_seen: AtomicU64::new(0),
            walk_ns: AtomicU64::new(0),
            wallclock,
            latency: LatencyTrace::default(),
            mirror: OnceLock::new(),
            clock_offset: AtomicI64::new(0),
            counters: Counters::default(),
        }
    }

    /// Its name within the engine.
    pub fn id(&self) -> StreamId {
        self.id
    }

    /// The path it is live at.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// How it treats its readers.
    pub fn options(&self) -> &StreamOptions {
        &self.options
    }

    /// Its tracks, with the newest parameter sets.
    pub fn tracks(&self) -> Arc<[Track]> {
        if let Some(source) = self.shown() {
            return source.tracks();
        }
        Arc::clone(&lock(&self.tracks))
    }

    /// Index of the track whose random access points readers start from: the first video, or the first at all.
    pub fn start_track(&self) -> usize {
        self.start_track
    }

    /// How long its newest bursts took through each stage.
    pub fn latency(&self) -> &LatencyTrace {
        &self.latency
    }

    /// Whether a reader can start at `burst`.
    pub fn is_start(&self, burst: &Burst) -> bool {
        burst.track == self.start_track && burst.random_access
    }

    /// Asks whoever writes for a key frame soon. Demands until it was asked are one.
    pub fn want_key_frame(&self) {
        if !self.key_frame_wanted.swap(true, Ordering::AcqRel)
            && let Some(upstream) = &*lock(&self.upstream)
        {
            upstream.key_frame_wanted();
        }
    }

    /// Whether a key frame was asked for since the last call.
    pub fn key_frame_wanted(&self) -> bool {
        self.key_frame_wanted.swap(false, Ordering::AcqRel)
    }

    /// Packetises an access unit and hands it to every subscriber; gives the number of RTP packets made.
    ///
    /// # Errors
    /// When the track does not exist, the stream has ended, or the bytes are not of the track's codec.
    pub fn write(&self, track: usize, unit: Written<'_>) -> Result<usize, WriteError> {
        if self.mirror.get().is_some() {
            return Err(WriteError::Shows);
        }
        let mut writer = lock(
            self.writers
                .get(track)
                .ok_or(WriteError::NoSuchTrack(track))?,
        );
        let limit = self.options.access_unit_bytes;
        if unit.data.len() > limit {
            return Err(WriteError::Payload(PayloadError::TooLong { limit }));
        }
        let random_access = unit
            .random_access
            .unwrap_or_else(|| access_unit::is_random_access(writer.codec, unit.data));
        if random_access {
            self.learn_from(track, writer.codec, unit.data);
        }
        let mut out = BurstBuilder::with_capacity(unit.data.len() + unit.data.len() / 16 + 256);
        let timestamp = writer.timestamp_base.wrapping_add(unit.pts as u32);
        writer
            .packetise(unit.data, timestamp, self.options.rtp_payload, &mut out)
            .map_err(WriteError::Payload)?;
        let (bytes, ends) = out.finish();
        if ends.is_empty() {
            return Ok(0);
        }
        let stages = Stages {
            packetised: now_ns(),
            ..unit.stages
        };
        writer.last = Some(Anchor {
            timestamp,
            captured: stages.captured,
        });
        let packets = ends.len();
        let packets_before = writer.packets;
        writer.packets += packets as u64;
        writer.newest_pts = writer.newest_pts.max(Some(unit.pts));
        self.counters.access_units.fetch_add(1, Ordering::Relaxed);
        self.counters
            .bytes
            .fetch_add(unit.data.len() as u64, Ordering::Relaxed);
        self.counters
            .packets
            .fetch_add(packets as u64, Ordering::Relaxed);
        self.push(Parts {
            index: 0,
            track,
            bytes,
            ends,
            pts: unit.pts,
            packets_before,
            random_access,
            stages,
        })?;
        // The track's lock is held until here, so that its sequence numbers enter the ring in order.
        drop(writer);
        Ok(packets)
    }

    fn push(&self, parts: Parts) -> Result<(), WriteError> {
        let mut core = lock(&self.core);
        if core.ended.is_some() {
            return Err(WriteError::Ended);
        }
        self.push_to(&mut core, parts);
        Ok(())
    }

    fn push_to(&self, core: &mut Core, mut parts: Parts) {
        parts.index = core.next_index;
        core.next_index += 1;
        let burst = Arc::new(Burst::new(parts));
        let is_start = self.is_start(&burst);
        core.ring.push(Arc::clone(&burst), is_start);
        for subscriber in &core.subscribers {
            subscriber.burst(self.id, &burst);
        }
    }

    /// Whether anything was ever written to it.
    pub fn has_begun(&self) -> bool {
        lock(&self.core).next_index > 0
    }

    /// Notes the parameter sets of a track, an Annex B byte stream, for those who ask for a description.
    pub(crate) fn learn_parameters(&self, track: usize, parameters: &[u8]) {
        let mut tracks = lock(&self.tracks);
        if tracks
            .get(track)
            .is_some_and(|known| known.parameters != parameters)
        {
            let mut changed = tracks.to_vec();
            changed[track].parameters = parameters.to_vec();
            *tracks = changed.into();
        }
    }

    /// As [`Stream::learn_parameters`], from an access unit.
    fn learn_from(&self, track: usize, codec: Codec, data: &[u8]) {
        if let Some(parameters) = access_unit::parameters(codec, data) {
            self.learn_parameters(track, &parameters);
        }
    }

    /// Adds a subscriber and gives it the bursts that are here, so that none is missed or seen twice. `None` when the
    /// stream has ended.
    pub fn subscribe(&self, subscriber: Arc<dyn Subscriber>) -> Option<Ring> {
        self.attach();
        let ring = self.subscribe_only(subscriber);
        // The last reader of before may have left meanwhile.
        self.attach();
        ring
    }

    fn subscribe_only(&self, subscriber: Arc<dyn Subscriber>) -> Option<Ring> {
        let mut core = lock(&self.core);
        if core.ended.is_some() {
            return None;
        }
        let mut ring = Ring::new(self.options.ring);
        for burst in core.ring.from(0) {
            ring.push(Arc::clone(burst), self.is_start(burst));
        }
        core.subscribers.push(subscriber);
        Some(ring)
    }

    /// Removes a subscriber, or a witness.
    pub fn unsubscribe(&self, subscriber: &Arc<dyn Subscriber>) {
        let is_other = |known: &Arc<dyn Subscriber>| !Arc::ptr_eq(known, subscriber);
        let mut core = lock(&self.core);
        core.subscribers.retain(is_other);
        core.witnesses.retain(is_other);
        drop(core);
        if let Some(mirror) = self.mirror.get() {
            mirror.detach();
        }
    }

    /// Shows what `source` shows from now on, under its own numbers, as `number` among sources. Its tracks are those of
    /// `source`, and nothing was written to it. `false` when one of both has ended.
    pub(crate) fn show(
        self: &Arc<Self>,
        number: u64,
        source: Arc<Self>,
        delays: Arc<Delays>,
    ) -> bool {
        Mirror::begin(number, self, source, delays)
    }

    /// The stream that it shows, if it shows another one.
    pub(crate) fn shown(&self) -> Option<Arc<Self>> {
        self.mirror.get().map(|mirror| mirror.source())
    }

    /// What is made to go wrong; `None` where the stream shows no other one.
    pub fn faults(&self) -> Option<Faults> {
        self.mirror.get().map(|mirror| mirror.faults())
    }

    /// Makes these things go wrong from now on. `false` where the stream shows no other one.
    pub fn set_faults(&self, faults: Faults) -> bool {
        let Some(mirror) = self.mirror.get() else {
            return false;
        };
        mirror.set_faults(faults);
        self.clock_offset
            .store(faults.clock_offset_ns, Ordering::Relaxed);
        true
    }

    fn attach(&self) {
        if let Some(mirror) = self.mirror.get() {
            mirror.attach();
        }
    }

    fn has_subscribers(&self) -> bool {
        !lock(&self.core).subscribers.is_empty()
    }

    /// Forgets its bursts.
    fn clear(&self) {
        lock(&self.core).ring = Ring::new(self.options.ring);
    }

    /// Gives a subscriber the bursts from the newest random access point on, and all that come. `false` when the stream
    /// has ended.
    fn follow(&self, subscriber: Arc<dyn Subscriber>) -> bool {
        let mut core = lock(&self.core);
        if core.ended.is_some() {
            return false;
        }
        if let Some(start) = core.ring.newest_start() {
            for burst in core.ring.from(start) {
                subscriber.burst(self.id, burst);
            }
        }
        core.subscribers.push(subscriber);
        true
    }

    /// Gives a subscriber nothing more; a witness it stays.
    fn unfollow(&self, subscriber: &Arc<dyn Subscriber>) {
        lock(&self.core)
            .subscribers
            .retain(|known| !Arc::ptr_eq(known, subscriber));
    }

    /// Adds a subscriber that gets no bursts and is told of the end alone. `false` when the stream has ended.
    pub(crate) fn witness(&self, subscriber: Arc<dyn Subscriber>) -> bool {
        let mut core = lock(&self.core);
        if core.ended.is_none() {
            core.witnesses.push(subscriber);
        }
        core.ended.is_none()
    }

    /// Ends the stream: subscribers are told, and nothing can be written any more.
    pub fn end(&self, reason: &'static str) {
        let (subscribers, witnesses) = {
            let mut core = lock(&self.core);
            core.ended.get_or_insert(reason);
            core.source = None;
            if let Some(upstream) = lock(&self.upstream).take() {
                upstream.superseded();
            }
            let witnesses = std::mem::take(&mut core.witnesses);
            (std::mem::take(&mut core.subscribers), witnesses)
        };
        for subscriber in subscribers.into_iter().chain(witnesses) {
            subscriber.ended(self.id);
        }
        if let Some(mirror) = self.mirror.get() {
            mirror.leave();
        }
    }

    /// Why it has ended; `None` while it lives.
    pub fn end_reason(&self) -> Option<&'static str> {
        lock(&self.core).ended
    }

    /// How many bursts and bytes the ring holds.
    pub fn ring_size(&self) -> (usize, usize) {
        let core = lock(&self.core);
        (core.ring.len(), core.ring.bytes())
    }

    /// SSRC of a track.
    pub fn ssrc(&self, track: usize) -> Option<Ssrc> {
        self.writers.get(track).map(|writer| lock(writer).rtp.ssrc)
    }

    /// Where the track is at the moment `now`: NTP time (32.32 bits) and RTP timestamp of the same instant of capture,
    /// as a sender report states it (RFC 3550 §6.4.1). `None` before the first access unit.
    pub fn sender_clock(&self, track: usize, now: u64) -> Option<(u64, u32)> {
        let writer = lock(self.writers.get(track)?);
        let anchor = writer.last?;
        // Negative where a source's clock is a little ahead of ours.
        let since = i128::from(now) - i128::from(anchor.captured);
        let ticks = since * i128::from(writer.clock_rate) / i128::from(SECOND);
        let ahead = self.clock_offset.load(Ordering::Relaxed);
        let shown = self.wallclock.unix_ns(now).saturating_add_signed(ahead);
        let ntp = rtcp::ntp_from_unix_ns(shown);
        Some((ntp, anchor.timestamp.wrapping_add(ticks as u32)))
    }

    /// Unix time in nanoseconds of a moment of the engine's clock.
    pub fn unix_ns(&self, at: u64) -> u64 {
        self.wallclock.unix_ns(at)
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("id", &self.id)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic while a lock was held has ended that thread; what it guarded is whole after each statement.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
