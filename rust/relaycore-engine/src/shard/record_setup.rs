//! SETUP of a track that a publisher sends (RFC 2326 §10.4, §12.39 with `mode=record`).

use super::Shard;
use super::connection::Connection;
use super::receive::ReceivePorts;
use super::session::{Session, Target, Upstream};
use super::setup::Chosen;
use crate::decision::Action;
use crate::session::TransportKind;
use relaycore_proto::rtsp::header::transport::{Mode, Transport, parse_list};
use relaycore_proto::rtsp::message::Request;
use relaycore_proto::rtsp::status::StatusCode;
use relaycore_proto::rtsp::url::Url;
use std::net::SocketAddr;
use std::sync::Arc;

impl Shard {
    /// Whether a SETUP is one of a publisher: it says so, or comes behind an ANNOUNCE.
    pub(super) fn is_record_setup(&self, key: usize, request: &Request) -> bool {
        let offers = parse_list(request.headers.get("Transport").unwrap_or_default());
        match offers.iter().find_map(|offer| offer.mode) {
            Some(mode) => mode == Mode::Record,
            None => self
                .connections
                .get(key)
                .is_some_and(|connection| connection.announced.is_some()),
        }
    }

    /// Answers a SETUP of a publisher.
    pub(super) fn setup_record(&mut self, key: usize, request: Request, url: &Url) {
        let existing = match request.headers.get("Session") {
            None => None,
            Some(_) => match self.session_or_refuse(key, &request, url) {
                Some(session) => Some(session),
                None => return,
            },
        };
        let announced = self
            .connections
            .get(key)
            .and_then(|connection| connection.announced.as_ref());
        let Some(announced) = announced else {
            let status = StatusCode::METHOD_NOT_VALID_IN_THIS_STATE;
            return self.refuse(key, &request, status, "A publisher begins with ANNOUNCE");
        };
        let path = announced.path.clone();
        let Some(track) = announced.description.media_index(&request.uri) else {
            let reason = "No such track; ANNOUNCE listed them";
            return self.refuse(key, &request, StatusCode::NOT_FOUND, reason);
        };
        if !self.may(key, &request, Action::Publish, &path) {
            return;
        }
        let session = match existing {
            Some(session) => {
                let publishes = |session: &Session| session.source.is_some();
                if !self.sessions.get(session).is_some_and(publishes) {
                    let status = StatusCode::METHOD_NOT_VALID_IN_THIS_STATE;
                    return self.refuse(key, &request, status, "The session reads");
                }
                if self.next_state(key, &request, session).is_none() {
                    return;
                }
                Some(session)
            }
            None if !self.can_begin_session(key, &request) => return,
            None => None,
        };
        let Some(chosen) = self.choose_record_transport(key, &request, session, track) else {
            let reason = match self.keeps_media(key) {
                Some(within) => format!("Unsupported transport; {within} RTP/AVP/TCP interleaved is taken"),
                None => "Unsupported transport; RTP/AVP/TCP interleaved and RTP/AVP unicast with client_port are taken".to_owned(),
            };
            return self.refuse(key, &request, StatusCode::UNSUPPORTED_TRANSPORT, &reason);
        };
        let session = match session {
            Some(session) => session,
            None => match self.new_publication(key, &request, &chosen) {
                Some(session) => session,
                None => return self.close_receive_ports(&chosen.target),
            },
        };
        if let Target::Receive { ports, .. } = chosen.target
            && let Some(ports) = self.receive_ports.get_mut(ports)
        {
            ports.owner = Some((session, track));
        }
        self.set_track(session, track, &chosen);
        let response = self
            .session_response(&request, session)
            .header("Transport", chosen.answer.to_string());
        self.respond(key, response);
    }

    fn choose_record_transport(
        &mut self,
        key: usize,
        request: &Request,
        session: Option<usize>,
        track: usize,
    ) -> Option<Chosen> {
        self.first_offer(request, session, |shard, way, offer| {
            let mut chosen = match way {
                _ if offer.multicast => return None,
                TransportKind::Tcp => shard.interleaved(key, session, track, offer),
                _ if shard.keeps_media(key).is_some() => None,
                TransportKind::Udp => shard.receive(key, offer),
                TransportKind::Multicast => None,
            }?;
            chosen.answer.mode = Some(Mode::Record);
            Some(chosen)
        })
    }

    /// A pair of ports of its own: what arrives there is of this track, from whatever port of the client it comes.
    fn receive(&mut self, key: usize, offer: Transport) -> Option<Chosen> {
        let Connection { peer, local, .. } = self.connections.get(key)?;
        let (peer, local) = (peer.ip().to_canonical(), local.ip().to_canonical());
        let client = offer.client_port?;
        let ports =
            ReceivePorts::open(&mut self.receive_ports, local, peer, self.poll.registry()).ok()?;
        let port = self.receive_ports.get(ports)?.port();
        let target = Target::Receive {
            ports,
            rtcp: SocketAddr::new(peer, client.1),
        };
        let answer = Transport {
            client_port: Some(client),
            server_port: Some((port, port + 1)),
            source: Some(local.to_string()),
            ..Transport::new(offer.profile)
        };
        Some(Chosen { target, answer })
    }

    /// The session of a publisher, with the stream that it feeds; refuses the request when the path cannot be fed.
    fn new_publication(&mut self, key: usize, request: &Request, chosen: &Chosen) -> Option<usize> {
        let announced = self.connections.get(key)?.announced.as_ref()?;
        let (path, tracks) = (announced.path.clone(), announced.tracks.clone());
        let base_url = announced.base_url.clone();
        let upstream = Arc::new(Upstream {
            shard: self.shards[self.number].clone(),
            // Of the session that is made next.
            session: self.sessions.vacant_key(),
            number: self.next_number + 1,
        });
        let ordered = !matches!(chosen.target, Target::Receive { .. });
        match self.shared.open_source(&path, tracks, ordered, upstream) {
            Ok(source) => {
                let stream = Arc::clone(source.stream());
                let session =
                    self.new_session(key, request, stream, chosen, base_url, Some(source));
                Some(session)
            }
            Err(error) => {
                self.refuse_source(key, request, &error);
                None
            }
        }
    }
}
