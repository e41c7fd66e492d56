//! What connections bring: bytes to requests and packets, fairly between all of them.

use super::Shard;
use super::connection::Pending;
use crate::clock::{MILLISECOND, SECOND, now_ns};
use relaycore_proto::ice_tcp::Opening;
use relaycore_proto::rtsp::parser::Element;
use relaycore_proto::rtsp::version::Protocol;
use std::io::{self, Read};

/// Bytes read from one connection before the others get their turn.
const READ_BYTES: usize = 64 * 1024;

impl Shard {
    /// A socket is ready; `ends` says that its client sends nothing more.
    pub(super) fn connection_event(
        &mut self,
        key: usize,
        readable: bool,
        writable: bool,
        ends: bool,
    ) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        connection.readable |= readable | ends;
        connection.ends |= ends;
        if writable {
            connection.output.unblock();
            self.flush(key);
        }
        self.serve(self.tunnel_of(key));
    }

    /// Reads and answers until the socket is empty, a request has to wait, or the client does not read its answers.
    /// After a bufferful the others get their turn first.
    pub(super) fn serve(&mut self, key: usize) {
        let mut buffer = std::mem::take(&mut self.read_buffer);
        buffer.resize(READ_BYTES, 0);
        if self.watch_answers(key, &mut buffer) {
            self.serve_with(key, &mut buffer);
        }
        self.read_buffer = buffer;
    }

    fn serve_with(&mut self, key: usize, buffer: &mut [u8]) {
        let mut left = READ_BYTES;
        loop {
            if !self.take_elements(key) {
                return;
            }
            let Some(connection) = self.connections.get_mut(key) else {
                return;
            };
            if connection.pending.is_some() || connection.closing {
                break;
            }
            let most = self.shared.limits.unread_response_bytes;
            if connection.output.message_bytes() > most {
                // What is not read here is no fault of a slow sender.
                connection.request_by = None;
                self.flush(key);
                let connection = self.connections.get(key);
                if connection.is_none_or(|connection| connection.output.message_bytes() > most) {
                    return;
                }
                continue;
            }
            let Some(source_key) = self.source_of(key) else {
                break;
            };
            let source = self.connections.get_mut(source_key);
            let Some(source) = source.filter(|source| source.readable) else {
                break;
            };
            if left == 0 {
                self.resume(key);
                break;
            }
            match source.wire.read(&mut buffer[..left]) {
                Ok(0) => self.close_connection(source_key, "the client closed the connection"),
                Ok(length) => {
                    // Nothing would come of another try, until the socket says that there is more.
                    source.readable =
                        length == left || source.ends || !source.wire.short_read_empties();
                    left -= length;
                    self.received(key, source_key, &mut buffer[..length]);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    source.readable = false;
                    if source.wire.is_handshaking() {
                        let by = now_ns() + self.shared.limits.request_time_ms * MILLISECOND;
                        source.request_by.get_or_insert(by);
                        self.schedule_connection(source_key);
                    } else if source.wire.is_secure() {
                        source.note_security(now_ns());
                        if !source.parser.is_in_message() {
                            source.request_by = None;
                        }
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => self.close_connection(source_key, "the connection was lost"),
            }
        }
        self.flush(key);
    }

    /// Lets a connection go on in the next turn of the event loop.
    pub(super) fn resume(&mut self, key: usize) {
        if let Some(connection) = self.connections.get_mut(key)
            && !std::mem::replace(&mut connection.is_resumed, true)
        {
            self.resumed.push(key);
        }
    }

    /// Takes what the parser has; `false` when the connection is gone.
    pub(super) fn take_elements(&mut self, key: usize) -> bool {
        let mut fed = None;
        let goes_on = self.take_each(key, &mut fed);
        if let Some(session) = fed {
            self.relay(session, now_ns());
        }
        goes_on && self.connections.contains(key)
    }

    /// As [`Shard::take_elements`]; tells which publisher's packets were among them.
    fn take_each(&mut self, key: usize, fed: &mut Option<usize>) -> bool {
        let now = now_ns();
        loop {
            let Some(connection) = self.connections.get_mut(key) else {
                return false;
            };
            if connection.pending.is_some() || connection.closing {
                return true;
            }
            if let Some(deadline) = connection.allowance.held_until(now) {
                connection.pending = Some(Pending::Allowance { deadline });
                self.schedule_connection(key);
                return true;
            }
            let limits = &self.shared.limits;
            match connection.begins_ice() {
                Opening::Other => {}
                Opening::NeedMore => {
                    let by = now + limits.request_time_ms * MILLISECOND;
                    connection.request_by.get_or_insert(by);
                    self.schedule_connection(key);
                    return true;
                }
                Opening::Check => {
                    self.leave_to_webrtc(key);
                    return false;
                }
            }
            let next = connection.parser.next();
            if let Ok(None) = next {
                let by = now + limits.request_time_ms * MILLISECOND;
                if connection.has_begun_request(by) {
                    self.schedule_connection(key);
                }
                return true;
            }
            connection.request_by = None;
            // Only what a connection begins with can be HTTP.
            let opening = connection.opening.take();
            if !matches!(next, Ok(Some(Element::Interleaved { .. }))) {
                connection.allowance.spend(now, limits.requests_per_second);
            }
            match next {
                Ok(None) => {}
                Ok(Some(Element::Request(request))) => {
                    connection.idle_at = now + limits.idle_connection_s * SECOND;
                    connection.note_security(now);
                    match request.version.protocol() {
                        Protocol::Http => self.http(key, &request, opening),
                        Protocol::Rtsp => self.request(key, request),
                    }
                }
                Ok(Some(Element::Response(_))) => {}
                Ok(Some(Element::Interleaved { channel, data })) => {
                    let sessions = connection.sessions.iter();
                    let found = sessions.copied().find_map(|session| {
                        Some((
                            session,
                            self.sessions.get(session)?.track_of_channel(channel)?,
                        ))
                    });
                    let Some((session, track)) = found else {
                        continue;
                    };
                    match self.sessions.get_mut(session) {
                        Some(publisher) if publisher.source.is_some() => {
                            // One connection may carry several publishers: each gets its own on.
                            let other = fed.replace(session).filter(|other| *other != session);
                            publisher.take_packet(track, data, now, self.session_timeout);
                            if let Some(other) = other {
                                self.relay(other, now);
                            }
                        }
                        _ => {
                            let packet = data.to_vec();
                            self.receive_rtcp(session, track, &packet, now);
                        }
                    }
                }
                Err(error) => {
                    if self.is_for_web(opening.as_deref()) {
                        self.leave_to_web(key, opening);
                        return false;
                    }
                    if let Some(attempt) = self
                        .connections
                        .get_mut(key)
                        .and_then(|it| it.attempt.as_mut())
                    {
                        attempt.is_refused(error.status().0, false);
                    }
                    let response = error.response().with_reason(format!(
                        "{}: {}",
                        error.status().reason(),
                        error
                    ));
                    self.respond(key, response);
                    if let Some(connection) =
                        self.connections.get_mut(key).filter(|_| error.is_fatal())
                    {
                        connection.closing = true;
                    }
                }
            }
        }
    }
}
