//! How connections and sessions begin and end.

use super::connection::{Connection, Pending};
use super::session::Target;
use super::wire::Wire;
use super::{Command, LISTENERS, Shard, ShardHandle, TimerKey};
use crate::clock::{SECOND, now_ns};
use crate::events::Event;
use crate::session::TransportKind;
use crate::stream::StreamId;
use mio::{Interest, Token};
use relaycore_proto::ice_tcp::Opening;
use relaycore_proto::rtsp::message::{Request, Response};
use relaycore_proto::rtsp::parser::Parser;
use relaycore_proto::rtsp::sniff::{Sniffed, sniff};
use relaycore_proto::rtsp::status::StatusCode;
use std::collections::HashSet;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Nanoseconds until accepting is tried again when the system has no more file descriptors.
const ACCEPT_AGAIN: u64 = SECOND / 5;

/// A datagram session whose connection is gone lives on for this long, unless its receiver reports.
const ORPHAN_NS: u64 = 10 * SECOND;

/// How long a client that may not go on has for reading what was said to it.
const FAREWELL_NS: u64 = SECOND / 2;

/// Why a session ended that may not go on.
pub(crate) const KICKED: &str = "ended by the operator";

impl Shard {
    /// Accepts connections at a socket.
    pub(super) fn listen(&mut self, listener: TcpListener) {
        let mut listener = mio::net::TcpListener::from_std(listener);
        let token = Token(LISTENERS + self.listeners.len());
        if self
            .poll
            .registry()
            .register(&mut listener, token, Interest::READABLE)
            .is_ok()
        {
            self.listeners.push(listener);
            self.accept(self.listeners.len() - 1);
        }
    }

    /// Accepts what waits and hands it to the shard with the fewest connections.
    pub(super) fn accept(&mut self, listener: usize) {
        while let Some(listener) = self.listeners.get(listener) {
            match listener.accept() {
                Ok((socket, peer)) => {
                    let fewest = self.shards.iter().min_by_key(|shard| shard.served());
                    let Some(shard) = fewest else { return };
                    shard.count_in();
                    shard.send(Command::Connection(socket, peer));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // One that was given up by its client before it was accepted is no reason to stop.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(_) => {
                    if !std::mem::replace(&mut self.accepts_again, true) {
                        self.wheel.add(now_ns() + ACCEPT_AGAIN, TimerKey::Accept);
                    }
                    return;
                }
            }
        }
    }

    /// Takes a connection in.
    pub(super) fn open_connection(&mut self, socket: mio::net::TcpStream, peer: SocketAddr) {
        let limits = self.shared.limits;
        let count: usize = self.shards.iter().map(ShardHandle::served).sum();
        let refused = count > limits.connections || self.ends_at.is_some();
        let Ok(local) = socket.local_addr() else {
            return self.count_connection_out();
        };
        // Responses and pictures are written whole: waiting for more to send would only delay them.
        let _ = socket.set_nodelay(true);
        let now = now_ns();
        let idle_at = now + limits.idle_connection_s * SECOND;
        let wire = Wire::new(socket, self.shared.tls_config());
        let mut connection = Connection::new(wire, peer, local, Parser::new(limits), now, idle_at);
        if refused {
            let reason = "Too many connections; try again later";
            let status = StatusCode::SERVICE_UNAVAILABLE;
            if let Some(attempt) = &mut connection.attempt {
                attempt.is_refused(status.0, false);
            }
            let response = Response::new(status).with_reason(reason);
            let response = response.header("Retry-After", "5");
            connection.output.message(|out| response.write_to(out));
            connection.closing = true;
        }
        let key = self.register(connection);
        if let Some(key) = key.filter(|_| refused) {
            self.flush(key);
        }
    }

    /// Queues a response.
    pub(super) fn respond(&mut self, key: usize, response: Response) {
        if let Some(connection) = self.connections.get_mut(key) {
            let response = response.header("Server", self.shared.server_name.as_str());
            connection.output.message(|out| response.write_to(out));
        }
    }

    /// Queues a response to a request with a reason that a person understands.
    pub(super) fn refuse(
        &mut self,
        key: usize,
        request: &Request,
        status: StatusCode,
        reason: &str,
    ) {
        self.note_refusal(key, request, status);
        self.respond(
            key,
            Response::to_request(request, status).with_reason(reason),
        );
    }

    /// Looks at a connection near its deadline.
    pub(super) fn connection_timer(&mut self, key: usize, number: u64, now: u64) {
        let Some(connection) = self
            .connections
            .get_mut(key)
            .filter(|connection| connection.number == number && connection.timer_at <= now)
        else {
            return;
        };
        connection.timer_at = u64::MAX;
        if now >= connection.deadline() {
            match connection.pending.take() {
                Some(Pending::Decision { id, request, .. }) => {
                    self.asked.remove(&id);
                    let reason = "No decision in time; try again";
                    let status = StatusCode::SERVICE_UNAVAILABLE;
                    self.note_refusal(key, &request, status);
                    let response = Response::to_request(&request, status).with_reason(reason);
                    self.respond(key, response.header("Retry-After", "2"));
                    self.serve(key);
                }
                Some(play @ Pending::Play { session, .. }) => {
                    connection.pending = Some(play);
                    self.answer_play(session);
                }
                Some(Pending::Allowance { .. }) => self.serve(key),
                None if connection.request_by.is_some_and(|by| now >= by) => {
                    self.refuse_slow_request(key);
                }
                None if connection.may_be_idle() => {
                    self.close_connection(key, "idle");
                    return;
                }
                None => connection.idle_at = now + self.shared.limits.idle_connection_s * SECOND,
            }
        }
        self.schedule_connection(key);
    }

    /// A request did not come to its end in time.
    fn refuse_slow_request(&mut self, key: usize) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        connection.request_by = None;
        if connection.begins_ice() == Opening::NeedMore {
            // It has not become any request.
            connection.attempt = None;
            return self.close_connection(key, "nothing came of it");
        }
        let opening = connection.opening.take().unwrap_or_default();
        let status = StatusCode::REQUEST_TIMEOUT;
        if sniff(&opening, self.shared.limits.rtsp_line_bytes) == Sniffed::Http {
            self.refuse_http(key, status, "The request came too slowly.\n");
        } else {
            let reason = "The request came too slowly; send it again";
            self.respond(key, Response::new(status).with_reason(reason));
            if let Some(connection) = self.connections.get_mut(key) {
                connection.closing = true;
                if let Some(attempt) = &mut connection.attempt {
                    attempt.is_refused(status.0, false);
                }
            }
        }
        self.flush(key);
    }

    /// Lets the wheel look at a connection at its next deadline, unless it looks sooner: however many deadlines come
    /// and go, a connection has few places in the wheel.
    pub(super) fn schedule_connection(&mut self, key: usize) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        let deadline = connection.deadline();
        if deadline < connection.timer_at {
            connection.timer_at = deadline;
            self.wheel
                .add(deadline, TimerKey::Connection(key, connection.number));
        }
    }

    /// Ends a connection; sessions over it end, sessions over datagrams go on while their receiver reports.
    pub(super) fn close_connection(&mut self, key: usize, reason: &'static str) {
        let Some(mut connection) = self.connections.try_remove(key) else {
            return;
        };
        let _ = self.poll.registry().deregister(connection.wire.socket());
        self.count_connection_out();
        if let Some(Pending::Decision { id, .. }) = connection.pending {
            self.asked.remove(&id);
        }
        let role = std::mem::take(&mut connection.role);
        self.tell_journey(&mut connection, &role, reason);
        self.leave_tunnel(key, role, reason);
        self.end_websocket(&mut connection);
        for session_key in std::mem::take(&mut connection.sessions) {
            let session = self.sessions.get_mut(session_key);
            let Some(session) = session.filter(|session| session.connection == Some(key)) else {
                continue;
            };
            session.connection = None;
            if session.transport() != TransportKind::Tcp && session.is_active() {
                let until = now_ns() + ORPHAN_NS;
                session.alive_until = session.alive_until.min(until);
                (session.info.counters.left).store(now_ns(), Ordering::Relaxed);
                self.schedule_session(session_key);
            } else {
                self.end_session(session_key, reason);
            }
        }
        if connection.closing && connection.has_written_all() {
            connection.wire.end();
            self.linger(connection.wire.into_socket());
        }
    }

    /// Ends a session that its client did not ask to end: a connection that carried its packets is closed behind it.
    pub(super) fn end_session(&mut self, key: usize, reason: &'static str) {
        let tcp = self
            .sessions
            .get(key)
            .filter(|session| session.transport() == TransportKind::Tcp);
        let connection = tcp.and_then(|session| session.connection);
        self.remove_session(key, reason);
        if let Some(key) = connection {
            if let Some(connection) = self.connections.get_mut(key) {
                connection.closing |= connection.sessions.is_empty();
            }
            self.flush(key);
        }
    }

    /// Ends a session that may not go on.
    pub(super) fn kick(&mut self, key: usize) {
        let connection = self
            .sessions
            .get(key)
            .and_then(|session| session.connection);
        self.end_session(key, KICKED);
        if let Some(connection) = connection
            && let Some(found) = self.connections.get(connection)
            && found.closing
        {
            self.close_soon(connection);
        }
    }

    /// Ends the sessions of these users, and closes the connections on which one of them was let in.
    pub(super) fn disconnect(&mut self, users: &HashSet<String>) {
        let of_them = self.sessions.iter().filter(|(_, session)| {
            let user = session.info.user.as_ref();
            user.is_some_and(|user| users.contains(user))
        });
        for key in of_them.map(|(key, _)| key).collect::<Vec<_>>() {
            self.kick(key);
        }
        let of_them = self.connections.iter();
        let of_them = of_them.filter(|(_, connection)| connection.is_of(users));
        for key in of_them.map(|(key, _)| key).collect::<Vec<_>>() {
            if let Some(connection) = self.connections.get_mut(key) {
                connection.closing = true;
                if let Some(Pending::Decision { id, .. }) = connection.pending.take() {
                    self.asked.remove(&id);
                }
            }
            self.flush(key);
            self.close_soon(key);
        }
    }

    /// Closes a connection that is closing, at the latest after a moment: its client may read nothing more.
    fn close_soon(&mut self, key: usize) {
        if let Some(connection) = self.connections.get_mut(key) {
            connection.idle_at = connection.idle_at.min(now_ns() + FAREWELL_NS);
            self.schedule_connection(key);
        }
    }

    /// Ends a session with a goodbye.
    pub(super) fn remove_session(&mut self, key: usize, reason: &'static str) {
        let Some(session) = self.sessions.get(key) else {
            return;
        };
        if session.is_group() {
            let stream = Arc::clone(&session.stream);
            return self.end_group(&stream);
        }
        let now = now_ns();
        session.tell_end(now, self.session_timeout);
        if session.cursor.is_some() {
            self.send_reports(key, now, true);
        }
        self.detach(key);
        let Some(session) = self.sessions.try_remove(key) else {
            return;
        };
        self.session_keys.remove(&session.info.id);
        for track in session.tracks.iter().flatten() {
            if let Target::Udp { rtcp, .. } = track.target {
                self.rtcp_peers.remove(&rtcp);
            }
            self.close_receive_ports(&track.target);
        }
        self.shared.forget(&session.info);
        if let Some(connection_key) = session.connection {
            self.leave_connection(connection_key, key);
        }
        self.shared
            .events
            .push(Event::SessionEnded(session.info, reason.into()));
    }

    /// Takes a session that has ended or moved off its connection; a PLAY that waited for its picture is refused.
    pub(super) fn leave_connection(&mut self, key: usize, session_key: usize) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        connection.sessions.retain(|other| *other != session_key);
        connection.output.discard(session_key);
        match connection.pending.take() {
            Some(Pending::Play { session, cseq, .. }) if session == session_key => {
                let response = Response::new(StatusCode::SESSION_NOT_FOUND)
                    .with_reason("The session has ended or moved; start again")
                    .header("CSeq", cseq);
                self.respond(key, response);
                self.resume(key);
            }
            other => connection.pending = other,
        }
    }

    /// Ends the sessions of a stream that was removed.
    pub(super) fn end_stream(&mut self, id: StreamId) {
        let of_stream = self
            .sessions
            .iter()
            .filter(|(_, session)| session.stream_id() == id);
        for key in of_stream.map(|(key, _)| key).collect::<Vec<_>>() {
            let ended = self
                .sessions
                .get(key)
                .and_then(|session| session.stream.end_reason());
            self.end_session(key, ended.unwrap_or("the stream has ended"));
        }
    }

    /// Says goodbye to everybody; the shard ends when that is written.
    pub(super) fn close(&mut self, patience: Duration) {
        self.listeners.clear();
        self.pulls.close(self.poll.registry());
        self.close_web();
        for key in self.sessions.iter().map(|(key, _)| key).collect::<Vec<_>>() {
            self.end_session(key, "the server was stopped");
        }
        for (_, connection) in &mut self.connections {
            connection.closing = true;
        }
        self.ends_at = Some(now_ns().saturating_add(patience.as_nanos() as u64));
        for key in self
            .connections
            .iter()
            .map(|(key, _)| key)
            .collect::<Vec<_>>()
        {
            self.flush(key);
        }
    }
}
