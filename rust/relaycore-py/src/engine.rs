//! The engine.

use crate::events::{Session, convert};
use crate::media::Track;
use crate::rendition::Rendition;
use crate::streams::{Reader, Stream};
use crate::web_session::{OfferRefused, WebSession};
use pyo3::exceptions::{PyKeyError, PyOSError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use relaycore_engine::decision::{Action, Answer};
use relaycore_engine::paths::{PathAlias, PathNotice, PathOptions};
use relaycore_engine::pull::{PullId, PullOptions, ServerUrl, TransportChoice};
use relaycore_engine::rendition::Framing;
use relaycore_engine::session::Protocol;
use relaycore_engine::stream::JoinPolicy;
use relaycore_engine::tls::Certificate;
use relaycore_engine::{BeginSessionError, HoldGroupError, Multicast, NewSession};
use relaycore_proto::limits::Limits;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::time::Duration;

/// Streams by path and the shards that serve their readers.
#[pyclass(module = "relaycore._relaycore", frozen)]
pub(crate) struct Engine(relaycore_engine::Engine);

#[pymethods]
impl Engine {
    #[new]
    #[pyo3(signature = (*, shards = 0, limits = None, server_name = None))]
    fn new(
        shards: usize,
        limits: Option<BTreeMap<String, u64>>,
        server_name: Option<String>,
    ) -> PyResult<Self> {
        let mut chosen = Limits::default();
        for (name, value) in limits.unwrap_or_default() {
            chosen
                .set(&name, value)
                .map_err(|error| PyValueError::new_err(format!("limit {name}: {error}")))?;
        }
        let server_name = server_name
            .unwrap_or_else(|| concat!("relaycore/", env!("CARGO_PKG_VERSION")).to_owned());
        Ok(Self(relaycore_engine::Engine::new(
            shards,
            chosen,
            server_name,
        )?))
    }

    /// Accepts connections; gives host and port.
    fn listen(&self, py: Python<'_>, host: &str, port: u16) -> PyResult<(String, u16)> {
        let address = py.detach(|| -> std::io::Result<SocketAddr> {
            let address = (host, port).to_socket_addrs()?.next();
            self.0
                .listen(address.ok_or(std::io::ErrorKind::AddrNotAvailable)?)
        });
        let address = address.map_err(|error| match error.raw_os_error() {
            // Python chooses the class (PermissionError and so on) by the number.
            Some(number) => PyOSError::new_err((number, error.to_string())),
            None => PyOSError::new_err(error.to_string()),
        })?;
        Ok((address.ip().to_string(), address.port()))
    }

    fn fileno(&self) -> PyResult<u64> {
        let closed =
            || PyValueError::new_err("the engine is closed, and all it had to say was heard");
        self.0.signal_handle().ok_or_else(closed)
    }

    /// What happened since the last call.
    fn poll(&self, py: Python<'_>) -> PyResult<Vec<Py<PyAny>>> {
        self.0
            .poll()
            .into_iter()
            .map(|event| convert(py, event))
            .collect()
    }

    #[getter]
    fn discarded_events(&self) -> u64 {
        self.0.discarded_events()
    }

    /// Whether connections that speak HTTP are given away.
    fn accept_http(&self, accept: bool) {
        self.0.accept_http(accept);
    }

    /// Whether attempts to read that end without a session are told.
    fn tell_journeys(&self, tell: bool) {
        self.0.tell_journeys(tell);
    }

    #[getter]
    fn discarded_journeys(&self) -> u64 {
        self.0.discarded_journeys()
    }

    fn ask_before_media(&self, ask: bool) {
        self.0.ask_before_media(ask);
    }

    /// What new connections may be encrypted with.
    fn set_certificate(&self, chain: &[u8], key: &[u8]) -> PyResult<()> {
        let certificate = Certificate::from_pem(chain, key)
            .map_err(|error| PyValueError::new_err(error.to_string()))?;
        self.0.set_certificate(Some(certificate));
        Ok(())
    }

    #[pyo3(signature = (request, user = None, ticket = 0))]
    fn allow(&self, request: u64, user: Option<String>, ticket: u64) {
        self.0.answer(request, Answer::Allow { user, ticket });
    }

    fn challenge(&self, request: u64, challenges: Vec<String>) {
        self.0.answer(request, Answer::Challenge(challenges));
    }

    fn refuse(&self, request: u64, status: u16, reason: String) -> PyResult<()> {
        if !(300..600).contains(&status) {
            return Err(PyValueError::new_err(format!(
                "{status} does not refuse anything: take a status from 300 to 599"
            )));
        }
        self.0.answer(request, Answer::Refuse { status, reason });
        Ok(())
    }

    #[pyo3(signature = (path, tracks, *, can_force_key_frames = true, join = "squeeze"))]
    fn add_stream(
        &self,
        path: &str,
        tracks: Vec<Track>,
        can_force_key_frames: bool,
        join: &str,
    ) -> PyResult<Stream> {
        let join = join_policy(join)?;
        let tracks = tracks.into_iter().map(|track| track.0).collect();
        let stream = self.0.add_stream(path, tracks, join, can_force_key_frames);
        stream
            .map(Stream)
            .map_err(|error| PyValueError::new_err(error.to_string()))
    }

    /// A stream that shows what another one shows.
    fn mirror(&self, path: &str, of: &str) -> PyResult<Stream> {
        let stream = self.0.mirror(path, of);
        stream
            .map(Stream)
            .map_err(|error| PyValueError::new_err(error.to_string()))
    }

    /// How a path treats publishers and pulls, and their readers, from now on.
    #[pyo3(signature = (path, *, join = "squeeze", publisher_timeout = 30.0, takeover = false, multicast = None))]
    fn configure_path(
        &self,
        path: &str,
        join: &str,
        publisher_timeout: f64,
        takeover: bool,
        multicast: Option<(IpAddr, u16, u8, Option<String>)>,
    ) -> PyResult<()> {
        let timeout = Duration::try_from_secs_f64(publisher_timeout).map_err(|error| {
            PyValueError::new_err(format!(
                "publisher_timeout is no number of seconds: {error}"
            ))
        })?;
        let multicast = multicast.map(|(group, port, ttl, interface)| {
            Multicast::new(group, port, ttl, interface.as_deref())
                .map_err(|error| PyValueError::new_err(format!("multicast: {error}")))
        });
        let options = PathOptions {
            multicast: multicast.transpose()?,
            join: join_policy(join)?,
            publisher_timeout: u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX),
            takeover,
        };
        self.0.configure_path(path, options);
        Ok(())
    }

    /// The path is as any other again.
    fn forget_path(&self, path: &str) {
        self.0.forget_path(path);
    }

    /// What readers are told of these paths from now on.
    fn set_notices(&self, notices: HashMap<String, (String, bool)>) {
        let notices = notices
            .into_iter()
            .map(|(path, (purpose, has_page))| (path, PathNotice { purpose, has_page }));
        self.0.set_notices(notices.collect());
    }

    /// Other names of paths for readers: each with what the query has to hold, and the path.
    fn set_aliases(&self, aliases: Vec<(String, Vec<String>, String)>) {
        let aliases = aliases
            .into_iter()
            .map(|(name, parameters, path)| PathAlias {
                name,
                parameters,
                path,
            });
        self.0.set_aliases(aliases.collect());
    }

    /// Sends to the group of a stream without a session.
    fn hold_group(&self, py: Python<'_>, path: &str) -> PyResult<()> {
        py.detach(|| self.0.hold_group(path))
            .map_err(|error| match error {
                HoldGroupError::NoStream(_) => PyKeyError::new_err(error.to_string()),
                HoldGroupError::NoGroup(_) => PyValueError::new_err(error.to_string()),
                HoldGroupError::System(error) => PyOSError::new_err(error.to_string()),
            })
    }

    /// Sends to the group of a stream for sessions alone again.
    fn release_group(&self, path: &str) -> bool {
        self.0.release_group(path)
    }

    fn remove_stream(&self, path: &str) {
        self.0.remove_stream(path);
    }

    #[pyo3(signature = (path, *, max_bytes = None))]
    fn open_reader(&self, path: &str, max_bytes: Option<usize>) -> PyResult<Reader> {
        let reader = self.0.open_reader(path, max_bytes);
        reader
            .map(Reader)
            .ok_or_else(|| PyKeyError::new_err(format!("no stream at the path {path}")))
    }

    /// Pulls a stream from another server, again and again; gives the pull's number.
    #[pyo3(signature = (path, url, *, transport = "auto"))]
    fn pull(&self, path: &str, url: &str, transport: &str) -> PyResult<u64> {
        let transport = match transport {
            "auto" => TransportChoice::Auto,
            "tcp" => TransportChoice::Tcp,
            "udp" => TransportChoice::Udp,
            other => {
                return Err(PyValueError::new_err(format!(
                    "{other:?} is no transport: take auto, tcp or udp"
                )));
            }
        };
        let url =
            ServerUrl::parse(url).map_err(|error| PyValueError::new_err(error.to_string()))?;
        let pull = self.0.pull(path, url, PullOptions { transport });
        pull.map(|pull| pull.0)
            .map_err(|error| PyValueError::new_err(error.to_string()))
    }

    fn stop_pull(&self, pull: u64) {
        self.0.stop_pull(PullId(pull));
    }

    /// A rendition that the program makes, without chunks and viewers.
    fn add_rendition(&self, framing: &str) -> PyResult<Rendition> {
        let framing = match framing {
            "websocket" => Framing::WebSocket,
            "plain" => Framing::Plain,
            other => return Err(PyValueError::new_err(format!("{other:?} is no framing"))),
        };
        let rendition = self.0.add_rendition(framing).map_err(PyOSError::new_err)?;
        Ok(Rendition::new(rendition))
    }

    /// Answers the offer of the client of a session that reads or publishes by WebRTC.
    #[pyo3(signature = (session, offer, *, sound = None))]
    fn answer_offer(
        &self,
        py: Python<'_>,
        session: &WebSession,
        offer: &str,
        sound: Option<&str>,
    ) -> PyResult<String> {
        py.detach(|| self.0.answer_offer(session.get(), offer, sound))
            .map_err(|error| OfferRefused::new_err((error.status(), error.to_string())))
    }

    /// Lets the client of a session connect anew.
    fn restart_ice(
        &self,
        py: Python<'_>,
        session: &WebSession,
        fragment: &str,
    ) -> PyResult<String> {
        py.detach(|| self.0.restart_ice(session.get(), fragment))
            .map_err(|error| OfferRefused::new_err((error.status(), error.to_string())))
    }

    /// Takes candidates of the client of a session.
    fn add_candidates(&self, session: &WebSession, fragment: &str) {
        self.0.add_candidates(session.get(), fragment);
    }

    /// Begins a session of a browser whose media the program carries.
    #[pyo3(signature = (path, protocol, *, peer, action = "read", user = None, ticket = 0, user_agent = None,
                        secure = false))]
    #[allow(clippy::too_many_arguments, reason = "the signature is Python's")]
    fn begin_session(
        &self,
        path: &str,
        protocol: &str,
        peer: &str,
        action: &str,
        user: Option<String>,
        ticket: u64,
        user_agent: Option<String>,
        secure: bool,
    ) -> PyResult<WebSession> {
        let unknown =
            |what: &str, name: &str| PyValueError::new_err(format!("{name:?} is no {what}"));
        let new = NewSession {
            protocol: Protocol::from_name(protocol).ok_or_else(|| unknown("protocol", protocol))?,
            action: match action {
                "read" => Action::Read,
                "publish" => Action::Publish,
                other => return Err(unknown("action", other)),
            },
            path: path.to_owned(),
            user,
            ticket,
            peer: peer
                .parse()
                .map_err(|_| unknown("address with its port", peer))?,
            user_agent,
            is_secure: secure,
        };
        let session = self.0.begin_session(new);
        session.map(WebSession::new).map_err(|error| match error {
            BeginSessionError::NoStream(_) => PyKeyError::new_err(error.to_string()),
            BeginSessionError::Overloaded => PyRuntimeError::new_err(error.to_string()),
        })
    }

    fn sessions(&self) -> Vec<Session> {
        self.0.sessions().into_iter().map(Session).collect()
    }

    fn kick(&self, session: &str) -> bool {
        self.0.kick(session)
    }

    fn revoke_decisions(&self) {
        self.0.revoke_decisions();
    }

    fn disconnect(&self, users: HashSet<String>) {
        self.0.disconnect(users);
    }

    #[getter]
    fn connections(&self) -> usize {
        self.0.connections()
    }

    /// Unix time in nanoseconds of a moment of the engine's clock.
    fn unix_ns(&self, at: u64) -> u64 {
        self.0.unix_ns(at)
    }

    /// Says goodbye to everybody and ends the threads.
    #[pyo3(signature = (timeout = 5.0))]
    fn close(&self, py: Python<'_>, timeout: f64) -> PyResult<()> {
        let patience = Duration::try_from_secs_f64(timeout).map_err(|error| {
            PyValueError::new_err(format!("the timeout is no number of seconds: {error}"))
        })?;
        py.detach(|| self.0.close(patience));
        Ok(())
    }
}

fn join_policy(name: &str) -> PyResult<JoinPolicy> {
    match name {
        "squeeze" => Ok(JoinPolicy::Squeeze),
        "wait" => Ok(JoinPolicy::Wait),
        "raw" => Ok(JoinPolicy::Raw),
        other => Err(PyValueError::new_err(format!(
            "{other:?} is no join policy: take squeeze, wait or raw"
        ))),
    }
}
