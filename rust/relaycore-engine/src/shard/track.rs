//! One track of several: a client may give it up and keep the others (RFC 2326 §10.7).

use super::Shard;
use super::session::Target;
use crate::clock::now_ns;
use relaycore_proto::rtsp::message::Request;
use relaycore_proto::rtsp::status::StatusCode;
use relaycore_proto::rtsp::url::Url;

impl Shard {
    /// The track that a URL names, unless that is all that the session has: clients use the URL of a lone track for the
    /// whole.
    pub(super) fn one_of_several(&self, session: usize, url: &Url) -> Option<usize> {
        let track = url.track?;
        let is_all = self.sessions.get(session)?.track_numbers().eq([track]);
        (!is_all).then_some(track)
    }

    /// Answers a TEARDOWN of one track of several: it gets a goodbye, and the session goes on without it.
    pub(super) fn teardown_track(
        &mut self,
        key: usize,
        request: &Request,
        session_key: usize,
        track: usize,
    ) {
        let Some(session) = self.sessions.get(session_key) else {
            return;
        };
        if !session.track_numbers().any(|known| known == track) {
            let reason = "The session does not have this track";
            return self.refuse(key, request, StatusCode::NOT_FOUND, reason);
        }
        if session.source.is_some() {
            let status = StatusCode::ONLY_AGGREGATE_OPERATION_ALLOWED;
            let reason = "Only all tracks together can be published: leave out the track";
            return self.refuse(key, request, status, reason);
        }
        let connection = session.connection;
        if session.cursor.is_some() {
            self.send_report(session_key, track, now_ns(), true);
        }
        if let Some(connection) = connection.and_then(|key| self.connections.get_mut(key)) {
            connection.output.discard_track(session_key, track);
        }
        let Some(session) = self.sessions.get_mut(session_key) else {
            return;
        };
        session.sending.take_if(|(burst, _)| burst.track == track);
        if let Some(cursor) = &mut session.cursor {
            cursor.leave(track);
        }
        let left = session.tracks.get_mut(track).and_then(Option::take);
        if let Some(Target::Udp { rtcp, .. }) = left.map(|left| left.target) {
            self.rtcp_peers.remove(&rtcp);
        }
        let response = self.session_response(request, session_key);
        self.respond(key, response);
    }
}
