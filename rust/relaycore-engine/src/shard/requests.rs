//! What is answered to each request (RFC 2326 §10), but for SETUP and PLAY, which have files of their own.

use super::Shard;
use super::connection::{Grant, Pending};
use super::handover::Errand;
use super::tunnel::Role;
use crate::clock::{MILLISECOND, now_ns};
use crate::decision::{self, Action, Answer};
use crate::events::Event;
use crate::pull;
use crate::session::TransportKind;
use crate::stream::Stream;
use relaycore_proto::rtsp::header::session::parse_id;
use relaycore_proto::rtsp::message::{Request, Response};
use relaycore_proto::rtsp::method::Method;
use relaycore_proto::rtsp::state::{self, State};
use relaycore_proto::rtsp::status::StatusCode;
use relaycore_proto::rtsp::url::{Url, content_base};
use relaycore_proto::sdp;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Methods that are answered (RFC 2326 §10.1).
const PUBLIC: &str = "OPTIONS, DESCRIBE, ANNOUNCE, SETUP, PLAY, RECORD, PAUSE, TEARDOWN, GET_PARAMETER, SET_PARAMETER";

/// Features that may be required; this one is what RFC 7826 §11.1 calls all that is needed to play.
const FEATURES: [&str; 1] = ["play.basic"];

impl Shard {
    /// Answers a request, or asks for the decision that it needs first.
    pub(super) fn request(&mut self, key: usize, request: Request) {
        if !request.version.is_rtsp1() {
            let status = StatusCode::RTSP_VERSION_NOT_SUPPORTED;
            return self.refuse(
                key,
                &request,
                status,
                "RTSP version not supported; use RTSP/1.0",
            );
        }
        if request.cseq().is_none() {
            return self.refuse(
                key,
                &request,
                StatusCode::BAD_REQUEST,
                "The CSeq header is missing",
            );
        }
        if let Some(shard) = self.shard_of_named(key, &request) {
            return self.hand_over(key, Errand::Request(request), shard);
        }
        // Any request but TEARDOWN shows that its client is alive.
        if request.method != Method::Teardown {
            self.renew(key, &request);
        }
        if let Some(features) = unsupported_features(&request) {
            let response = Response::to_request(&request, StatusCode::OPTION_NOT_SUPPORTED);
            return self.respond(key, response.header("Unsupported", features));
        }
        let Ok(url) = Url::parse(&request.uri) else {
            return self.refuse(
                key,
                &request,
                StatusCode::BAD_REQUEST,
                "The URI is not of the form rtsp://host/path",
            );
        };
        let reads = match request.method {
            Method::Describe => true,
            Method::Setup => !self.is_record_setup(key, &request),
            _ => false,
        };
        let url = if reads {
            self.shared.without_alias(url)
        } else {
            url
        };
        self.note_request(key, &request, &url);
        match &request.method {
            Method::Options => {
                let response = Response::to_request(&request, StatusCode::OK);
                self.respond(key, response.header("Public", PUBLIC));
            }
            Method::Describe => self.describe(key, request, &url),
            Method::Setup if !reads => self.setup_record(key, request, &url),
            Method::Setup => self.setup(key, request, &url),
            Method::Play => self.play(key, request, &url),
            Method::Pause => self.pause(key, &request, &url),
            Method::Teardown => self.teardown(key, &request, &url),
            Method::GetParameter | Method::SetParameter => self.parameter(key, &request),
            Method::Announce => self.announce(key, request, &url),
            Method::Record => self.record(key, request, &url),
            Method::Redirect | Method::Other(_) => {
                let response = Response::to_request(&request, StatusCode::NOT_IMPLEMENTED);
                self.respond(key, response.header("Public", PUBLIC));
            }
        }
    }

    /// Whether this connection may do this at `path`. If that is not known yet, the request waits for the decision.
    pub(super) fn may(
        &mut self,
        key: usize,
        request: &Request,
        action: Action,
        path: &str,
    ) -> bool {
        let Some(connection) = self.connections.get_mut(key) else {
            return false;
        };
        let era = self.shared.decision_era();
        let granted = connection.grant(action, path);
        // Whoever decides may start a stream for those who ask to read it: where there is none it is asked again.
        let starts = action == Action::Read
            && matches!(request.method, Method::Describe | Method::Setup)
            && self.shared.stream(path).is_none();
        if granted.is_some_and(|grant| grant.era == era && (grant.is_new || !starts)) {
            return true;
        }
        self.ask(key, request, action, path, None);
        false
    }

    /// Whether the media of a session may flow that its client asks for. Where whoever decides wants to be asked, the
    /// request waits for the decision.
    pub(super) fn may_begin(&mut self, key: usize, request: &Request, session: usize) -> bool {
        let asks = self.shared.asks_before_media.load(Ordering::Relaxed);
        let Some(found) = self.sessions.get(session) else {
            return false;
        };
        if !asks || found.is_admitted {
            return true;
        }
        let (action, path) = (found.action(), found.stream.path().to_owned());
        self.ask(key, request, action, &path, Some(session));
        false
    }

    /// Asks for the decision that a request needs, about a session or about a path.
    fn ask(
        &mut self,
        key: usize,
        request: &Request,
        action: Action,
        path: &str,
        session: Option<usize>,
    ) {
        let session = session.and_then(|key| Some((key, self.sessions.get(key)?)));
        let (info, session) = match session {
            Some((key, session)) => (Some(Arc::clone(&session.info)), Some((key, session.number))),
            None => (None, None),
        };
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        let era = self.shared.decision_era();
        self.next_question += 1;
        let id = self.next_question << 8 | self.number as u64;
        let header = |name: &str| request.headers.get(name).map(str::to_owned);
        let question = decision::Request {
            id,
            action,
            method: request.method.as_str().to_owned(),
            path: path.to_owned(),
            uri: request.uri.clone(),
            query: Url::parse(&request.uri).ok().and_then(|url| url.query),
            authorization: header("Authorization"),
            user_agent: header("User-Agent"),
            peer: connection.peer,
            session: info,
            is_secure: connection.wire.is_secure(),
            handshake: match &connection.role {
                Role::WebSocket(socket) => Some(socket.handshake.clone()),
                _ => None,
            },
        };
        if !self.shared.events.push(Event::Request(question)) {
            self.respond_overloaded(key, request, "Too many open questions; try again");
            return;
        }
        let deadline = now_ns() + self.shared.limits.decision_timeout_ms * MILLISECOND;
        let request = Box::new(request.clone());
        connection.pending = Some(Pending::Decision {
            id,
            request,
            action,
            path: path.to_owned(),
            session,
            era,
            deadline,
        });
        self.schedule_connection(key);
        self.asked.insert(id, key);
    }

    /// Refuses a request because too much waits for whoever decides.
    pub(super) fn respond_overloaded(&mut self, key: usize, request: &Request, reason: &str) {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        self.note_refusal(key, request, status);
        let response = Response::to_request(request, status);
        let response = response.with_reason(reason).header("Retry-After", "2");
        self.respond(key, response);
    }

    /// A decision has come; one that comes too late is ignored.
    pub(super) fn answered(&mut self, id: u64, answer: Answer) {
        let Some(key) = self.asked.remove(&id) else {
            return;
        };
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        let (request, action, path, session, era) = match connection.pending.take() {
            Some(Pending::Decision {
                id: asked,
                request,
                action,
                path,
                session,
                era,
                ..
            }) if asked == id => (*request, action, path, session, era),
            other => {
                connection.pending = other;
                return;
            }
        };
        match (answer, session) {
            (Answer::Allow { .. }, Some((session, number))) => {
                let session = self.sessions.get_mut(session);
                if let Some(session) = session.filter(|session| session.number == number) {
                    session.is_admitted = true;
                }
                self.request(key, request);
            }
            (Answer::Allow { user, ticket }, None) => {
                connection.remember(Grant {
                    action,
                    path,
                    user,
                    ticket,
                    era,
                    is_new: true,
                });
                self.request(key, request);
                if let Some(connection) = self.connections.get_mut(key) {
                    connection.age_grants();
                }
            }
            (Answer::Challenge(challenges), _) => {
                let status = StatusCode::UNAUTHORIZED;
                self.note_refusal(key, &request, status);
                let mut response = Response::to_request(&request, status);
                for challenge in challenges {
                    response.headers.push("WWW-Authenticate", challenge);
                }
                self.respond(key, response);
            }
            (Answer::Refuse { status, reason }, _) => {
                // What is said of the path is said to who may know of it.
                if status == StatusCode::NOT_FOUND.0 {
                    self.note_authorised(key);
                }
                self.refuse(key, &request, StatusCode(status), &reason)
            }
        }
        self.serve(key);
    }

    /// The stream at a path; refuses the request when there is none.
    pub(super) fn stream_or_refuse(
        &mut self,
        key: usize,
        request: &Request,
        path: &str,
    ) -> Option<Arc<Stream>> {
        let stream = self.shared.stream(path);
        if stream.is_none() {
            self.refuse(
                key,
                request,
                StatusCode::NOT_FOUND,
                "No stream at this path; check the URL",
            );
        }
        stream
    }

    fn describe(&mut self, key: usize, request: Request, url: &Url) {
        let accepts = |accept: &str| {
            accept.split(',').any(|entry| {
                let kind = entry.split(';').next().unwrap_or_default().trim();
                ["application/sdp", "application/*", "*/*"]
                    .iter()
                    .any(|known| kind.eq_ignore_ascii_case(known))
            })
        };
        let connection = self.connections.get(key);
        if connection.is_some_and(|it| it.sessions.is_empty() && it.announced.is_none()) {
            self.begin_attempt(key, &request, url);
        }
        if !request.headers.get("Accept").is_none_or(accepts) {
            let reason = "The description is application/sdp";
            return self.refuse(key, &request, StatusCode::NOT_ACCEPTABLE, reason);
        }
        if pull::is_own(&request, self.shared.origin) {
            let reason = "This relay pulls from itself; take the URL of another server";
            return self.refuse(key, &request, StatusCode::FORBIDDEN, reason);
        }
        if !self.may(key, &request, Action::Read, &url.path) {
            return;
        }
        self.note_authorised(key);
        let Some(stream) = self.stream_or_refuse(key, &request, &url.path) else {
            return;
        };
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        if let Some(attempt) = &mut connection.attempt {
            attempt.is_described(now_ns());
        }
        let local = connection.local;
        let scheme = if connection.wire.is_secure() {
            "https"
        } else {
            "http"
        };
        // Where datagrams go is agreed by SETUP: unless the URL asks for the group, here stands the address that means
        // none (RFC 2326 §C.1.7).
        let group = self.multicast_of(&stream);
        let (address, port) = match group.filter(|_| asks_for_group(url)) {
            Some(multicast) => (multicast.sdp_address(), multicast.port()),
            None if local.is_ipv4() => ("0.0.0.0".to_owned(), 0),
            None => ("::".to_owned(), 0),
        };
        let notice = self.shared.path_notice(stream.path());
        let uri = if notice.has_page {
            format!(
                "{scheme}://{}/{}/notice",
                authority(url, local),
                stream.path()
            )
        } else {
            String::new()
        };
        let tracks = stream.tracks();
        let description = sdp::SessionDescription {
            origin_id: stream.id().0 + self.shared.origin,
            version: 1,
            name: stream.path(),
            information: &notice.purpose,
            uri: &uri,
            address: &address,
            port,
            tool: &self.shared.server_name,
            tracks: &tracks,
        };
        let query = url.query.as_deref().unwrap_or_default();
        let body = if query.is_empty() || query.contains(char::is_whitespace) {
            sdp::write(&description)
        } else {
            let (before, _) = request.uri.split_once('?').unwrap_or_default();
            let base = absolute(&content_base(before), local);
            sdp::write_with_query(&description, &base, query)
        };
        let base = absolute(&content_base(&request.uri), local);
        let response = Response::to_request(&request, StatusCode::OK).header("Content-Base", base);
        self.respond(
            key,
            response
                .header("Cache-Control", "no-cache")
                .with_body("application/sdp", body),
        );
    }

    /// The session that a request names; refuses the request when there is none, or its path may not be read.
    pub(super) fn session_or_refuse(
        &mut self,
        key: usize,
        request: &Request,
        url: &Url,
    ) -> Option<usize> {
        let Some(session) = self.named_session(key, request) else {
            self.refuse(
                key,
                request,
                StatusCode::SESSION_NOT_FOUND,
                "No such session; start with SETUP",
            );
            return None;
        };
        let found = self.sessions.get(session)?;
        let (action, path) = (found.action(), found.stream.path().to_owned());
        // The path may have been asked for by another name, which need not be one any more.
        let is_asked = |asked: &Url| asked.path == url.path;
        if !url.path.is_empty()
            && url.path != path
            && !Url::parse(&found.base_url.base).is_ok_and(|asked| is_asked(&asked))
        {
            self.refuse(
                key,
                request,
                StatusCode::BAD_REQUEST,
                "The session belongs to another path",
            );
            return None;
        }
        // A session that was let in stays so for the connection that it came on.
        let is_granted = found.connection == Some(key)
            && (self.connections.get(key))
                .is_some_and(|connection| connection.grant(action, &path).is_some());
        if !is_granted && !self.may(key, request, action, &path) {
            return None;
        }
        if !self.adopt(key, session) {
            self.refuse_session(key, request);
            return None;
        }
        Some(session)
    }

    /// The session that a request names, where it may be used: one that is interleaved belongs to its connection.
    fn named_session(&self, key: usize, request: &Request) -> Option<usize> {
        let id = parse_id(request.headers.get("Session")?);
        let session_key = self.session_keys.get(id).copied()?;
        let session = self.sessions.get(session_key)?;
        let free = session.transport() != TransportKind::Tcp;
        (free || session.connection == Some(key)).then_some(session_key)
    }

    /// Moves a session of datagrams to the connection that uses it now; `false` when that has too many.
    fn adopt(&mut self, key: usize, session_key: usize) -> bool {
        let Some(session) = self.sessions.get(session_key) else {
            return false;
        };
        let before = session.connection;
        if before == Some(key) {
            return true;
        }
        if self.has_too_many_sessions(key) {
            return false;
        }
        if let Some(before) = before {
            self.leave_connection(before, session_key);
        }
        if let Some(session) = self.sessions.get_mut(session_key) {
            session.connection = Some(key);
            session.info.counters.left.store(0, Ordering::Relaxed);
        }
        if let Some(connection) = self.connections.get_mut(key) {
            connection.sessions.push(session_key);
        }
        true
    }

    /// The state after `method`; refuses the request when the table of RFC 2326 §A.2 has no such transition.
    pub(super) fn next_state(
        &mut self,
        key: usize,
        request: &Request,
        session: usize,
    ) -> Option<State> {
        let found = self.sessions.get(session)?;
        let (current, publishes) = (found.state, found.source.is_some());
        // The table does not know that a session either reads or publishes.
        let other = if publishes {
            Method::Play
        } else {
            Method::Record
        };
        match state::next(current, &request.method) {
            Ok(next) if request.method != other => Some(next),
            _ => {
                let served = |method: &&str| {
                    *method != other.as_str() && PUBLIC.split(", ").any(|known| known == *method)
                };
                let allowed = state::allowed(current).iter().map(Method::as_str);
                let allowed: Vec<_> = allowed.filter(served).collect();
                let response =
                    Response::to_request(request, StatusCode::METHOD_NOT_VALID_IN_THIS_STATE);
                self.respond(key, response.header("Allow", allowed.join(", ")));
                None
            }
        }
    }

    /// A response that names its session.
    pub(super) fn session_response(&self, request: &Request, session: usize) -> Response {
        let response = Response::to_request(request, StatusCode::OK);
        match self.sessions.get(session) {
            Some(session) => {
                let timeout = self.shared.limits.session_timeout_s;
                response.header("Session", session.header(timeout))
            }
            None => response,
        }
    }

    /// Any request that names a session shows that its client is alive.
    fn renew(&mut self, key: usize, request: &Request) {
        let session = self.named_session(key, request);
        if let Some(session) = session.and_then(|key| self.sessions.get_mut(key)) {
            session.alive_until = now_ns() + self.session_timeout;
        }
    }

    fn pause(&mut self, key: usize, request: &Request, url: &Url) {
        let Some(session) = self.session_or_refuse(key, request, url) else {
            return;
        };
        let Some(next) = self.next_state(key, request, session) else {
            return;
        };
        if self.one_of_several(session, url).is_some() {
            let status = StatusCode::ONLY_AGGREGATE_OPERATION_ALLOWED;
            let reason = "Only the whole stream can be paused: leave out the track";
            return self.refuse(key, request, status, reason);
        }
        self.detach(session);
        if let Some(paused) = self.sessions.get_mut(session) {
            paused.state = next;
            if let Some(connection) = self.connections.get_mut(key) {
                let output = &mut connection.output;
                output.cut(session, |burst, packets| paused.cut(burst, packets));
            }
            paused.pause_numbering();
        }
        let response = self.session_response(request, session);
        self.respond(key, response);
    }

    fn teardown(&mut self, key: usize, request: &Request, url: &Url) {
        let Some(session) = self.session_or_refuse(key, request, url) else {
            return;
        };
        if let Some(track) = self.one_of_several(session, url) {
            return self.teardown_track(key, request, session, track);
        }
        let response = self.session_response(request, session);
        self.remove_session(session, "the client ended it");
        self.respond(key, response);
    }

    /// Keep-alives; with a body as well (ONVIF Streaming Specification §5.2.2.2). There are no parameters.
    fn parameter(&mut self, key: usize, request: &Request) {
        match self.named_session(key, request) {
            Some(session) => {
                let response = self.session_response(request, session);
                self.respond(key, response);
            }
            None if request.headers.get("Session").is_some() => self.refuse(
                key,
                request,
                StatusCode::SESSION_NOT_FOUND,
                "No such session; start with SETUP",
            ),
            None => self.respond(key, Response::to_request(request, StatusCode::OK)),
        }
    }
}

/// The features that a request requires and that are not served, as `Unsupported` lists them (RFC 2326 §12.32). Among
/// those are the tags of ONVIF: sound back to the camera, and replay of recordings.
fn unsupported_features(request: &Request) -> Option<String> {
    let required = request.headers.get_all("Require");
    let tags = required.flat_map(|tags| tags.split(',')).map(str::trim);
    let is_missing = |tag: &&str| {
        let mut served = FEATURES.iter();
        !tag.is_empty() && !served.any(|known| known.eq_ignore_ascii_case(tag))
    };
    let missing: Vec<_> = tags.filter(is_missing).collect();
    (!missing.is_empty()).then(|| missing.join(", "))
}

/// Whether the query of a URL has `multicast`. A description with the address of a group keeps clients from everything
/// else (GStreamer refuses TCP and unicast then, live555 asks for multicast only), so that it has a URL of its own; ONVIF
/// forbids any other address where multicast is asked for.
fn asks_for_group(url: &Url) -> bool {
    let query = url.query.as_deref().unwrap_or_default();
    query
        .split('&')
        .any(|part| part.split('=').next() == Some("multicast"))
}

/// Host and port as the client knows them, where they can be part of a URL; else the address that it came to.
fn authority(url: &Url, local: std::net::SocketAddr) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-._:".contains(letter);
    match &url.host {
        Some(host) if !host.is_empty() && host.chars().all(plain) => {
            let host = if host.contains(':') {
                format!("[{host}]")
            } else {
                host.clone()
            };
            match url.port {
                Some(port) => format!("{host}:{port}"),
                None => host,
            }
        }
        _ => local.to_string(),
    }
}

/// A URL with host and port, where the client sent only a path.
pub(super) fn absolute(url: &str, local: std::net::SocketAddr) -> String {
    if url.contains("://") {
        url.to_owned()
    } else {
        format!("rtsp://{local}/{}", url.trim_start_matches('/'))
    }
}
