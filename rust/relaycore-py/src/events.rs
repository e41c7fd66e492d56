//! What the engine tells: requests, sessions, readers with something to take, connections that speak HTTP.

use crate::platform;
use crate::streams::Stream;
use pyo3::prelude::*;
use relaycore_engine::clock::now_ns;
use relaycore_engine::decision::Action;
use relaycore_engine::journey;
use relaycore_engine::paths::StreamChange;
use relaycore_engine::pull::{PullChange, PullId};
use relaycore_engine::session::{SessionInfo, TransportKind};
use relaycore_engine::{Event, decision, stream};
use std::borrow::Cow;
use std::net::TcpStream;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

/// A question: may this client do this?
#[pyclass(module = "relaycore._relaycore", frozen)]
pub(crate) struct Request(decision::Request);

#[pymethods]
impl Request {
    #[getter]
    fn id(&self) -> u64 {
        self.0.id
    }

    #[getter]
    fn action(&self) -> &'static str {
        self.0.action.name()
    }

    #[getter]
    fn method(&self) -> &str {
        &self.0.method
    }

    #[getter]
    fn path(&self) -> &str {
        &self.0.path
    }

    #[getter]
    fn uri(&self) -> &str {
        &self.0.uri
    }

    #[getter]
    fn query(&self) -> Option<&str> {
        self.0.query.as_deref()
    }

    #[getter]
    fn authorization(&self) -> Option<&str> {
        self.0.authorization.as_deref()
    }

    #[getter]
    fn user_agent(&self) -> Option<&str> {
        self.0.user_agent.as_deref()
    }

    #[getter]
    fn peer(&self) -> String {
        self.0.peer.to_string()
    }

    #[getter]
    fn session(&self) -> Option<Session> {
        self.0.session.clone().map(Session)
    }

    #[getter]
    fn secure(&self) -> bool {
        self.0.is_secure
    }

    #[getter]
    fn handshake(&self) -> Option<Handshake> {
        self.0.handshake.clone().map(Handshake)
    }
}

/// What the request that opened a WebSocket says of where it comes from.
#[pyclass(module = "relaycore._relaycore", frozen)]
pub(crate) struct Handshake(decision::Handshake);

#[pymethods]
impl Handshake {
    #[getter]
    fn host(&self) -> &str {
        &self.0.host
    }

    #[getter]
    fn origin(&self) -> Option<&str> {
        self.0.origin.as_deref()
    }

    #[getter]
    fn fetch_site(&self) -> Option<&str> {
        self.0.fetch_site.as_deref()
    }

    #[getter]
    fn forwarded(&self) -> bool {
        self.0.is_forwarded
    }
}

/// A session; its counters are those of the moment they are read.
#[pyclass(module = "relaycore._relaycore", frozen)]
pub(crate) struct Session(pub(crate) Arc<SessionInfo>);

#[pymethods]
impl Session {
    #[getter]
    fn id(&self) -> &str {
        &self.0.id
    }

    #[getter]
    fn action(&self) -> &'static str {
        self.0.action.name()
    }

    #[getter]
    fn path(&self) -> &str {
        &self.0.path
    }

    #[getter]
    fn user(&self) -> Option<&str> {
        self.0.user.as_deref()
    }

    #[getter]
    fn ticket(&self) -> u64 {
        self.0.ticket
    }

    #[getter]
    fn peer(&self) -> String {
        self.0.peer.to_string()
    }

    #[getter]
    fn user_agent(&self) -> Option<&str> {
        self.0.user_agent.as_deref()
    }

    #[getter]
    fn protocol(&self) -> &'static str {
        self.0.protocol.name()
    }

    #[getter]
    fn transport(&self) -> &'static str {
        self.0.transport().name()
    }

    #[getter]
    fn state(&self) -> &'static str {
        match (self.0.counters.is_playing(), self.0.action) {
            (false, _) => "ready",
            (true, Action::Read) => "playing",
            (true, Action::Publish) => "recording",
        }
    }

    #[getter]
    fn started_ns(&self) -> u64 {
        self.0.started
    }

    #[getter]
    fn bytes(&self) -> u64 {
        self.0.counters.bytes.load(Ordering::Relaxed)
    }

    #[getter]
    fn packets(&self) -> u64 {
        self.0.counters.packets.load(Ordering::Relaxed)
    }

    #[getter]
    fn discarded(&self) -> u64 {
        self.0.counters.discarded.load(Ordering::Relaxed)
    }

    #[getter]
    fn lost(&self) -> u64 {
        self.0.counters.lost.load(Ordering::Relaxed)
    }

    #[getter]
    fn jitter_ns(&self) -> u64 {
        self.0.counters.jitter_ns.load(Ordering::Relaxed)
    }

    #[getter]
    fn round_trip_ns(&self) -> Option<u64> {
        Some(self.0.counters.round_trip_ns.load(Ordering::Relaxed)).filter(|time| *time > 0)
    }

    #[getter]
    fn bandwidth(&self) -> Option<u64> {
        Some(self.0.counters.bandwidth.load(Ordering::Relaxed)).filter(|rate| *rate > 0)
    }

    #[getter]
    fn lag_ns(&self) -> u64 {
        self.0.counters.lag_ns(now_ns())
    }

    #[getter]
    fn secure(&self) -> bool {
        self.0.is_secure
    }

    #[getter]
    fn first_picture_ns(&self) -> Option<u64> {
        Some(self.0.counters.first_picture.load(Ordering::Relaxed)).filter(|at| *at > 0)
    }

    /// How far it came until now.
    fn journey(&self) -> Journey {
        self.0.journey().into()
    }
}

/// How far a client came on its way to a picture.
#[pyclass(module = "relaycore._relaycore", frozen, get_all)]
pub(crate) struct Journey {
    path: Option<String>,
    user_agent: Option<String>,
    protocol: &'static str,
    transport: Option<&'static str>,
    secure: bool,
    connected_ns: u64,
    secured_ns: Option<u64>,
    authorised_ns: Option<u64>,
    described_ns: Option<u64>,
    set_up_ns: Option<u64>,
    playing_ns: Option<u64>,
    first_packet_ns: Option<u64>,
    first_picture_ns: Option<u64>,
    served_until_ns: u64,
    ended_ns: Option<u64>,
    reason: Option<&'static str>,
    status: Option<u16>,
    credentials: bool,
}

impl From<journey::Journey> for Journey {
    fn from(journey: journey::Journey) -> Self {
        let passed = |time: u64| Some(time).filter(|time| *time > 0);
        Self {
            path: journey.path,
            user_agent: journey.user_agent,
            protocol: journey.protocol.name(),
            transport: journey.transport.map(TransportKind::name),
            secure: journey.is_secure,
            connected_ns: journey.arrival.connected,
            secured_ns: passed(journey.arrival.secured),
            authorised_ns: passed(journey.arrival.authorised),
            described_ns: passed(journey.arrival.described),
            set_up_ns: passed(journey.set_up),
            playing_ns: passed(journey.playing),
            first_packet_ns: passed(journey.first_packet),
            first_picture_ns: passed(journey.first_picture),
            served_until_ns: journey.served_until,
            ended_ns: passed(journey.ended),
            reason: journey.reason,
            status: Some(journey.status).filter(|status| *status > 0),
            credentials: journey.has_credentials,
        }
    }
}

/// A session was set up or ended.
#[pyclass(module = "relaycore._relaycore", frozen)]
pub(crate) struct SessionEvent {
    kind: &'static str,
    session: Arc<SessionInfo>,
    reason: Option<Cow<'static, str>>,
}

#[pymethods]
impl SessionEvent {
    #[getter]
    fn kind(&self) -> &'static str {
        self.kind
    }

    #[getter]
    fn session(&self) -> Session {
        Session(Arc::clone(&self.session))
    }

    #[getter]
    fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }
}

/// Something became of a stream that publishers or pulls feed.
#[pyclass(module = "relaycore._relaycore", frozen)]
pub(crate) struct StreamEvent {
    change: StreamChange,
    stream: Arc<stream::Stream>,
}

#[pymethods]
impl StreamEvent {
    #[getter]
    fn kind(&self) -> &'static str {
        match self.change {
            StreamChange::Added => "added",
            StreamChange::Vacant => "vacant",
            StreamChange::Resumed => "resumed",
            StreamChange::Removed(_) => "removed",
        }
    }

    #[getter]
    fn path(&self) -> &str {
        self.stream.path()
    }

    #[getter]
    fn stream(&self) -> Stream {
        Stream(Arc::clone(&self.stream))
    }

    #[getter]
    fn reason(&self) -> Option<&'static str> {
        match self.change {
            StreamChange::Removed(reason) => Some(reason),
            _ => None,
        }
    }
}

/// Something became of a pull.
#[pyclass(module = "relaycore._relaycore", frozen)]
pub(crate) struct PullEvent {
    pull: PullId,
    path: String,
    change: PullChange,
}

#[pymethods]
impl PullEvent {
    #[getter]
    fn pull(&self) -> u64 {
        self.pull.0
    }

    #[getter]
    fn kind(&self) -> &'static str {
        match self.change {
            PullChange::Connected => "connected",
            PullChange::Failed(_) => "failed",
            PullChange::Ended => "ended",
        }
    }

    #[getter]
    fn path(&self) -> &str {
        &self.path
    }

    #[getter]
    fn reason(&self) -> Option<&str> {
        match &self.change {
            PullChange::Failed(reason) => Some(reason),
            _ => None,
        }
    }
}

/// A reader of this process has something to take.
#[pyclass(module = "relaycore._relaycore", frozen, get_all)]
pub(crate) struct ReaderReady {
    reader: u64,
}

/// A connection that speaks HTTP. Its descriptor is closed with it until it was asked for.
#[pyclass(module = "relaycore._relaycore", frozen)]
pub(crate) struct HttpConnection {
    socket: Mutex<Descriptor>,
    data: Vec<u8>,
    peer: String,
    local: String,
    secure: bool,
}

enum Descriptor {
    Here(TcpStream),
    Given(u64),
}

#[pymethods]
impl HttpConnection {
    #[getter]
    fn handle(&self) -> u64 {
        let mut socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        let given = match std::mem::replace(&mut *socket, Descriptor::Given(0)) {
            Descriptor::Here(socket) => platform::into_handle(socket),
            Descriptor::Given(handle) => handle,
        };
        *socket = Descriptor::Given(given);
        given
    }

    #[getter]
    fn data(&self) -> &[u8] {
        &self.data
    }

    #[getter]
    fn peer(&self) -> &str {
        &self.peer
    }

    #[getter]
    fn local(&self) -> &str {
        &self.local
    }

    #[getter]
    fn secure(&self) -> bool {
        self.secure
    }
}

/// The event as a Python object.
pub(crate) fn convert(py: Python<'_>, event: Event) -> PyResult<Py<PyAny>> {
    Ok(match event {
        Event::Request(request) => Py::new(py, Request(request))?.into_any(),
        Event::SessionStarted(session) => Py::new(
            py,
            SessionEvent {
                kind: "started",
                session,
                reason: None,
            },
        )?
        .into_any(),
        Event::SessionEnded(session, reason) => Py::new(
            py,
            SessionEvent {
                kind: "ended",
                session,
                reason: Some(reason),
            },
        )?
        .into_any(),
        Event::Stream(stream, change) => Py::new(py, StreamEvent { change, stream })?.into_any(),
        Event::Pull { pull, path, change } => {
            Py::new(py, PullEvent { pull, path, change })?.into_any()
        }
        Event::Journey(journey) => Py::new(py, Journey::from(*journey))?.into_any(),
        Event::ReaderReady(reader) => Py::new(py, ReaderReady { reader })?.into_any(),
        Event::Http(connection) => Py::new(
            py,
            HttpConnection {
                socket: Mutex::new(Descriptor::Here(connection.socket)),
                data: connection.data,
                peer: connection.peer.to_string(),
                local: connection.local.to_string(),
                secure: connection.is_secure,
            },
        )?
        .into_any(),
    })
}
