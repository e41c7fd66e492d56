//! Multicast: one sender for a stream, whatever the number of its sessions.
//!
//! The sender is a session of its own that no client knows, in the shard that the stream's number chooses. It begins
//! with the first PLAY in any shard, or where the program holds the group, and ends, with a goodbye, when the last
//! member has left and nobody holds it. Members get nothing from their own shards; what they report reaches the sender's
//! ports, and each shard keeps those alive that it comes from.

use super::session::{BaseUrl, Session, Target, TrackTransport};
use super::setup::Chosen;
use super::udp::UdpPair;
use super::{Command, GROUP_PORTS, RTCP_BYTES, RTCP_PACKETS, RTCP_PORTS, Shard, ShardHandle};
use crate::clock::now_ns;
use crate::cursor::{Cursor, Joining};
use crate::decision::Action;
use crate::engine::{Shared, lock};
use crate::journey::Arrival;
use crate::multicast::Multicast;
use crate::session::{Protocol, Server, SessionCounters, SessionInfo, TransportKind};
use crate::stream::{Stream, StreamId};
use mio::Token;
use relaycore_proto::rtcp::{RtcpPacket, parse_compound};
use relaycore_proto::rtsp::header::range::Range;
use relaycore_proto::rtsp::header::transport::Transport;
use relaycore_proto::rtsp::message::Request;
use relaycore_proto::rtsp::state::State;
use relaycore_proto::rtsp::status::StatusCode;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::{fmt, io};

/// The groups that are sent to.
#[derive(Debug, Default)]
pub(crate) struct Groups(Mutex<HashMap<StreamId, Sent>>);

/// A group that is sent to.
#[derive(Debug)]
struct Sent {
    multicast: Multicast,
    /// Sessions that play; one more where the program holds it.
    members: usize,
    is_held: bool,
}

/// Why a group cannot be held.
#[derive(Debug)]
pub enum HoldGroupError {
    /// There is no such stream.
    NoStream(String),
    /// Its path has no group.
    NoGroup(String),
    /// The operating system does not send there.
    System(io::Error),
}

impl fmt::Display for HoldGroupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoStream(path) => write!(f, "no stream at the path {path}"),
            Self::NoGroup(path) => write!(f, "the path {path} has no group"),
            Self::System(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for HoldGroupError {}

impl Groups {
    /// Begins to send to the group of a stream, or goes on with one member more. `owner` is the shard that sends.
    fn enter(
        &self,
        stream: &Arc<Stream>,
        multicast: Multicast,
        owner: &ShardHandle,
        holds: bool,
    ) -> io::Result<()> {
        // Held until the command is on its way, so that beginning and end of a group stay in order.
        let mut groups = lock(&self.0);
        if let Some(sent) = groups.get_mut(&stream.id()) {
            if holds && sent.is_held {
                return Ok(());
            }
            sent.members += 1;
            sent.is_held |= holds;
            stream.want_key_frame();
        } else {
            let tracks = 0..stream.tracks().len();
            let sockets = tracks.map(|track| multicast.open(track));
            let open = OpenGroup {
                stream: Arc::clone(stream),
                multicast,
                sockets: sockets.collect::<io::Result<_>>()?,
            };
            let sent = Sent {
                multicast,
                members: 1,
                is_held: holds,
            };
            groups.insert(stream.id(), sent);
            owner.send(Command::OpenGroup(Box::new(open)));
        }
        if holds {
            // Nobody knows how many listen: they are one reader.
            stream.counters.readers.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// A session that played has left the group of its stream.
    fn leave(&self, stream: StreamId, owner: &ShardHandle) {
        let mut groups = lock(&self.0);
        if let Some(sent) = groups.get_mut(&stream) {
            sent.members -= 1;
            if sent.members == 0 {
                groups.remove(&stream);
                owner.send(Command::CloseGroup(stream));
            }
        }
    }

    /// The program holds the group no more; `false` when it did not.
    fn release(&self, stream: &Stream, owner: &ShardHandle) -> bool {
        if !self.let_go(stream) {
            return false;
        }
        self.leave(stream.id(), owner);
        true
    }

    /// As if nobody had held it; the member is still to leave.
    fn let_go(&self, stream: &Stream) -> bool {
        let mut groups = lock(&self.0);
        let held = groups.get_mut(&stream.id()).filter(|sent| sent.is_held);
        let Some(sent) = held else {
            return false;
        };
        sent.is_held = false;
        stream.counters.readers.fetch_sub(1, Ordering::Relaxed);
        true
    }
}

impl Shared {
    /// The group of a stream: the one that is sent to now, or that of its path.
    fn multicast_of(&self, stream: &Stream) -> Option<Multicast> {
        let open = lock(&self.groups.0)
            .get(&stream.id())
            .map(|sent| sent.multicast);
        open.or_else(|| self.path_options(stream.path()).multicast)
    }

    /// Sends to the group of the stream at `path` without a session, until it is released or the stream has ended.
    pub(crate) fn hold_group(
        &self,
        path: &str,
        shards: &[ShardHandle],
    ) -> Result<(), HoldGroupError> {
        let stream = self.stream(path);
        let stream = stream.ok_or_else(|| HoldGroupError::NoStream(path.to_owned()))?;
        let multicast = self.multicast_of(&stream);
        let multicast = multicast.ok_or_else(|| HoldGroupError::NoGroup(path.to_owned()))?;
        let owner = owner_of(stream.id(), shards);
        self.groups
            .enter(&stream, multicast, owner, true)
            .map_err(HoldGroupError::System)
    }

    /// Sends there for sessions alone from now on; `false` when nobody held the group.
    pub(crate) fn release_group(&self, path: &str, shards: &[ShardHandle]) -> bool {
        self.stream(path)
            .is_some_and(|stream| self.groups.release(&stream, owner_of(stream.id(), shards)))
    }
}

/// The shard that sends to the group of a stream.
fn owner_of(stream: StreamId, shards: &[ShardHandle]) -> &ShardHandle {
    &shards[stream.0 as usize % shards.len()]
}

/// A group that is to be sent to from now on.
#[derive(Debug)]
pub(crate) struct OpenGroup {
    stream: Arc<Stream>,
    multicast: Multicast,
    /// Of each track.
    sockets: Vec<(UdpSocket, UdpSocket)>,
}

/// The ports by which one track is sent to its group.
pub(super) struct GroupPorts {
    pub(super) pair: UdpPair,
    pub(super) rtp: SocketAddr,
    pub(super) rtcp: SocketAddr,
    session: usize,
    track: usize,
}

impl fmt::Debug for GroupPorts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupPorts")
            .field("rtp", &self.rtp)
            .finish_non_exhaustive()
    }
}

impl Shard {
    /// The group of a stream: the one that is sent to now, or that of its path.
    pub(super) fn multicast_of(&self, stream: &Stream) -> Option<Multicast> {
        self.shared.multicast_of(stream)
    }

    /// What a track is set up with by multicast, where its path has a group. Address and ports are ours to choose.
    pub(super) fn join(&self, stream: &Stream, track: usize, offer: Transport) -> Option<Chosen> {
        let multicast = self.multicast_of(stream)?;
        let (rtp, rtcp) = multicast.targets(track)?;
        let answer = Transport {
            multicast: true,
            destination: Some(multicast.group().to_string()),
            source: multicast.source().map(|source| source.to_string()),
            port: Some((rtp.port(), rtcp.port())),
            ttl: Some(multicast.ttl()),
            ..Transport::new(offer.profile)
        };
        Some(Chosen {
            target: Target::Member,
            answer,
        })
    }

    /// Answers a PLAY of a session of multicast.
    pub(super) fn play_group(
        &mut self,
        key: usize,
        request: &Request,
        session_key: usize,
        next: State,
    ) {
        let Some(session) = self.sessions.get_mut(session_key) else {
            return;
        };
        let stream = Arc::clone(&session.stream);
        if session.state != State::Playing {
            if !self.attach(session_key) {
                let reason = "The stream has ended; start again";
                return self.refuse(key, request, StatusCode::SESSION_NOT_FOUND, reason);
            }
            if let Err(error) = self.enter_group(&stream) {
                self.detach(session_key);
                let reason = format!("The group cannot be sent to: {error}");
                let status = StatusCode::DESTINATION_UNREACHABLE;
                return self.refuse(key, request, status, &reason);
            }
            if let Some(session) = self.sessions.get_mut(session_key) {
                session.state = next;
                session.info.counters.plays(now_ns());
                self.expect(session_key);
            }
        }
        let range = Range::Clock {
            start: stream.unix_ns(now_ns()),
            end: None,
        };
        let response = self.session_response(request, session_key);
        self.respond(key, response.header("Range", range.to_string()));
    }

    fn enter_group(&self, stream: &Arc<Stream>) -> io::Result<()> {
        let multicast = self.multicast_of(stream).ok_or(io::ErrorKind::NotFound)?;
        let owner = owner_of(stream.id(), &self.shards);
        self.shared.groups.enter(stream, multicast, owner, false)
    }

    /// A session that played has left the group of its stream.
    pub(super) fn leave_group(&self, stream: StreamId) {
        let owner = owner_of(stream, &self.shards);
        self.shared.groups.leave(stream, owner);
    }

    /// Begins to send to a group.
    pub(super) fn open_group(&mut self, open: OpenGroup) {
        let OpenGroup {
            stream,
            multicast,
            sockets,
        } = open;
        let now = now_ns();
        self.next_number += 1;
        let number = self.next_number;
        let session_key = self.sessions.vacant_key();
        let mut tracks = Vec::new();
        for (track, (rtp, rtcp)) in sockets.into_iter().enumerate() {
            let ports = self.open_group_ports(session_key, track, multicast, rtp, rtcp);
            tracks.push(ports.map(|ports| TrackTransport::new(Target::Group { ports })));
        }
        let options = *stream.options();
        let info = Arc::new(SessionInfo {
            id: String::new(),
            server: Server::shard(self.number),
            action: Action::Read,
            path: stream.path().to_owned(),
            user: None,
            ticket: 0,
            peer: SocketAddr::new(multicast.group(), multicast.port()),
            user_agent: None,
            protocol: Protocol::Rtsp,
            transport: TransportKind::Multicast,
            is_secure: false,
            arrival: Arrival::default(),
            started: now,
            counters: SessionCounters::default(),
        });
        let id = stream.id();
        let held = Arc::clone(&stream);
        let session = Session::new(number, info, stream, BaseUrl::default(), tracks, u64::MAX);
        self.sessions.insert(session);
        self.groups.insert(id, session_key);
        if !self.attach(session_key) {
            return self.end_group(&held);
        }
        let (Some(session), Some(local)) =
            (self.sessions.get_mut(session_key), self.streams.get(&id))
        else {
            return;
        };
        let joining = Joining {
            policy: options.join,
            can_force_key_frames: options.can_force_key_frames,
            now,
        };
        let cursor = Cursor::join(session.selection(), &local.ring, joining);
        let waits = cursor.is_waiting();
        session.cursor = Some(cursor);
        session.state = State::Playing;
        session.report_at = now + super::reports::REPORT_INTERVAL;
        if waits {
            session.stream.want_key_frame();
        } else {
            self.send_reports(session_key, now, false);
            self.feed_datagrams(session_key);
        }
        self.schedule_session(session_key);
    }

    fn open_group_ports(
        &mut self,
        session: usize,
        track: usize,
        multicast: Multicast,
        rtp: UdpSocket,
        rtcp: UdpSocket,
    ) -> Option<usize> {
        let targets = multicast.targets(track)?;
        let entry = self.group_ports.vacant_entry();
        let key = entry.key();
        let token = Token(RTCP_PORTS + GROUP_PORTS + key);
        let pair = UdpPair::with(rtp, rtcp, self.poll.registry(), token).ok()?;
        entry.insert(GroupPorts {
            pair,
            rtp: targets.0,
            rtcp: targets.1,
            session,
            track,
        });
        Some(key)
    }

    /// The stream of a group has ended: whoever held it does so no more.
    pub(super) fn end_group(&mut self, stream: &Stream) {
        if self.shared.groups.let_go(stream) {
            self.leave_group(stream.id());
        }
        self.close_group(stream.id());
    }

    /// Ends sending to the group of a stream, with a goodbye.
    pub(super) fn close_group(&mut self, stream: StreamId) {
        let Some(key) = self.groups.remove(&stream) else {
            return;
        };
        self.send_reports(key, now_ns(), true);
        self.detach(key);
        let Some(session) = self.sessions.try_remove(key) else {
            return;
        };
        for track in session.tracks.into_iter().flatten() {
            if let Target::Group { ports } = track.target {
                self.group_ports.try_remove(ports);
            }
        }
    }

    /// Passes on what receivers report at the ports of a group.
    pub(super) fn read_group(&mut self, port: usize) {
        let mut buffer = [0; RTCP_BYTES];
        for _ in 0..RTCP_PACKETS {
            let Some(ports) = self.group_ports.get(port) else {
                return;
            };
            let Some((length, from)) = ports.pair.receive_rtcp(&mut buffer) else {
                return;
            };
            let Some(session) = self.sessions.get(ports.session) else {
                return;
            };
            let own = session.stream.ssrc(ports.track);
            let is_report = match parse_compound(&buffer[..length]).as_deref() {
                // What we send comes back to ourselves.
                Ok([RtcpPacket::SenderReport(report), ..]) => Some(report.ssrc) != own,
                Ok([RtcpPacket::ReceiverReport(report), ..]) => Some(report.ssrc) != own,
                Ok([]) | Err(_) => false,
                Ok(_) => true,
            };
            if is_report {
                let packet: Arc<[u8]> = buffer[..length].into();
                let from = from.ip().to_canonical();
                for shard in &self.shards {
                    let (stream, track) = (session.stream_id(), ports.track);
                    shard.send(Command::GroupReport(
                        stream,
                        track,
                        from,
                        Arc::clone(&packet),
                    ));
                }
            }
        }
        self.read_again(GROUP_PORTS + port);
    }

    /// A receiver at this address reports about a track that comes to it by multicast.
    pub(super) fn take_group_report(
        &mut self,
        stream: StreamId,
        track: usize,
        from: IpAddr,
        packet: &[u8],
    ) {
        let Some(local) = self.streams.get(&stream) else {
            return;
        };
        let is_its = |key: &usize| {
            self.sessions.get(*key).is_some_and(|session| {
                session.is_member() && session.info.peer.ip().to_canonical() == from
            })
        };
        let members: Vec<_> = local.readers.iter().copied().filter(is_its).collect();
        for key in members {
            self.receive_rtcp(key, track, packet, now_ns());
        }
    }
}
