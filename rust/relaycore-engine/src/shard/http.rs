//! HTTP and WebRTC on the port of RTSP: what carries RTSP stays here, any other request goes with its connection to whoever
//! takes it, and where nobody does, a person is told what this port is for.

use super::Shard;
use crate::events::{Event, HttpConnection};
use crate::webrtc::Caller;
use relaycore_proto::rtsp::message::{Request, Response};
use relaycore_proto::rtsp::method::Method;
use relaycore_proto::rtsp::sniff::{Sniffed, sniff};
use relaycore_proto::rtsp::status::StatusCode;
use relaycore_proto::rtsp::version::Version;
use std::net::TcpStream;
use std::sync::atomic::Ordering;

/// Joins the two connections of a tunnel; each client chooses its own.
const SESSION_COOKIE: &str = "x-sessioncookie";

impl Shard {
    /// Answers a request of HTTP. `opening` is all that was read of the connection, if the request is its first.
    pub(super) fn http(&mut self, key: usize, request: &Request, opening: Option<Vec<u8>>) {
        if opening.is_some()
            && let Some(cookie) = request.headers.get(SESSION_COOKIE)
        {
            match &request.method {
                Method::Other(name) if name == "GET" => return self.open_tunnel(key, cookie),
                Method::Other(name) if name == "POST" => return self.feed_tunnel(key, cookie),
                _ => {}
            }
        }
        if opening.is_some() && Self::is_for_websocket(request) {
            return self.open_websocket(key, request);
        }
        if self.is_for_web(opening.as_deref()) {
            return self.leave_to_web(key, opening);
        }
        let body = "This port speaks RTSP: open rtsp://HOST:PORT/PATH in a player such as VLC.\n";
        self.refuse_http(key, StatusCode::BAD_REQUEST, body);
    }

    /// Whether a connection that began with `opening` speaks HTTP and somebody takes it.
    pub(super) fn is_for_web(&self, opening: Option<&[u8]>) -> bool {
        let is_http = |opening| {
            sniff(opening, self.shared.limits.rtsp_line_bytes) == Sniffed::Http
                && self.ends_at.is_none()
        };
        self.shared.accepts_http.load(Ordering::Relaxed) && opening.is_some_and(is_http)
    }

    /// Gives a connection away, with all that was read of it.
    pub(super) fn leave_to_web(&mut self, key: usize, opening: Option<Vec<u8>>) {
        if self.shared.events.is_full() {
            let body = "Too many requests wait; try again later.\n";
            return self.refuse_http(key, StatusCode::SERVICE_UNAVAILABLE, body);
        }
        let Some(mut connection) = self.connections.try_remove(key) else {
            return;
        };
        let socket = connection.wire.socket();
        if self.poll.registry().deregister(socket).is_err() {
            return self.count_connection_out();
        }
        let is_secure = connection.wire.is_secure();
        let socket = if is_secure {
            match self.carry_web(connection.wire) {
                Ok(socket) => socket,
                Err(_) => return self.count_connection_out(),
            }
        } else {
            self.count_connection_out();
            TcpStream::from(connection.wire.into_socket())
        };
        self.shared.events.push(Event::Http(HttpConnection {
            socket,
            data: opening.unwrap_or_default(),
            peer: connection.peer,
            local: connection.local,
            is_secure,
        }));
    }

    /// Gives a connection that began with a check of connectivity to the thread of WebRTC.
    pub(super) fn leave_to_webrtc(&mut self, key: usize) {
        let Some(mut connection) = self.connections.try_remove(key) else {
            return;
        };
        self.count_connection_out();
        // After the end of the server nobody is called any more.
        let socket = connection.wire.socket();
        if self.poll.registry().deregister(socket).is_ok() && self.ends_at.is_none() {
            self.shared.gateways.call(Caller {
                socket: TcpStream::from(connection.wire.into_socket()),
                opening: connection.opening.unwrap_or_default(),
                peer: connection.peer,
                local: connection.local,
            });
        }
    }

    /// Answers a request of HTTP with a text for a person, and closes.
    pub(super) fn refuse_http(&mut self, key: usize, status: StatusCode, body: &str) {
        self.refuse_http_by(key, Response::new(status), body);
    }

    /// As [`Shard::refuse_http`], by a response with headers of its own.
    pub(super) fn refuse_http_by(&mut self, key: usize, response: Response, body: &str) {
        let mut response = response.with_body("text/plain", body);
        response.version = Version::Http11;
        self.respond(key, response.header("Connection", "close"));
        if let Some(connection) = self.connections.get_mut(key) {
            connection.closing = true;
            // Whoever opens this port in a browser wants no stream.
            connection.attempt = None;
        }
    }
}
