//! The engine: streams by path, shards, and the questions it asks.

use crate::clock::{MILLISECOND, WallClock, now_ns};
use crate::decision::Answer;
use crate::events::{Event, EventQueue};
use crate::paths::{PathAlias, PathNotice, PathOptions, is_path};
use crate::platform;
use crate::pull::{PullCommand, PullId, PullOptions, ServerUrl};
use crate::random::random_u32;
use crate::reader::Reader;
use crate::rendition::Workers;
use crate::ring::RingLimits;
use crate::session::SessionInfo;
use crate::shard::{Command, Groups, HoldGroupError, KICKED, Shard, ShardHandle, Tunnels};
use crate::stream::{Delays, JoinPolicy, Stream, StreamId, StreamOptions};
use crate::tls::Certificate;
use crate::web_session::Visits;
use crate::webrtc::Gateways;
use relaycore_proto::limits::Limits;
use relaycore_proto::rtsp::url::Url;
use relaycore_proto::track::Track;
use rustls::ServerConfig;
use socket2::{Domain, Protocol, Socket, Type};
use std::collections::{HashMap, HashSet, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use std::{fmt, io};

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 1024;

/// Most shards: the number must fit beside the question in an id.
const SHARDS_MAX: usize = 64;

/// Why what is open ends with the engine.
const STOPPED: &str = "the server was stopped";

/// A relay without policy: see the crate's documentation.
///
/// [`Engine::listen`] and [`Engine::add_stream`] in any order; [`Engine::poll`] whenever the socket
/// [`Engine::signal_handle`] is readable, and an [`Engine::answer`] for each request found there.
pub struct Engine {
    pub(crate) shared: Arc<Shared>,
    shards: Vec<ShardHandle>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    next_reader: AtomicU64,
    closed: AtomicBool,
}

/// What shards and engine share.
pub(crate) struct Shared {
    /// Limits of this engine.
    pub(crate) limits: Limits,
    /// Events for whoever decides.
    pub(crate) events: Arc<EventQueue>,
    /// Value of the `Server` header.
    pub(crate) server_name: String,
    /// Tells SDP sessions of this run from those of an earlier one (RFC 8866 §5.2).
    pub(crate) origin: u64,
    streams: Mutex<HashMap<String, Arc<Stream>>>,
    path_options: Mutex<HashMap<String, PathOptions>>,
    path_notices: Mutex<HashMap<String, PathNotice>>,
    /// Other names of paths.
    aliases: Mutex<Vec<PathAlias>>,
    /// Held while a source comes or a stream is given up.
    opening: Mutex<()>,
    /// The shard that keeps the deadlines of vacant streams.
    keeper: OnceLock<ShardHandle>,
    /// The next number of a stream or source.
    next_number: AtomicU64,
    sessions: Mutex<HashMap<String, Arc<SessionInfo>>>,
    /// Those among the sessions that no shard serves.
    pub(crate) visits: Visits,
    /// What writes renditions to viewers.
    pub(crate) renditions: Workers,
    /// What serves WebRTC.
    pub(crate) gateways: Gateways,
    /// How often the decisions of before were revoked.
    decision_era: AtomicU64,
    /// Whether somebody takes connections that speak HTTP.
    pub(crate) accepts_http: AtomicBool,
    /// Whether it is asked before the media of a session flows.
    pub(crate) asks_before_media: AtomicBool,
    /// Whether attempts without a session are told.
    pub(crate) tells_journeys: AtomicBool,
    /// The certificate of new connections.
    tls: Mutex<Option<Certificate>>,
    /// Tunnels over HTTP, in all shards.
    pub(crate) tunnels: Tunnels,
    /// Groups that are sent to, in all shards.
    pub(crate) groups: Groups,
    wallclock: Arc<WallClock>,
    /// Bursts that come late on purpose.
    delays: Arc<Delays>,
}

/// Why a stream was not added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AddStreamError {
    /// A stream is there already.
    PathTaken(String),
    /// The path could not be part of a URL.
    BadPath(String),
    /// A stream has at least one track and at most the limit `tracks`.
    TrackCount(usize),
    /// There are as many streams as the limit `streams` allows.
    TooMany(usize),
    /// There is no stream at the path that is to be shown.
    NothingToShow(String),
}

impl fmt::Display for AddStreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PathTaken(path) => write!(
                f,
                "the path {path:?} has a stream already; remove that or take another path"
            ),
            Self::BadPath(path) => write!(
                f,
                "{path:?} cannot be a path: use letters, digits, '-', '_', '.' and single slashes between parts"
            ),
            Self::TrackCount(count) => write!(
                f,
                "a stream has at least one track and not more than the limit, not {count}"
            ),
            Self::NothingToShow(path) => write!(f, "there is no stream at {path:?} to show"),
            Self::TooMany(limit) => write!(
                f,
                "there are {limit} streams already; remove one, or raise the limit `streams`"
            ),
        }
    }
}

impl std::error::Error for AddStreamError {}

impl Engine {
    /// An engine with `shards` threads; 0 means one a core.
    ///
    /// # Errors
    /// When the operating system gives no threads or sockets.
    pub fn new(shards: usize, limits: Limits, server_name: String) -> io::Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let count = if shards == 0 { cores } else { shards }.min(SHARDS_MAX);
        let shared = Arc::new(Shared {
            limits,
            events: Arc::new(EventQueue::new(limits.event_queue)?),
            server_name,
            origin: u64::from(random_u32()) << 16,
            streams: Mutex::default(),
            path_options: Mutex::default(),
            path_notices: Mutex::default(),
            aliases: Mutex::default(),
            opening: Mutex::default(),
            keeper: OnceLock::new(),
            next_number: AtomicU64::new(1),
            sessions: Mutex::default(),
            visits: Visits::default(),
            renditions: Workers::default(),
            gateways: Gateways::default(),
            decision_era: AtomicU64::new(0),
            accepts_http: AtomicBool::new(false),
            asks_before_media: AtomicBool::new(false),
            tells_journeys: AtomicBool::new(false),
            tls: Mutex::default(),
            tunnels: Tunnels::default(),
            groups: Groups::default(),
            wallclock: Arc::default(),
            delays: Arc::default(),
        });
        let mut parts = Vec::new();
        for _ in 0..count {
            parts.push(Shard::prepare()?);
        }
        let shards: Vec<_> = parts.iter().map(|(_, handle, _)| handle.clone()).collect();
        if let Some(keeper) = shards.first() {
            let _ = shared.keeper.set(keeper.clone());
        }
        let mut threads = Vec::new();
        for (number, (poll, _, commands)) in parts.into_iter().enumerate() {
            let shard = Shard::new(number, Arc::clone(&shared), poll, commands, shards.clone());
            let thread = std::thread::Builder::new().name(format!("relaycore-shard-{number}"));
            threads.push(thread.spawn(move || shard.run())?);
        }
        Ok(Self {
            shared,
            shards,
            threads: Mutex::new(threads),
            next_reader: AtomicU64::new(1),
            closed: AtomicBool::new(false),
        })
    }

    /// Accepts connections at `address`; gives the address with its real port.
    ///
    /// # Errors
    /// When the address cannot be bound: in use, not of this machine, or not permitted.
    pub fn listen(&self, address: SocketAddr) -> io::Result<SocketAddr> {
        let socket = Socket::new(
            Domain::for_address(address),
            Type::STREAM,
            Some(Protocol::TCP),
        )?;
        platform::reuse_address(&socket)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        let listener = std::net::TcpListener::from(socket);
        let address = listener.local_addr()?;
        self.shared.gateways.listens(address);
        if let Some(shard) = self.shards.first() {
            shard.send(Command::Listen(listener));
        }
        Ok(address)
    }

    /// The socket that is readable while [`Engine::poll`] has something. `None` once that was called behind
    /// [`Engine::close`].
    pub fn signal_handle(&self) -> Option<u64> {
        self.shared.events.handle()
    }

    /// What happened since the last call; never waits.
    pub fn poll(&self) -> VecDeque<Event> {
        self.shared.events.take()
    }

    /// Connections that are open now.
    pub fn connections(&self) -> usize {
        self.shards.iter().map(ShardHandle::served).sum()
    }

    /// How many events were lost because nobody polled.
    pub fn discarded_events(&self) -> u64 {
        self.shared.events.discarded()
    }

    /// Whether connections that speak HTTP are given away as [`Event::Http`]; at first they are told that this port
    /// speaks RTSP. Tunnels of RTSP over HTTP stay here either way.
    pub fn accept_http(&self, accept: bool) {
        self.shared.accepts_http.store(accept, Ordering::Relaxed);
    }

    /// Whether it is asked once more, after [`Event::SessionStarted`] and before the first media of a session flows: the
    /// request then names the session. Not asked at first.
    pub fn ask_before_media(&self, ask: bool) {
        self.shared.asks_before_media.store(ask, Ordering::Relaxed);
    }

    /// Whether attempts to read that end without a session are told as [`Event::Journey`]. Not told at first. Where more
    /// of them wait than there is room for, the others are counted.
    pub fn tell_journeys(&self, tell: bool) {
        self.shared.tells_journeys.store(tell, Ordering::Relaxed);
    }

    /// How many attempts were not told because nobody polled.
    pub fn discarded_journeys(&self) -> u64 {
        self.shared.events.discarded_journeys()
    }

    /// From now on new connections may be encrypted with this certificate, on the same port as others; with `None` none
    /// may. Those that are there keep theirs.
    pub fn set_certificate(&self, certificate: Option<Certificate>) {
        *lock(&self.shared.tls) = certificate;
    }

    /// Answers a request. An answer to an unknown or old one is ignored.
    pub fn answer(&self, request: u64, answer: Answer) {
        if let Some(shard) = self.shards.get((request & 0xff) as usize) {
            shard.send(Command::Answer(request, answer));
        }
    }

    /// Adds a stream at `path`.
    ///
    /// # Errors
    /// When the path is taken or cannot be one, or the number of tracks is not right.
    pub fn add_stream(
        &self,
        path: &str,
        tracks: Vec<Track>,
        join: JoinPolicy,
        can_force_key_frames: bool,
    ) -> Result<Arc<Stream>, AddStreamError> {
        let options = stream_options(&self.shared.limits, join, can_force_key_frames, false);
        self.shared.add(path, tracks, options)
    }

    /// A stream at `path` that shows what the one at `of` shows, under SSRCs, sequence numbers and timestamps of its
    /// own; `can_force_key_frames` and the join policy are those of `of`. It costs something only while somebody reads
    /// it, and ends with `of` at the latest.
    ///
    /// # Errors
    /// When there is no stream at `of`, or as with [`Engine::add_stream`].
    pub fn mirror(&self, path: &str, of: &str) -> Result<Arc<Stream>, AddStreamError> {
        let nothing = || AddStreamError::NothingToShow(of.to_owned());
        let found = self.shared.stream(of).ok_or_else(nothing)?;
        // One that shows another stands for that.
        let source = found.shown().unwrap_or(found);
        let options = StreamOptions {
            is_relayed: false,
            ..*source.options()
        };
        let tracks = source.tracks().to_vec();
        let stream = self.shared.add(path, tracks, options)?;
        let number = self.shared.next_number();
        if stream.show(number, source, Arc::clone(&self.shared.delays)) {
            Ok(stream)
        } else {
            self.shared.take_off(&stream);
            Err(nothing())
        }
    }

    /// How `path` treats sources and readers from now on; streams that are there keep how they treat readers.
    pub fn configure_path(&self, path: &str, options: PathOptions) {
        lock(&self.shared.path_options).insert(path.to_owned(), options);
    }

    /// `path` is as any other again.
    pub fn forget_path(&self, path: &str) {
        lock(&self.shared.path_options).remove(path);
    }

    /// What readers are told of these paths from now on; nothing of all others.
    pub fn set_notices(&self, notices: HashMap<String, PathNotice>) {
        *lock(&self.shared.path_notices) = notices;
    }

    /// Other names under which readers find paths from now on; the first that fits counts.
    pub fn set_aliases(&self, aliases: Vec<PathAlias>) {
        *lock(&self.shared.aliases) = aliases;
    }

    /// Sends to the group of the stream at `path` without a session, until [`Engine::release_group`] or the end of the
    /// stream. All who listen count as one reader. Does nothing where it is held already.
    ///
    /// # Errors
    /// When there is no stream, its path has no group, or the operating system does not send there.
    pub fn hold_group(&self, path: &str) -> Result<(), HoldGroupError> {
        self.shared.hold_group(path, &self.shards)
    }

    /// Sends to the group of a stream for sessions alone again; `false` when it was not held.
    pub fn release_group(&self, path: &str) -> bool {
        self.shared.release_group(path, &self.shards)
    }

    /// Removes the stream at `path`; its readers get a goodbye. `false` when there is none.
    pub fn remove_stream(&self, path: &str) -> bool {
        let removed = lock(&self.shared.streams).remove(path);
        removed
            .as_ref()
            .inspect(|stream| stream.end("the stream was removed"))
            .is_some()
    }

    /// The stream at `path`.
    pub fn stream(&self, path: &str) -> Option<Arc<Stream>> {
        self.shared.stream(path)
    }

    /// A reader in this process that holds at most `most_bytes` of bursts, or the limit `python_reader_bytes`; `None`
    /// when there is no stream at `path`.
    pub fn open_reader(&self, path: &str, most_bytes: Option<usize>) -> Option<Reader> {
        let most_bytes = most_bytes.unwrap_or(self.shared.limits.python_reader_bytes);
        let stream = self.stream(path)?;
        let id = self.next_reader.fetch_add(1, Ordering::Relaxed);
        Reader::open(id, stream, most_bytes, Arc::clone(&self.shared.events))
    }

    /// All sessions.
    pub fn sessions(&self) -> Vec<Arc<SessionInfo>> {
        lock(&self.shared.sessions).values().cloned().collect()
    }

    /// Ends a session; `false` when there is none of this id.
    pub fn kick(&self, session: &str) -> bool {
        if self.shared.visits.end(session, KICKED) {
            return true;
        }
        let found = self.shared.session(session);
        let shard = found.and_then(|session| self.shards.get(session.server.number()?));
        if let Some(shard) = shard {
            shard.send(Command::Kick(session.to_owned()));
        }
        shard.is_some()
    }

    /// Pulls the stream at `url` from its server and feeds `path` with it, again and again until
    /// [`Engine::stop_pull`]. [`Event::Pull`] tells how it goes.
    ///
    /// # Errors
    /// When the path cannot be one.
    pub fn pull(
        &self,
        path: &str,
        url: ServerUrl,
        options: PullOptions,
    ) -> Result<PullId, AddStreamError> {
        if !is_path(path) {
            return Err(AddStreamError::BadPath(path.to_owned()));
        }
        let pull = PullId(self.shared.next_number());
        let start = PullCommand::Start {
            pull,
            path: path.to_owned(),
            url: Box::new(url),
            options,
        };
        self.command_pull(pull, start);
        Ok(pull)
    }

    /// Takes a pull back: its server gets a goodbye, and its stream waits for another source. One that is not known is
    /// ignored.
    pub fn stop_pull(&self, pull: PullId) {
        self.command_pull(pull, PullCommand::Stop(pull));
    }

    fn command_pull(&self, pull: PullId, command: PullCommand) {
        let shards = self.shards.len().max(1) as u64;
        if let Some(shard) = self.shards.get((pull.0 % shards) as usize) {
            shard.send(Command::Pull(command));
        }
    }

    /// Asks anew about everything that was allowed before, when it is wanted the next time. Sessions go on, and what
    /// their own connections ask of them: who may not have one any more is kicked.
    pub fn revoke_decisions(&self) {
        self.shared.decision_era.fetch_add(1, Ordering::AcqRel);
    }

    /// Ends the sessions of these users, closes the connections on which one of them was let in, and asks anew about
    /// everything that was allowed before.
    pub fn disconnect(&self, users: HashSet<String>) {
        // A session that begins meanwhile is either refused because of this, or there when the shard is told.
        self.revoke_decisions();
        self.shared.visits.end_of(&users, KICKED);
        let users = Arc::new(users);
        for shard in &self.shards {
            shard.send(Command::Disconnect(Arc::clone(&users)));
        }
    }

    /// Unix time in nanoseconds of a moment of the engine's clock.
    pub fn unix_ns(&self, at: u64) -> u64 {
        self.shared.wallclock.unix_ns(at)
    }

    /// Says goodbye to everybody and waits for the threads, which give the goodbyes at most `patience` to be read.
    /// Calls after the first do nothing. The next [`Engine::poll`] gives what happened last, and with that up all that the
    /// system keeps for the engine.
    pub fn close(&self, patience: Duration) {
        if self.closed.swap(true, Ordering::AcqRel) {
            return;
        }
        for shard in &self.shards {
            shard.send(Command::Close(patience));
        }
        for thread in std::mem::take(&mut *lock(&self.threads)) {
            // A shard that panicked has said so on standard error; the others still end.
            let _ = thread.join();
        }
        self.shared.renditions.close();
        self.shared.gateways.close();
        let streams: Vec<_> = lock(&self.shared.streams).drain().collect();
        for (_, stream) in streams {
            stream.end(STOPPED);
        }
        self.shared.visits.end_all(STOPPED);
        self.shared.events.end();
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.close(Duration::ZERO);
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("shards", &self.shards.len())
            .field("now", &now_ns())
            .finish_non_exhaustive()
    }
}

impl Shared {
    /// What new connections are encrypted with, if they may be.
    pub(crate) fn tls_config(&self) -> Option<Arc<ServerConfig>> {
        lock(&self.tls).as_ref().map(Certificate::config)
    }

    /// The stream at a path.
    pub(crate) fn stream(&self, path: &str) -> Option<Arc<Stream>> {
        lock(&self.streams).get(path).cloned()
    }

    /// The session of an id, whichever shard has it.
    pub(crate) fn session(&self, id: &str) -> Option<Arc<SessionInfo>> {
        lock(&self.sessions).get(id).cloned()
    }

    fn add(
        &self,
        path: &str,
        tracks: Vec<Track>,
        options: StreamOptions,
    ) -> Result<Arc<Stream>, AddStreamError> {
        if !is_path(path) {
            return Err(AddStreamError::BadPath(path.to_owned()));
        }
        if tracks.is_empty() || tracks.len() > self.limits.tracks {
            return Err(AddStreamError::TrackCount(tracks.len()));
        }
        let mut streams = lock(&self.streams);
        if streams.contains_key(path) {
            return Err(AddStreamError::PathTaken(path.to_owned()));
        }
        if streams.len() >= self.limits.streams {
            return Err(AddStreamError::TooMany(self.limits.streams));
        }
        let id = StreamId(self.next_number());
        let wallclock = Arc::clone(&self.wallclock);
        let stream = Arc::new(Stream::new(id, path.to_owned(), tracks, options, wallclock));
        streams.insert(path.to_owned(), Arc::clone(&stream));
        Ok(stream)
    }

    /// What decisions of now belong to: those of another era do not hold any more.
    pub(crate) fn decision_era(&self) -> u64 {
        self.decision_era.load(Ordering::Acquire)
    }

    /// Adds a stream that sources feed.
    pub(crate) fn add_relayed(
        &self,
        path: &str,
        tracks: Vec<Track>,
    ) -> Result<Arc<Stream>, AddStreamError> {
        let join = self.path_options(path).join;
        self.add(
            path,
            tracks,
            stream_options(&self.limits, join, false, true),
        )
    }

    /// Takes a stream off its path; `false` when it is not there.
    pub(crate) fn take_off(&self, stream: &Arc<Stream>) -> bool {
        let mut streams = lock(&self.streams);
        let is_there = streams
            .get(stream.path())
            .is_some_and(|known| Arc::ptr_eq(known, stream));
        is_there && streams.remove(stream.path()).is_some()
    }

    /// What a reader asks for by another name of a path; `url` itself where it is none, or has a stream of its own.
    pub(crate) fn without_alias(&self, url: Url) -> Url {
        if self.stream(&url.path).is_some() {
            return url;
        }
        let path = lock(&self.aliases)
            .iter()
            .find(|alias| alias.fits(&url))
            .map(|alias| alias.path.clone());
        match path {
            Some(path) => Url { path, ..url },
            None => url,
        }
    }

    /// What readers of a path are told of it.
    pub(crate) fn path_notice(&self, path: &str) -> PathNotice {
        lock(&self.path_notices)
            .get(path)
            .cloned()
            .unwrap_or_default()
    }

    /// How a path treats sources and readers.
    pub(crate) fn path_options(&self, path: &str) -> PathOptions {
        lock(&self.path_options)
            .get(path)
            .copied()
            .unwrap_or_default()
    }

    /// Held while a source comes or a stream is given up.
    pub(crate) fn opening(&self) -> MutexGuard<'_, ()> {
        lock(&self.opening)
    }

    /// A number that no stream and no source had before.
    pub(crate) fn next_number(&self) -> u64 {
        self.next_number.fetch_add(1, Ordering::Relaxed)
    }

    /// Gives a command to the shard that keeps the deadlines of vacant streams.
    pub(crate) fn keep(&self, command: Command) {
        if let Some(keeper) = self.keeper.get() {
            keeper.send(command);
        }
    }

    /// Lists a session.
    pub(crate) fn remember(&self, session: &Arc<SessionInfo>) {
        lock(&self.sessions).insert(session.id.clone(), Arc::clone(session));
    }

    /// Takes a session off the list; `false` when it was not there.
    pub(crate) fn forget(&self, session: &SessionInfo) -> bool {
        lock(&self.sessions).remove(&session.id).is_some()
    }
}

/// How a stream treats its readers within these limits.
fn stream_options(
    limits: &Limits,
    join: JoinPolicy,
    can_force_key_frames: bool,
    is_relayed: bool,
) -> StreamOptions {
    StreamOptions {
        join,
        can_force_key_frames,
        ring: RingLimits {
            bytes: limits.ring_bytes,
            age_ns: limits.ring_age_ms * MILLISECOND,
        },
        rtp_payload: limits.rtp_payload,
        access_unit_bytes: limits.access_unit_bytes,
        is_relayed,
    }
}

/// Locks; a thread that panicked while it held the lock left each value whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
