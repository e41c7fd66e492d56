//! What is known of a session outside the shard that serves it.

use crate::decision::Action;
use crate::journey::Arrival;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU16, AtomicU64, AtomicUsize, Ordering};

/// How media travels between client and server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransportKind {
    /// Interleaved in the RTSP connection (RFC 2326 §10.12).
    Tcp,
    /// Datagrams.
    Udp,
    /// Datagrams to a group, sent once for all its readers: each session counts what it reports, not what is sent.
    Multicast,
}

impl TransportKind {
    /// Its name in tables and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Multicast => "multicast",
        }
    }
}

/// What a client speaks to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// RTSP (RFC 2326).
    Rtsp,
    /// RTSP over HTTP.
    RtspOverHttp,
    /// RTSP in a WebSocket.
    RtspOverWebSocket,
    /// WebRTC, agreed on by WHEP or WHIP.
    WebRtc,
    /// Fragments of MP4 over a WebSocket.
    WebSocket,
    /// JPEG pictures as the parts of one long answer of HTTP.
    Multipart,
    /// HTTP Live Streaming.
    Hls,
}

impl Protocol {
    /// Its name in tables and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rtsp => "rtsp",
            Self::RtspOverHttp => "rtsp-over-http",
            Self::RtspOverWebSocket => "rtsp-over-websocket",
            Self::WebRtc => "webrtc",
            Self::WebSocket => "websocket",
            Self::Multipart => "mjpeg",
            Self::Hls => "hls",
        }
    }

    /// The protocol of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name)
    }

    /// All that there are.
    pub const ALL: [Self; 7] = [
        Self::Rtsp,
        Self::RtspOverHttp,
        Self::RtspOverWebSocket,
        Self::WebRtc,
        Self::WebSocket,
        Self::Multipart,
        Self::Hls,
    ];
}

/// What serves a session.
#[derive(Debug)]
pub(crate) struct Server(AtomicUsize);

impl Server {
    /// The shard of this number.
    pub(crate) fn shard(number: usize) -> Self {
        Self(AtomicUsize::new(number))
    }

    /// Nobody in the engine; see [`crate::WebSession`].
    pub(crate) fn outside() -> Self {
        Self(AtomicUsize::new(usize::MAX))
    }

    /// The number of the shard, if it is one.
    pub(crate) fn number(&self) -> Option<usize> {
        Some(self.0.load(Ordering::Acquire)).filter(|number| *number != usize::MAX)
    }
}

/// One session, of RTSP or of a browser. The counters are written by its shard alone and may be read at any time.
#[derive(Debug)]
pub struct SessionInfo {
    /// The session's id.
    pub id: String,
    /// What serves it.
    pub(crate) server: Server,
    /// Whether it reads or publishes.
    pub action: Action,
    /// Its path.
    pub path: String,
    /// Who it is, when known.
    pub user: Option<String>,
    /// The ticket of the decision that let it in.
    pub ticket: u64,
    /// Address of the client.
    pub peer: SocketAddr,
    /// What the client calls itself.
    pub user_agent: Option<String>,
    /// What the client speaks.
    pub protocol: Protocol,
    /// How media travels, as far as that was agreed on; see [`SessionInfo::transport`].
    pub(crate) transport: TransportKind,
    /// Whether it is encrypted on its way.
    pub is_secure: bool,
    /// What came before it.
    pub arrival: Arrival,
    /// When it was set up, in nanoseconds of the engine's clock.
    pub started: u64,
    /// Its counters.
    pub counters: SessionCounters,
}

/// Counters of a session.
#[derive(Debug, Default)]
pub struct SessionCounters {
    /// RTP bytes sent, or received of a publisher; of other protocols, bytes of media.
    pub bytes: AtomicU64,
    /// RTP packets sent, or received of a publisher.
    pub packets: AtomicU64,
    /// RTP packets that were skipped because the reader was too slow.
    pub discarded: AtomicU64,
    /// RTP packets lost on the way, as the reader's newest reports say, or as seen here; the sum over the tracks.
    pub lost: AtomicU64,
    /// Interarrival jitter of the newest reports in nanoseconds, the largest of the tracks (RFC 3550 §6.4.1).
    pub jitter_ns: AtomicU64,
    /// Time to the client and back in nanoseconds, by its newest report about a sender report; 0 before
    /// (RFC 3550 §6.4.1).
    pub round_trip_ns: AtomicU64,
    /// Bits a second that the way to the reader carries, as it has estimated last; 0 before.
    pub bandwidth: AtomicU64,
    /// Since when the oldest burst that the reader has not got could have been sent, in nanoseconds of the engine's
    /// clock; 0 when it has all.
    pub behind_since: AtomicU64,
    /// When the first random access point was sent, in nanoseconds of the engine's clock; 0 before.
    pub first_picture: AtomicU64,
    /// When the first RTP packet was sent, in nanoseconds of the engine's clock; 0 before.
    pub first_packet: AtomicU64,
    /// When media was to flow first, in nanoseconds of the engine's clock; 0 before.
    pub playing_since: AtomicU64,
    /// When the connection of a session of datagrams was closed, of whose reader nothing was heard since, in
    /// nanoseconds of the engine's clock; 0 otherwise.
    pub left: AtomicU64,
    /// Until when it was served, once it has ended; see [`crate::journey::Journey::served_until`].
    pub served_until: AtomicU64,
    /// When it ended, in nanoseconds of the engine's clock; 0 before.
    pub ended: AtomicU64,
    /// Status of the newest refusal of its connection that nothing was played after; 0 without.
    pub refused: AtomicU16,
    /// 0 ready, 1 playing or recording.
    pub playing: AtomicU8,
    /// Whether what could go by datagrams goes over TCP.
    pub over_tcp: AtomicBool,
}

impl SessionInfo {
    /// How media travels.
    pub fn transport(&self) -> TransportKind {
        match self.counters.over_tcp.load(Ordering::Relaxed) {
            true => TransportKind::Tcp,
            false => self.transport,
        }
    }
}

impl SessionCounters {
    /// Media is to flow from `now` on.
    pub(crate) fn plays(&self, now: u64) {
        self.playing.store(1, Ordering::Relaxed);
        self.refused.store(0, Ordering::Relaxed);
        if self.playing_since.load(Ordering::Relaxed) == 0 {
            self.playing_since.store(now, Ordering::Relaxed);
        }
    }

    /// Whether media flows.
    pub fn is_playing(&self) -> bool {
        self.playing.load(Ordering::Relaxed) == 1
    }

    /// How far the reader is behind at `now`: how long the oldest burst that it has not got waits, in nanoseconds.
    pub fn lag_ns(&self, now: u64) -> u64 {
        match self.behind_since.load(Ordering::Relaxed) {
            0 => 0,
            since => now.saturating_sub(since),
        }
    }
}
