//! What the engine asks of whoever decides, and the answers.

use crate::session::SessionInfo;
use std::net::SocketAddr;
use std::sync::Arc;

/// A question that holds up one connection until it is answered, at most for the limit `decision_timeout`.
#[derive(Debug, Clone)]
pub struct Request {
    /// Names the question in [`crate::Engine::answer`].
    pub id: u64,
    /// What the client wants to do.
    pub action: Action,
    /// The RTSP method that asks.
    pub method: String,
    /// The path, percent-decoded.
    pub path: String,
    /// The request URI as it was sent.
    pub uri: String,
    /// The query of the URI.
    pub query: Option<String>,
    /// The `Authorization` header.
    pub authorization: Option<String>,
    /// The `User-Agent` header.
    pub user_agent: Option<String>,
    /// Address of the client.
    pub peer: SocketAddr,
    /// The session whose media is to flow, where it is that which is asked; see
    /// [`crate::Engine::ask_before_media`].
    pub session: Option<Arc<SessionInfo>>,
    /// Whether its connection is encrypted.
    pub is_secure: bool,
    /// Where the request of HTTP came from that opened the WebSocket in which the client speaks RTSP, if it does.
    pub handshake: Option<Handshake>,
}

/// What the request that opened a WebSocket says of where it comes from: a browser says which page has sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handshake {
    /// The `Host` header: the name by which the client knows this server; empty where it says none.
    pub host: String,
    /// The `Origin` header (RFC 6454 section 7).
    pub origin: Option<String>,
    /// The `Sec-Fetch-Site` header (Fetch Metadata Request Headers).
    pub fetch_site: Option<String>,
    /// Whether a proxy has passed it on, and says so.
    pub is_forwarded: bool,
}

/// What a client wants to do at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Describe and play it.
    Read,
    /// Announce and record it: feed it.
    Publish,
}

impl Action {
    /// Its name in rules and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Publish => "publish",
        }
    }
}

/// The answer to a [`Request`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It may, as this user.
    Allow {
        /// Who it is, when known.
        user: Option<String>,
        /// What whoever decides calls this admission; it stands in the sessions that come of it. 0 is none.
        ticket: u64,
    },
    /// Credentials are needed or were wrong: 401 with these `WWW-Authenticate` headers.
    Challenge(Vec<String>),
    /// It may not.
    Refuse {
        /// RTSP status code.
        status: u16,
        /// What a person should read.
        reason: String,
    },
}
