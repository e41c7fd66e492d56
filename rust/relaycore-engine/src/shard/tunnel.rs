//! RTSP over HTTP, as QuickTime made it and ONVIF asks for it (Streaming Specification §5.1.1.4): a way through proxies
//! and firewalls that let nothing but HTTP pass.
//!
//! ```text
//! client                                        server
//! GET /cam HTTP/1.0, x-sessioncookie: C    →    200, application/x-rtsp-tunnelled
//!                                          ←    responses and interleaved packets, as they are
//! POST /cam HTTP/1.0, x-sessioncookie: C   →    never answered
//! requests and interleaved packets, Base64 →
//! ```
//!
//! The connection of the GET is the RTSP connection: it has the parser, the sessions and the output. That of the POST
//! only brings bytes, which are decoded into that parser; it may end and be opened again at any time, and what
//! `Content-Length` says of it means nothing. Both come from one address, so that no other machine can take part in a
//! tunnel by its cookie. Who may read is asked at the level of RTSP alone.

use super::Shard;
use super::handover::Errand;
use super::websocket::WebSocket;
use crate::engine::lock;
use relaycore_proto::base64::StreamDecoder;
use relaycore_proto::limits::TUNNEL_COOKIE_BYTES;
use relaycore_proto::rtsp::message::Response;
use relaycore_proto::rtsp::parser::Parser;
use relaycore_proto::rtsp::status::StatusCode;
use relaycore_proto::rtsp::version::Version;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::{self, Read};
use std::net::IpAddr;
use std::sync::Mutex;

/// What both connections of a tunnel have in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct TunnelKey {
    peer: IpAddr,
    cookie: String,
}

/// The shard of each tunnel.
#[derive(Debug, Default)]
pub(crate) struct Tunnels(Mutex<HashMap<TunnelKey, usize>>);

impl Tunnels {
    /// Takes a name for a tunnel of `shard`; `false` when it is taken.
    fn claim(&self, key: &TunnelKey, shard: usize) -> bool {
        match lock(&self.0).entry(key.clone()) {
            Entry::Occupied(_) => false,
            Entry::Vacant(entry) => {
                entry.insert(shard);
                true
            }
        }
    }

    fn shard(&self, key: &TunnelKey) -> Option<usize> {
        lock(&self.0).get(key).copied()
    }

    fn release(&self, key: &TunnelKey) {
        lock(&self.0).remove(key);
    }
}

/// What a connection is used for.
#[derive(Debug, Default)]
pub(super) enum Role {
    /// Requests and answers.
    #[default]
    Plain,
    /// Answers of a tunnel.
    TunnelAnswers {
        /// Its name.
        tunnel: TunnelKey,
        /// The connection that its requests come on, while there is one.
        requests: Option<usize>,
    },
    /// Requests of a tunnel.
    TunnelRequests {
        /// The connection that its answers go out on.
        answers: usize,
        /// What of the Base64 is not whole yet.
        decoder: StreamDecoder,
    },
    /// Requests and answers in frames.
    WebSocket(Box<WebSocket>),
}

impl Shard {
    /// A GET with a cookie: this connection will carry answers.
    pub(super) fn open_tunnel(&mut self, key: usize, cookie: &str) {
        let Some(tunnel) = self.tunnel_key(key, cookie) else {
            return;
        };
        if !self.shared.tunnels.claim(&tunnel, self.number) {
            let body = "A tunnel with this x-sessioncookie is open; choose another one.\n";
            return self.refuse_http(key, StatusCode::BAD_REQUEST, body);
        }
        self.tunnels.insert(tunnel.clone(), key);
        let mut response = Response::new(StatusCode::OK)
            .header("Content-Type", "application/x-rtsp-tunnelled")
            .header("Cache-Control", "no-store")
            .header("Pragma", "no-cache")
            .header("Connection", "close");
        response.version = Version::Http10;
        self.respond(key, response);
        if let Some(connection) = self.connections.get_mut(key) {
            // What a client sends behind a GET is no part of the tunnel.
            connection.parser = Parser::new(self.shared.limits);
            connection.role = Role::TunnelAnswers {
                tunnel,
                requests: None,
            };
        }
    }

    /// A POST with a cookie: this connection brings requests, to the shard that answers them.
    pub(super) fn feed_tunnel(&mut self, key: usize, cookie: &str) {
        let Some(tunnel) = self.tunnel_key(key, cookie) else {
            return;
        };
        match self.shared.tunnels.shard(&tunnel) {
            Some(shard) if shard != self.number => {
                self.hand_over(key, Errand::Tunnel(tunnel), shard);
            }
            _ => self.join_tunnel(key, tunnel),
        }
    }

    /// Makes a connection the one that the requests of a tunnel of this shard come on; an earlier one is closed.
    pub(super) fn join_tunnel(&mut self, key: usize, tunnel: TunnelKey) {
        let Some(answers) = self.tunnels.get(&tunnel).copied() else {
            let body = "No tunnel with this x-sessioncookie; begin with GET.\n";
            return self.refuse_http(key, StatusCode::NOT_FOUND, body);
        };
        let earlier = match self.connections.get(answers).map(|it| &it.role) {
            Some(Role::TunnelAnswers { requests, .. }) => *requests,
            _ => None,
        };
        if let Some(earlier) = earlier {
            self.close_connection(earlier, "the client opened another connection");
        }
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        let mut first = connection.parser.unread().to_vec();
        connection.role = Role::TunnelRequests {
            answers,
            decoder: StreamDecoder::default(),
        };
        connection.attempt = None;
        if let Some(Role::TunnelAnswers { requests, .. }) = self
            .connections
            .get_mut(answers)
            .map(|answers| &mut answers.role)
        {
            *requests = Some(key);
        }
        self.received(answers, key, &mut first);
        self.resume(answers);
    }

    /// Name of the tunnel that a connection belongs to by its cookie; refuses one that cannot be one.
    fn tunnel_key(&mut self, key: usize, cookie: &str) -> Option<TunnelKey> {
        let peer = self.connections.get(key)?.peer.ip().to_canonical();
        if cookie.is_empty() || cookie.len() > TUNNEL_COOKIE_BYTES {
            let body = "The x-sessioncookie is empty or too long.\n";
            self.refuse_http(key, StatusCode::BAD_REQUEST, body);
            return None;
        }
        let cookie = cookie.to_owned();
        Some(TunnelKey { peer, cookie })
    }

    /// The connection whose parser takes what this one brings.
    pub(super) fn tunnel_of(&self, key: usize) -> usize {
        match self.connections.get(key).map(|connection| &connection.role) {
            Some(Role::TunnelRequests { answers, .. }) => *answers,
            _ => key,
        }
    }

    /// The connection that brings what the parser of this one takes.
    pub(super) fn source_of(&self, key: usize) -> Option<usize> {
        match &self.connections.get(key)?.role {
            Role::Plain | Role::WebSocket(_) => Some(key),
            Role::TunnelAnswers { requests, .. } => *requests,
            Role::TunnelRequests { .. } => None,
        }
    }

    /// Takes in what a connection brought for the parser of `key`. What is not Base64 ends its tunnel.
    pub(super) fn received(&mut self, key: usize, source: usize, data: &mut [u8]) {
        let mut decoded = Vec::new();
        let Some(connection) = self.connections.get_mut(source) else {
            return;
        };
        let decoder = match &mut connection.role {
            Role::TunnelRequests { decoder, .. } => decoder,
            Role::WebSocket(_) => return self.take_frames(key, data),
            Role::Plain | Role::TunnelAnswers { .. } => return connection.received(data),
        };
        let whole = decoder.push(data, &mut decoded);
        if let Some(connection) = self.connections.get_mut(key) {
            connection.parser.push(&decoded);
        }
        if let Err(error) = whole {
            let reason = format!("The requests of a tunnel are Base64, but {error}");
            let response = Response::new(StatusCode::BAD_REQUEST).with_reason(reason);
            self.respond(key, response);
            if let Some(connection) = self.connections.get_mut(key) {
                connection.closing = true;
            }
        }
    }

    /// Reads over what a client sends on the connection of a tunnel's answers, to see when it is closed. `false` when
    /// it is.
    pub(super) fn watch_answers(&mut self, key: usize, buffer: &mut [u8]) -> bool {
        let Some(connection) = self.connections.get_mut(key) else {
            return false;
        };
        if !connection.readable || !matches!(connection.role, Role::TunnelAnswers { .. }) {
            return true;
        }
        let reason = match connection.wire.read(buffer) {
            Ok(0) => "the client closed the connection",
            Ok(_) => {
                self.resume(key);
                return true;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                connection.readable = false;
                return true;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                self.resume(key);
                return true;
            }
            Err(_) => "the connection was lost",
        };
        self.close_connection(key, reason);
        false
    }

    /// A connection of this role was closed: without its answers a tunnel ends, without its requests it waits for
    /// others.
    pub(super) fn leave_tunnel(&mut self, key: usize, role: Role, reason: &'static str) {
        match role {
            Role::Plain | Role::WebSocket(_) => {}
            Role::TunnelAnswers { tunnel, requests } => {
                self.tunnels.remove(&tunnel);
                self.shared.tunnels.release(&tunnel);
                if let Some(requests) = requests {
                    self.close_connection(requests, reason);
                }
            }
            Role::TunnelRequests { answers, .. } => {
                if let Some(Role::TunnelAnswers { requests, .. }) = self
                    .connections
                    .get_mut(answers)
                    .map(|answers| &mut answers.role)
                    && *requests == Some(key)
                {
                    *requests = None;
                }
            }
        }
    }
}
