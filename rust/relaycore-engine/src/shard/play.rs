//! PLAY: joining the stream. The answer names the first packet that is really sent, so it waits for it
//! (RFC 2326 §10.5, §12.33).

use super::Shard;
use super::connection::Pending;
use super::session::Session;
use crate::clock::{SECOND, now_ns};
use crate::cursor::{Cursor, Joining};
use crate::session::TransportKind;
use relaycore_proto::rtsp::header::range::{Range, RangeError};
use relaycore_proto::rtsp::header::rtp_info::{Entry, write_list};
use relaycore_proto::rtsp::message::{Request, Response};
use relaycore_proto::rtsp::state::State;
use relaycore_proto::rtsp::status::StatusCode;
use relaycore_proto::rtsp::url::Url;

/// How long the answer to PLAY waits for the first picture; then it goes out without naming a packet.
const FIRST_PICTURE_NS: u64 = 2 * SECOND;

impl Shard {
    /// Answers a PLAY, at once or with the first picture. All tracks that are set up play together, whichever of them the
    /// URL names: clients that know no aggregate control ask for one after the other.
    pub(super) fn play(&mut self, key: usize, request: Request, url: &Url) {
        let Some(session_key) = self.session_or_refuse(key, &request, url) else {
            return;
        };
        let Some(next) = self.next_state(key, &request, session_key) else {
            return;
        };
        if let Some(Err(error)) = request.headers.get("Range").map(Range::parse) {
            let status = match error {
                RangeError::Unit => StatusCode::NOT_IMPLEMENTED,
                RangeError::Syntax => StatusCode::BAD_REQUEST,
            };
            return self.refuse(key, &request, status, "The range is neither npt nor clock");
        }
        if !self.may_begin(key, &request, session_key) {
            return;
        }
        let session = self.sessions.get(session_key);
        if session.is_some_and(Session::is_member) {
            return self.play_group(key, &request, session_key, next);
        }
        if session.is_some_and(|session| session.cursor.is_some()) {
            let response = self.session_response(&request, session_key);
            return self.respond(key, response);
        }
        if !self.attach(session_key) {
            let reason = "The stream has ended; start again";
            return self.refuse(key, &request, StatusCode::SESSION_NOT_FOUND, reason);
        }
        let Some(session) = self.sessions.get_mut(session_key) else {
            return;
        };
        let Some(local) = self.streams.get(&session.stream.id()) else {
            return;
        };
        let options = session.stream.options();
        let now = now_ns();
        let joining = Joining {
            policy: options.join,
            can_force_key_frames: options.can_force_key_frames,
            now,
        };
        let cursor = Cursor::join(session.selection(), &local.ring, joining);
        if cursor.is_waiting() {
            session.stream.want_key_frame();
        }
        let waits = cursor.is_waiting();
        session.cursor = Some(cursor);
        session.state = next;
        session.info.counters.plays(now);
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        let deadline = now + FIRST_PICTURE_NS;
        let cseq = request.cseq().unwrap_or_default().to_owned();
        connection.pending = Some(Pending::Play {
            session: session_key,
            cseq,
            deadline,
        });
        self.schedule_connection(key);
        if !waits {
            self.answer_play(session_key);
        }
    }

    /// Answers the PLAY that waits for this session, with the packets that come first as far as they are known, and
    /// sends the first reports. `false` when no PLAY waits.
    pub(super) fn answer_play(&mut self, session_key: usize) -> bool {
        let Some(session) = self.sessions.get_mut(session_key) else {
            return false;
        };
        let Some(key) = session.connection else {
            return false;
        };
        let Some(connection) = self.connections.get_mut(key) else {
            return false;
        };
        let cseq = match connection.pending.take() {
            Some(Pending::Play { session, cseq, .. }) if session == session_key => cseq,
            other => {
                connection.pending = other;
                return false;
            }
        };
        let now = now_ns();
        let local = self.streams.get(&session.stream.id());
        let cursor = session
            .cursor
            .as_ref()
            .filter(|cursor| !cursor.is_waiting());
        let mut entries = Vec::new();
        let mut start = now;
        if let (Some(cursor), Some(local)) = (cursor, local) {
            for (track, sequence, rtptime) in cursor.first_packets(&local.ring) {
                let transport = session.tracks.get(track).and_then(Option::as_ref);
                entries.push(Entry {
                    url: session.base_url.track(track),
                    seq: transport.map_or(sequence, |it| it.numbering.of_next(sequence)),
                    rtptime,
                });
            }
            let tracks = session.stream.tracks();
            let rate = tracks
                .get(cursor.start_track())
                .map_or(0, |it| it.clock_rate);
            start = cursor.first_moment(&local.ring, rate).unwrap_or(now);
        }
        session.report_at = now + super::reports::REPORT_INTERVAL;
        debug_assert_eq!(session.state, State::Playing);
        let timeout = self.shared.limits.session_timeout_s;
        let range = Range::Clock {
            start: session.stream.unix_ns(start),
            end: None,
        };
        let mut response = Response::new(StatusCode::OK)
            .header("CSeq", cseq)
            .header("Session", session.header(timeout))
            .header("Range", range.to_string());
        if !entries.is_empty() {
            response = response.header("RTP-Info", write_list(&entries));
        }
        let transport = session.transport();
        self.respond(key, response);
        self.send_reports(session_key, now, false);
        self.schedule_session(session_key);
        match transport {
            // The answer first: a reader of datagrams learns from it which packet is the first.
            TransportKind::Udp => {
                self.flush(key);
                self.feed_datagrams(session_key);
            }
            TransportKind::Tcp | TransportKind::Multicast => {}
        }
        // Requests behind the PLAY waited for its answer.
        self.resume(key);
        true
    }
}
