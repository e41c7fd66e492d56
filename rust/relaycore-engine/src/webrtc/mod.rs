//! WebRTC (RFC 8825): sessions of browsers that are agreed on by an offer and an answer, as WHEP and WHIP (RFC 9725)
//! carry them, with media over SRTP.
//!
//! One thread of its own serves all of them: what encrypting costs delays no reader of RTSP. It reads streams as a shard
//! does, from bursts and with a cursor for each reader; the payloads of packets are shared by all readers, and only their
//! headers and their encryption are each reader's own. DTLS, ICE, SRTP and the description of sessions are str0m's, which
//! does no input or output.
//!
//! This side is ICE-lite (RFC 8445 section 2.5): it has an address that clients reach, says so, and answers their checks.
//! Those whom UDP does not reach connect to the port of the engine by TCP (RFC 6544); a shard knows such a connection by its
//! first bytes, and hands it on.

mod budget;
mod channel;
mod gateway;
mod negotiation;
mod outlet;
mod payloads;
mod peer;
mod publishing;
mod reading;
mod restart;
#[cfg(test)]
mod tests;
mod worker;

pub(crate) use channel::Caller;
pub(crate) use gateway::Gateways;

use crate::engine::Engine;
use crate::web_session::WebSession;
use std::fmt;

/// Most bytes of an offer, or of a fragment with candidates.
pub const MOST_DESCRIPTION_BYTES: usize = 64 * 1024;

/// Why an offer was not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OfferError {
    /// It cannot be understood.
    Malformed(String),
    /// Nothing that it wants can be had: no codec of the client's carries the stream, or the other way round.
    Unacceptable(String),
    /// The path cannot be fed by this client.
    Conflict(String),
    /// Datagrams cannot be received.
    Unavailable(String),
}

impl OfferError {
    /// The status of HTTP that says it.
    pub fn status(&self) -> u16 {
        match self {
            Self::Malformed(_) => 400,
            Self::Unacceptable(_) => 406,
            Self::Conflict(_) => 409,
            Self::Unavailable(_) => 503,
        }
    }
}

impl fmt::Display for OfferError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(reason)
            | Self::Unacceptable(reason)
            | Self::Conflict(reason)
            | Self::Unavailable(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for OfferError {}

impl Engine {
    /// Answers the offer (SDP, RFC 8866) of the client of a session that has begun, which reads or publishes as its
    /// session says; from then on its media flows without the program. The sound of a reader is that of its path, or of
    /// the stream at `sound`. Gives the answer.
    ///
    /// # Errors
    /// When the offer is malformed, nothing in it can be had, the path cannot be fed, or no datagrams can be received.
    pub fn answer_offer(
        &self,
        session: &WebSession,
        offer: &str,
        sound: Option<&str>,
    ) -> Result<String, OfferError> {
        let gateway = self.shared.gateways.get(&self.shared).map_err(|error| {
            OfferError::Unavailable(format!("no datagrams for WebRTC: {error}"))
        })?;
        gateway.answer(&self.shared, session.share(), offer, sound)
    }

    /// Lets the client of a session connect anew (ICE restart), as a fragment of a description (RFC 8840) asks for. Gives the
    /// fragment that answers; media goes on by the former connection until then.
    ///
    /// # Errors
    /// When the fragment has no new name and password, or there is nobody to connect.
    pub fn restart_ice(&self, session: &WebSession, fragment: &str) -> Result<String, OfferError> {
        let gateway = self.shared.gateways.get(&self.shared).map_err(|error| {
            OfferError::Unavailable(format!("no datagrams for WebRTC: {error}"))
        })?;
        gateway.restart(&session.info().id, fragment)
    }

    /// Takes candidates of the client of a session, from a fragment of a description (RFC 8840). Those that cannot be
    /// understood are none.
    pub fn add_candidates(&self, session: &WebSession, fragment: &str) {
        if let Ok(gateway) = self.shared.gateways.get(&self.shared) {
            gateway.add_candidates(&session.info().id, fragment);
        }
    }
}
