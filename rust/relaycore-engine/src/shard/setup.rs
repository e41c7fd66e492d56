//! SETUP: the transport of a track (RFC 2326 §10.4, §12.39).

use super::connection::Connection;
use super::requests::absolute;
use super::session::{BaseUrl, Session, Target, TrackTransport};
use super::tunnel::Role;
use super::udp::UdpPair;
use super::{RTCP_PORTS, Shard};
use crate::clock::now_ns;
use crate::decision::Action;
use crate::events::Event;
use crate::ingest::Source;
use crate::random::session_id;
use crate::session::{Protocol, Server, SessionCounters, SessionInfo, TransportKind};
use crate::stream::Stream;
use mio::Token;
use relaycore_proto::rtsp::header::session::parse_id;
use relaycore_proto::rtsp::header::transport::{Mode, Profile, Transport, parse_list};
use relaycore_proto::rtsp::message::Request;
use relaycore_proto::rtsp::method::Method;
use relaycore_proto::rtsp::state;
use relaycore_proto::rtsp::status::StatusCode;
use relaycore_proto::rtsp::url::{Url, content_base, split_track};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// Most addresses of this machine that have datagram ports: a client can reach every address of 127.0.0.0/8.
const UDP_ADDRESSES: usize = 64;

/// What was chosen of a client's offers.
pub(super) struct Chosen {
    /// Where the track's packets go or come from.
    pub(super) target: Target,
    /// The transport as the client is told.
    pub(super) answer: Transport,
}

impl Shard {
    /// Answers a SETUP.
    pub(super) fn setup(&mut self, key: usize, request: Request, url: &Url) {
        let existing = match request.headers.get("Session").map(parse_id) {
            None => None,
            Some(_) => match self.session_or_refuse(key, &request, url) {
                Some(session) => Some(session),
                None => return,
            },
        };
        if existing.is_none() {
            self.begin_attempt(key, &request, url);
        }
        if !self.may(key, &request, Action::Read, &url.path) {
            return;
        }
        self.note_authorised(key);
        let Some(stream) = self.stream_or_refuse(key, &request, &url.path) else {
            return;
        };
        let track_count = stream.tracks().len();
        let track = match url.track {
            Some(track) if track < track_count => track,
            Some(_) => {
                return self.refuse(
                    key,
                    &request,
                    StatusCode::NOT_FOUND,
                    "No such track; DESCRIBE lists them",
                );
            }
            None if track_count == 1 => 0,
            None => {
                let status = StatusCode::AGGREGATE_OPERATION_NOT_ALLOWED;
                return self.refuse(key, &request, status, "Set up each track by its own URL");
            }
        };
        if let Some(session) = existing {
            if self.next_state(key, &request, session).is_none() {
                return;
            }
            if self
                .sessions
                .get(session)
                .is_some_and(|session| session.stream.id() != stream.id())
            {
                return self.refuse(
                    key,
                    &request,
                    StatusCode::SESSION_NOT_FOUND,
                    "The stream was replaced; start again",
                );
            }
        } else if !self.can_begin_session(key, &request) {
            return;
        }
        let Some(chosen) = self.choose_transport(key, &request, existing, &stream, track) else {
            let reason = match self.keeps_media(key) {
                Some(within) => format!("Unsupported transport; {within} RTP/AVP/TCP interleaved is served"),
                None => "Unsupported transport; RTP/AVP/TCP interleaved and RTP/AVP unicast with client_port are served, and RTP/AVP multicast where the path has a group".to_owned(),
            };
            return self.refuse(key, &request, StatusCode::UNSUPPORTED_TRANSPORT, &reason);
        };
        let session = existing.unwrap_or_else(|| {
            let base_url = self.base_url(key, &request);
            self.new_session(key, &request, stream, &chosen, base_url, None)
        });
        self.set_track(session, track, &chosen);
        let mut answer = chosen.answer;
        answer.ssrc = self
            .sessions
            .get(session)
            .and_then(|session| session.stream.ssrc(track))
            .map(|ssrc| ssrc.0);
        let response = self
            .session_response(&request, session)
            .header("Transport", answer.to_string());
        self.respond(key, response);
    }

    /// Whether a connection can have a session more; refuses the request when it cannot. What begins has to be told, so
    /// that nothing begins while the program does not take what it is told.
    pub(super) fn can_begin_session(&mut self, key: usize, request: &Request) -> bool {
        if self.has_too_many_sessions(key) {
            self.refuse_session(key, request);
            return false;
        }
        if self.shared.events.is_full() {
            self.respond_overloaded(key, request, "Too many events wait; try again");
            return false;
        }
        true
    }

    /// Refuses a session more than a connection may have.
    pub(super) fn refuse_session(&mut self, key: usize, request: &Request) {
        let reason = "Too many sessions on one connection; end one with TEARDOWN";
        self.refuse(key, request, StatusCode::NOT_ENOUGH_BANDWIDTH, reason);
    }

    /// Whether a connection can have no session more.
    pub(super) fn has_too_many_sessions(&self, key: usize) -> bool {
        let most = self.shared.limits.sessions_per_connection;
        self.connections
            .get(key)
            .is_some_and(|connection| connection.sessions.len() >= most)
    }

    /// The first of the offered transports that can be served.
    fn choose_transport(
        &mut self,
        key: usize,
        request: &Request,
        session: Option<usize>,
        stream: &Stream,
        track: usize,
    ) -> Option<Chosen> {
        self.first_offer(request, session, |shard, way, offer| {
            if offer.mode.is_some_and(|mode| mode != Mode::Play) {
                return None;
            }
            match way {
                TransportKind::Tcp => shard.interleaved(key, session, track, offer),
                _ if shard.keeps_media(key).is_some() => None,
                TransportKind::Udp => shard.datagrams(key, session, track, offer),
                TransportKind::Multicast => shard.join(stream, track, offer),
            }
        })
    }

    /// What keeps the media of a connection within it, where something does: encryption, or a WebSocket, whose client may
    /// be the page of a browser, or behind a proxy.
    pub(super) fn keeps_media(&self, key: usize) -> Option<&'static str> {
        let connection = self.connections.get(key)?;
        if connection.wire.is_secure() {
            return Some("over TLS");
        }
        matches!(connection.role, Role::WebSocket(_)).then_some("in a WebSocket")
    }

    /// Whether a connection is encrypted.
    pub(super) fn is_secure(&self, key: usize) -> bool {
        let connection = self.connections.get(key);
        connection.is_some_and(|connection| connection.wire.is_secure())
    }

    /// What `serve` makes of the first of the offered transports that it takes. A session keeps to one way.
    pub(super) fn first_offer(
        &mut self,
        request: &Request,
        session: Option<usize>,
        mut serve: impl FnMut(&mut Self, TransportKind, Transport) -> Option<Chosen>,
    ) -> Option<Chosen> {
        let offers = parse_list(request.headers.get("Transport")?);
        let kind = session
            .and_then(|key| self.sessions.get(key))
            .map(Session::transport);
        offers.into_iter().find_map(|offer| {
            let way = match offer.profile {
                Profile::RtpAvpTcp | Profile::RtpAvpfTcp => TransportKind::Tcp,
                Profile::RtpAvpUdp | Profile::RtpAvpfUdp if offer.multicast => {
                    TransportKind::Multicast
                }
                Profile::RtpAvpUdp | Profile::RtpAvpfUdp => TransportKind::Udp,
                _ => return None,
            };
            match kind {
                Some(kind) if kind != way => None,
                _ => serve(self, way, offer),
            }
        })
    }

    pub(super) fn interleaved(
        &self,
        key: usize,
        session: Option<usize>,
        track: usize,
        offer: Transport,
    ) -> Option<Chosen> {
        let connection = self.connections.get(key)?;
        // The channels that the track has already may be chosen again.
        let used = |channel: u8| {
            connection.sessions.iter().any(|owner| {
                let of = self.sessions.get(*owner);
                of.and_then(|of| of.track_of_channel(channel))
                    .is_some_and(|of| (Some(*owner), of) != (session, track))
            })
        };
        let free = |(rtp, rtcp): &(u8, u8)| rtp != rtcp && !used(*rtp) && !used(*rtcp);
        let usual = u8::try_from(track * 2)
            .ok()
            .map(|channel| (channel, channel + 1));
        let pairs = (0..=u8::MAX - 1)
            .step_by(2)
            .map(|channel| (channel, channel + 1));
        let (rtp, rtcp) = offer
            .interleaved
            .into_iter()
            .chain(usual)
            .chain(pairs)
            .find(free)?;
        let answer = Transport {
            interleaved: Some((rtp, rtcp)),
            ..Transport::new(offer.profile)
        };
        Some(Chosen {
            target: Target::Interleaved { rtp, rtcp },
            answer,
        })
    }

    fn datagrams(
        &mut self,
        key: usize,
        session: Option<usize>,
        track: usize,
        offer: Transport,
    ) -> Option<Chosen> {
        let Connection { peer, local, .. } = self.connections.get(key)?;
        let (peer, local) = (peer.ip().to_canonical(), local.ip().to_canonical());
        let ports = offer.client_port?;
        // Packets go to whoever asked, never to a third party that a request names.
        let names_other = |name: &String| {
            name.parse::<IpAddr>()
                .map_or(true, |address| address.to_canonical() != peer)
        };
        if offer.destination.as_ref().is_some_and(names_other) {
            return None;
        }
        let rtcp = SocketAddr::new(peer, ports.1);
        // Of two clients at one port the first is gone: it only has not timed out yet.
        self.end_orphans(rtcp);
        let owner = self.rtcp_peers.get(&rtcp).copied();
        let owns = |owner: usize| {
            let of = self.sessions.get(owner);
            Some(owner) == session && of.is_some_and(|of| of.track_of_address(rtcp) == Some(track))
        };
        if owner.is_some_and(|owner| !owns(owner)) {
            return None;
        }
        let port = self.udp_pair(local).ok()?.port;
        let target = Target::Udp {
            local,
            rtp: SocketAddr::new(peer, ports.0),
            rtcp,
        };
        let answer = Transport {
            client_port: Some(ports),
            server_port: Some((port, port + 1)),
            source: Some(local.to_string()),
            ..Transport::new(offer.profile)
        };
        Some(Chosen { target, answer })
    }

    /// The ports at an address of this machine, bound at the first use.
    fn udp_pair(&mut self, local: IpAddr) -> std::io::Result<&UdpPair> {
        if !self.udp.contains_key(&local) {
            if self.udp.len() >= UDP_ADDRESSES {
                return Err(std::io::ErrorKind::AddrNotAvailable.into());
            }
            let token = Token(RTCP_PORTS + self.rtcp_ports.len());
            let pair = UdpPair::bind(local, self.poll.registry(), token)?;
            self.rtcp_ports.push(local);
            self.udp.insert(local, pair);
        }
        self.udp
            .get(&local)
            .ok_or_else(|| std::io::ErrorKind::NotFound.into())
    }

    /// URL of the whole stream of which a SETUP names a track.
    fn base_url(&self, key: usize, request: &Request) -> BaseUrl {
        let (before, query) = request.uri.split_once('?').unwrap_or((&request.uri, ""));
        // A query stays where the client has it: behind the track, or in front of it.
        let (base, query) = match split_track(before) {
            (base, Some(_)) => (base, query),
            _ => (split_track(&request.uri).0, ""),
        };
        let base = content_base(base);
        let base = match self.connections.get(key) {
            Some(connection) => absolute(&base, connection.local),
            None => base,
        };
        BaseUrl {
            base,
            query: query.to_owned(),
        }
    }

    /// A session of a reader, or of a publisher with its source.
    pub(super) fn new_session(
        &mut self,
        key: usize,
        request: &Request,
        stream: Arc<Stream>,
        chosen: &Chosen,
        base_url: BaseUrl,
        source: Option<Source>,
    ) -> usize {
        let now = now_ns();
        let arrival = self.end_attempt(key, now);
        let connection = self.connections.get(key);
        let action = match source {
            Some(_) => Action::Publish,
            None => Action::Read,
        };
        let grant = connection.and_then(|connection| connection.grant(action, stream.path()));
        let info = Arc::new(SessionInfo {
            id: session_id(),
            server: Server::shard(self.number),
            action,
            path: stream.path().to_owned(),
            user: grant.and_then(|grant| grant.user.clone()),
            ticket: grant.map_or(0, |grant| grant.ticket),
            peer: connection.map_or_else(
                || SocketAddr::from(([0; 4], 0)),
                |connection| connection.peer,
            ),
            user_agent: request.headers.get("User-Agent").map(str::to_owned),
            protocol: match connection.map(|connection| &connection.role) {
                Some(Role::TunnelAnswers { .. }) => Protocol::RtspOverHttp,
                Some(Role::WebSocket(_)) => Protocol::RtspOverWebSocket,
                _ => Protocol::Rtsp,
            },
            transport: match chosen.target {
                Target::Interleaved { .. } => TransportKind::Tcp,
                Target::Udp { .. } | Target::Receive { .. } => TransportKind::Udp,
                Target::Group { .. } | Target::Member => TransportKind::Multicast,
            },
            is_secure: self.is_secure(key),
            arrival,
            started: now,
            counters: SessionCounters::default(),
        });
        self.next_number += 1;
        let number = self.next_number;
        let tracks = vec![None; stream.tracks().len()];
        let alive_until = now + self.session_timeout;
        let session = Session::new(
            number,
            Arc::clone(&info),
            stream,
            base_url,
            tracks,
            alive_until,
        );
        let session_key = self.sessions.insert(Session {
            connection: Some(key),
            source,
            ..session
        });
        self.session_keys.insert(info.id.clone(), session_key);
        if let Some(connection) = self.connections.get_mut(key) {
            connection.sessions.push(session_key);
        }
        self.schedule_session(session_key);
        self.shared.remember(&info);
        self.shared.events.push(Event::SessionStarted(info));
        session_key
    }

    /// Gives a track of a session its transport.
    pub(super) fn set_track(&mut self, key: usize, track: usize, chosen: &Chosen) {
        let Some(session) = self.sessions.get_mut(key) else {
            return;
        };
        if let Ok(next) = state::next(session.state, &Method::Setup) {
            session.state = next;
        }
        let Some(place) = session.tracks.get_mut(track) else {
            return;
        };
        let numbering = place.as_ref().map(|before| before.numbering);
        let before = place.replace(TrackTransport {
            numbering: numbering.unwrap_or_default(),
            ..TrackTransport::new(chosen.target)
        });
        if let Some(TrackTransport { target, .. }) = before {
            if let Target::Udp { rtcp, .. } = target {
                self.rtcp_peers.remove(&rtcp);
            }
            self.close_receive_ports(&target);
        }
        if let Target::Udp { rtcp, .. } = chosen.target {
            self.rtcp_peers.insert(rtcp, key);
        }
    }
}
