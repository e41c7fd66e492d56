//! ANNOUNCE and RECORD: somebody wants to feed a path (RFC 2326 §10.3, §10.11).

use super::Shard;
use super::requests::absolute;
use super::session::BaseUrl;
use crate::clock::now_ns;
use crate::decision::Action;
use crate::engine::AddStreamError;
use crate::paths::OpenSourceError;
use relaycore_proto::rtsp::message::{Request, Response};
use relaycore_proto::rtsp::status::StatusCode;
use relaycore_proto::rtsp::url::{Url, content_base};
use relaycore_proto::sdp::{self, Sdp};
use relaycore_proto::track::Track;
use std::sync::atomic::Ordering;

/// What a publisher has said that it will send, until it sets it up.
#[derive(Debug)]
pub(super) struct Announced {
    /// The path.
    pub(super) path: String,
    /// URL of the whole, with a slash at its end.
    pub(super) base_url: BaseUrl,
    /// Its description: SETUP names its sections.
    pub(super) description: Sdp,
    /// A track for each section.
    pub(super) tracks: Vec<Track>,
}

impl Shard {
    /// Answers an ANNOUNCE.
    pub(super) fn announce(&mut self, key: usize, request: Request, url: &Url) {
        self.end_attempt(key, now_ns());
        if url.path.is_empty() {
            let reason = "Name a path to publish to, like rtsp://HOST/mystream";
            return self.refuse(key, &request, StatusCode::BAD_REQUEST, reason);
        }
        if !self.may(key, &request, Action::Publish, &url.path) {
            return;
        }
        if let Err(error) = self.shared.is_open(&url.path) {
            return self.refuse_source(key, &request, &error);
        }
        let is_sdp = |kind: &str| {
            let kind = kind.split(';').next().unwrap_or_default().trim();
            kind.eq_ignore_ascii_case("application/sdp")
        };
        if !request.headers.get("Content-Type").is_none_or(is_sdp) {
            let reason = "The description of a published stream is application/sdp";
            return self.refuse(key, &request, StatusCode::UNSUPPORTED_MEDIA_TYPE, reason);
        }
        let (description, tracks) = match self.describe_tracks(&request) {
            Ok(described) => described,
            Err(reason) => return self.refuse(key, &request, StatusCode::BAD_REQUEST, &reason),
        };
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        let base_url = BaseUrl {
            base: absolute(&content_base(&request.uri), connection.local),
            query: String::new(),
        };
        connection.announced = Some(Box::new(Announced {
            path: url.path.clone(),
            base_url,
            description,
            tracks,
        }));
        self.respond(key, Response::to_request(&request, StatusCode::OK));
    }

    fn describe_tracks(&self, request: &Request) -> Result<(Sdp, Vec<Track>), String> {
        let text = String::from_utf8_lossy(&request.body);
        let description = sdp::parse(&text).map_err(|error| error.to_string())?;
        let most = self.shared.limits.tracks;
        let count = description.media.len();
        if count == 0 || count > most {
            return Err(format!("A stream has from 1 to {most} tracks, not {count}"));
        }
        let tracks = description.media.iter().map(|media| media.track());
        let tracks: Result<Vec<_>, _> = tracks.collect();
        match tracks {
            Ok(tracks) => Ok((description, tracks)),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Refuses a publisher whose path cannot be fed now.
    pub(super) fn refuse_source(&mut self, key: usize, request: &Request, error: &OpenSourceError) {
        let status = match error {
            OpenSourceError::Stream(AddStreamError::TooMany(_)) => StatusCode::NOT_ENOUGH_BANDWIDTH,
            OpenSourceError::Busy | OpenSourceError::Stream(_) => StatusCode::FORBIDDEN,
        };
        self.refuse(key, request, status, &error.to_string());
    }

    /// Answers a RECORD.
    pub(super) fn record(&mut self, key: usize, request: Request, url: &Url) {
        let Some(session_key) = self.session_or_refuse(key, &request, url) else {
            return;
        };
        let Some(next) = self.next_state(key, &request, session_key) else {
            return;
        };
        if !self.may_begin(key, &request, session_key) {
            return;
        }
        let now = now_ns();
        if let Some(session) = self.sessions.get_mut(session_key) {
            session.state = next;
            session.report_at = now + super::reports::REPORT_INTERVAL;
            session.info.counters.playing.store(1, Ordering::Relaxed);
        }
        let response = self.session_response(&request, session_key);
        self.respond(key, response);
        self.schedule_session(session_key);
    }
}
