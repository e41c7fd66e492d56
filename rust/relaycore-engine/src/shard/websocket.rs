//! RTSP in a WebSocket (ONVIF Streaming Specification sections 5.1.1.6 and 7): a way for pages of browsers, and through
//! proxies that let HTTP pass.
//!
//! ```text
//! client                                        server
//! GET /any, Sec-WebSocket-Protocol: rtsp.onvif.org →    101
//! requests, packets in binary frames            →
//!                                               ←    responses, packets in binary frames
//! ```
//!
//! The sub-protocol says it all: whatever the request asks for, it is answered here, and RTSP names the stream. What is
//! in the frames is a stream of bytes to the parser, cut by frames as it is by segments of TCP. Who may read is asked at
//! the level of RTSP alone; what the handshake says of the page that opened it goes with each question.

use super::Shard;
use super::connection::Connection;
use super::tunnel::Role;
use crate::decision::Handshake;
use relaycore_proto::rtsp::message::{Request, Response};
use relaycore_proto::rtsp::parser::Parser;
use relaycore_proto::websocket::frame::{FrameReader, GOING_AWAY, Heard, Messages, NORMAL};
use relaycore_proto::websocket::handshake::{RTSP, accept, asks_for};

/// Headers by which a proxy says that it passes a request on (RFC 7239, RFC 9110 section 7.6.3).
const FORWARDED: [&str; 3] = ["Forwarded", "X-Forwarded-For", "Via"];

/// A connection that has become a WebSocket.
#[derive(Debug)]
pub(super) struct WebSocket {
    reader: FrameReader,
    /// Where its handshake came from.
    pub(super) handshake: Handshake,
}

impl Shard {
    /// Whether a request, the first of its connection, asks for RTSP in a WebSocket.
    pub(super) fn is_for_websocket(request: &Request) -> bool {
        asks_for(request, RTSP)
    }

    /// Makes a connection a WebSocket, or says why it is none.
    pub(super) fn open_websocket(&mut self, key: usize, request: &Request) {
        let response = match accept(request, RTSP) {
            Ok(response) => response,
            Err(error) => {
                let response = match error.header() {
                    Some((name, value)) => Response::new(error.status()).header(name, value),
                    None => Response::new(error.status()),
                };
                return self.refuse_http_by(key, response, error.body());
            }
        };
        self.respond(key, response);
        let limits = self.shared.limits;
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        let parser = std::mem::replace(&mut connection.parser, Parser::new(limits));
        connection.output.begin_frames();
        connection.role = Role::WebSocket(Box::new(WebSocket {
            reader: FrameReader::new(Messages {
                text: false,
                bytes_max: limits.access_unit_bytes as u64,
            }),
            handshake: handshake_of(request),
        }));
        self.received(key, key, &mut parser.unread().to_vec());
    }

    /// Takes in frames, as far as they came.
    pub(super) fn take_frames(&mut self, key: usize, data: &mut [u8]) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        let Role::WebSocket(socket) = &mut connection.role else {
            return;
        };
        let parser = &mut connection.parser;
        let heard = socket
            .reader
            .take(data, connection.output.answers(), |bytes| {
                parser.push(bytes)
            });
        let reason = match heard {
            Heard::Nothing => return,
            Heard::Goodbye => "the client closed the connection",
            Heard::Nonsense => "the client sent what is no WebSocket frame",
        };
        connection.output.note_end();
        // What came before counts.
        if self.take_elements(key)
            && let Some(connection) = self.connections.get_mut(key)
        {
            connection.closing = true;
            self.close_connection(key, reason);
        }
    }

    /// Sends the last frame of a connection that is closed, as far as its client takes it.
    pub(super) fn end_websocket(&self, connection: &mut Connection) {
        let status = match self.ends_at {
            Some(_) => GOING_AWAY,
            None => NORMAL,
        };
        if connection.output.end_frames(status) {
            // Who does not read it has lost nothing.
            let _ = connection
                .output
                .write_frames(&mut connection.wire, &mut Vec::new());
        }
    }
}

/// What a handshake says of where it comes from.
fn handshake_of(request: &Request) -> Handshake {
    let header = |name: &str| request.headers.get(name).map(str::to_owned);
    Handshake {
        host: header("Host").unwrap_or_default(),
        origin: header("Origin"),
        fetch_site: header("Sec-Fetch-Site"),
        is_forwarded: FORWARDED.iter().any(|name| header(name).is_some()),
    }
}
