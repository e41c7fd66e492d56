//! What the client asks for, and how it answers the little that servers ask.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::description::Description;
use super::error::ClientError;
use super::machine::{Client, Event, MILLISECOND, Phase};
use super::transport::{self, Lower};
use crate::rtsp::header::session::DEFAULT_TIMEOUT_S;
use crate::rtsp::header::transport::Mode;
use crate::rtsp::message::{Request, Response};
use crate::rtsp::method::Method;
use crate::rtsp::status::StatusCode;

/// Most requests whose answer is waited for; a server that answers no keep-alive is no reason to remember them all.
const WAITING_MAX: usize = 8;

/// Longest time between two keep-alives, in seconds, whatever the server promises.
const KEEP_ALIVE_S_MAX: u32 = 600;

/// A request without an answer.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    pub(super) cseq: u32,
    pub(super) method: Method,
    pub(super) uri: String,
    /// Headers beyond those that every request has.
    pub(super) headers: Vec<(&'static str, String)>,
    /// How often it was sent again with another `Authorization`.
    pub(super) repeated: u32,
    /// Whether it had an `Authorization`.
    pub(super) authorized: bool,
}

impl Waiting {
    /// Whether it answers a challenge.
    pub(super) fn is_answer(&self) -> bool {
        self.repeated > 0
    }
}

impl Client {
    /// Sends a request whose answer moves the client on.
    pub(super) fn send(
        &mut self,
        method: Method,
        uri: String,
        headers: Vec<(&'static str, String)>,
        now: u64,
    ) {
        self.wait_for_answer(now);
        self.transmit(Waiting {
            cseq: 0,
            method,
            uri,
            headers,
            repeated: 0,
            authorized: false,
        });
    }

    /// Writes a request, for the first time or again.
    pub(super) fn transmit(&mut self, mut waiting: Waiting) {
        waiting.cseq = self.next_cseq;
        self.next_cseq = self.next_cseq.wrapping_add(1);
        let Waiting { method, uri, .. } = &waiting;
        let mut request = Request::new(method.clone(), uri.as_str())
            .header("CSeq", waiting.cseq.to_string())
            .header("User-Agent", self.settings.user_agent.as_str());
        if *method == Method::Describe {
            request
                .headers
                .push("Via", format!("RTSP/1.0 {}", self.settings.via));
        }
        let authorization = self.authenticator.authorization(method.as_str(), uri);
        waiting.authorized = authorization.is_some();
        if let Some(authorization) = authorization {
            request.headers.push("Authorization", authorization);
        }
        if let Some(session) = &self.session {
            request.headers.push("Session", session.id.as_str());
        }
        for (name, value) in &waiting.headers {
            request.headers.push(*name, value.as_str());
        }
        if let (Method::Announce, Some(description)) = (&waiting.method, &self.announced) {
            request = request.with_body("application/sdp", description.as_str());
        }
        request.write_to(&mut self.output);
        if self.waiting.len() == WAITING_MAX {
            self.waiting.pop_front();
        }
        self.waiting.push_back(waiting);
    }

    pub(super) fn send_describe(&mut self, now: u64) {
        self.phase = Phase::Describe;
        let uri = String::from(self.server.uri());
        let accept = String::from("application/sdp");
        self.send(Method::Describe, uri, Vec::from([("Accept", accept)]), now);
    }

    /// Says what will be published.
    pub(super) fn send_announce(&mut self, now: u64) {
        let uri = String::from(self.server.uri());
        let description = self.announced.as_deref().unwrap_or_default();
        match Description::of(description, &uri, self.settings.limits.tracks) {
            Ok(description) => self.description = description,
            Err(error) => return self.fail(error),
        }
        self.phase = Phase::Describe;
        self.send(Method::Announce, uri, Vec::new(), now);
    }

    /// Begins to set the tracks up with the transport that is chosen.
    pub(super) fn begin_setup(&mut self, now: u64) {
        self.deliveries.clear();
        match self.lower {
            Lower::Tcp => {
                self.phase = Phase::Setup;
                self.send_setup(now);
            }
            Lower::Udp => {
                self.phase = Phase::Bind;
                self.wait_for_answer(now);
                let tracks = self.description.sections.len();
                self.events.push_back(Event::Bind { tracks });
            }
        }
    }

    /// Asks for the next track.
    pub(super) fn send_setup(&mut self, now: u64) {
        let index = self.deliveries.len();
        let Some(section) = self.description.sections.get(index) else {
            return;
        };
        let uri = section.url.clone();
        let port = self.ports.get(index).copied().unwrap_or_default();
        let mut transport = transport::request(self.lower, index, port);
        if self.announced.is_some() {
            transport.mode = Some(Mode::Record);
        }
        let transport = transport.to_string();
        self.send(
            Method::Setup,
            uri,
            Vec::from([("Transport", transport)]),
            now,
        );
    }

    /// Begins to play, or to record.
    pub(super) fn send_play(&mut self, now: u64) {
        self.phase = Phase::Play;
        let method = match self.announced {
            None => Method::Play,
            Some(_) => Method::Record,
        };
        let uri = self.description.aggregate.clone();
        // Some servers do not play without a range.
        let range = String::from("npt=0.000-");
        self.send(method, uri, Vec::from([("Range", range)]), now);
    }

    pub(super) fn send_teardown(&mut self, now: u64) {
        let uri = self.description.aggregate.clone();
        self.send(Method::Teardown, uri, Vec::new(), now);
    }

    /// Keeps the session alive. Whether it is, the packets show: nobody waits for the answer.
    pub(super) fn send_keep_alive(&mut self, now: u64) {
        self.schedule_keep_alive(now);
        let patience_ends = self.patience_ends;
        let (method, uri) = (self.keep_alive.clone(), self.description.aggregate.clone());
        self.send(method, uri, Vec::new(), now);
        self.patience_ends = patience_ends;
        if self.is_flooded() {
            self.fail(ClientError::Flooded);
        }
    }

    /// The next keep-alive comes after half of the time that the session has.
    pub(super) fn schedule_keep_alive(&mut self, now: u64) {
        let named = self.session.as_ref().and_then(|session| session.timeout_s);
        let timeout = named
            .filter(|timeout| *timeout > 0)
            .unwrap_or(DEFAULT_TIMEOUT_S);
        let timeout = timeout.min(2 * KEEP_ALIVE_S_MAX);
        self.keep_alive_at = now + u64::from(timeout) * 500 * MILLISECOND;
    }

    /// Answers a request of the server.
    pub(super) fn server_request(&mut self, request: &Request, now: u64) {
        let status = match &request.method {
            Method::Redirect => return self.redirected(request.headers.get("Location"), now),
            Method::Options
            | Method::GetParameter
            | Method::SetParameter
            | Method::Announce
            | Method::Teardown => StatusCode::OK,
            _ => StatusCode::NOT_IMPLEMENTED,
        };
        let mut response = Response::to_request(request, status);
        if request.method == Method::Options {
            let methods = "OPTIONS, ANNOUNCE, GET_PARAMETER, SET_PARAMETER, REDIRECT, TEARDOWN";
            response.headers.push("Public", methods);
        }
        response.write_to(&mut self.output);
        if request.method == Method::Teardown {
            self.fail(ClientError::SessionEnded);
        } else if self.is_flooded() {
            self.fail(ClientError::Flooded);
        }
    }
}
