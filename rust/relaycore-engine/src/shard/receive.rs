//! What publishers send: interleaved packets, datagrams on ports of their own, and the reports that go back.

use super::session::{Session, Target};
use super::udp::bind_pair;
use super::{RECEIVE_PORTS, Shard};
use crate::clock::{MILLISECOND, now_ns};
use crate::inlet::{INLET_BYTES, Inlet};
use mio::{Interest, Registry, Token};
use relaycore_proto::rtcp::is_rtcp;
use relaycore_proto::rtsp::state::State;
use slab::Slab;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::Ordering;

/// Most pairs of ports that a shard has for publishers.
const PAIRS_MAX: usize = (super::CONNECTIONS - RECEIVE_PORTS) / 2;

/// Datagrams read from one port before the others get their turn.
const DATAGRAMS: usize = 256;

/// Least time between two demands for a key frame, in nanoseconds: a publisher that makes one needs a while.
const KEY_FRAME_INTERVAL: u64 = 500 * MILLISECOND;

/// The ports on which one track of a publisher is received.
#[derive(Debug)]
pub(super) struct ReceivePorts {
    rtp: Inlet,
    rtcp: Inlet,
    port: u16,
    peer: IpAddr,
    /// The session and its track, once the session is there.
    pub(super) owner: Option<(usize, usize)>,
}

impl ReceivePorts {
    /// Binds a pair at `local` that takes what comes from `peer`.
    pub(super) fn open(
        all: &mut Slab<Self>,
        local: IpAddr,
        peer: IpAddr,
        registry: &Registry,
    ) -> io::Result<usize> {
        if all.len() >= PAIRS_MAX {
            return Err(io::ErrorKind::AddrNotAvailable.into());
        }
        let (mut rtp, mut rtcp, port) = bind_pair(local)?;
        let entry = all.vacant_entry();
        let key = entry.key();
        for (socket, token) in [(&mut rtp, 2 * key), (&mut rtcp, 2 * key + 1)] {
            registry.register(socket, Token(RECEIVE_PORTS + token), Interest::READABLE)?;
        }
        entry.insert(Self {
            rtp: Inlet::new(rtp),
            rtcp: Inlet::new(rtcp),
            port,
            peer,
            owner: None,
        });
        Ok(key)
    }

    /// Port of RTP; RTCP is on the next one.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Sends RTCP to the publisher; what cannot be sent is lost, as on any network.
    pub(super) fn send_rtcp(&self, to: SocketAddr, packet: &[u8]) {
        let _ = self.rtcp.socket.send_to(packet, to);
    }
}

impl Session {
    /// Takes one packet of a publisher. After those that came together, [`Shard::relay`] hands them on.
    pub(super) fn take_packet(&mut self, track: usize, packet: &[u8], now: u64, timeout: u64) {
        let Some(source) = self
            .source
            .as_mut()
            .filter(|_| self.state == State::Recording)
        else {
            return;
        };
        self.alive_until = now + timeout;
        if is_rtcp(packet) {
            source.rtcp(track, packet, now);
        } else {
            source.packet(track, packet, now);
        }
    }
}

impl Shard {
    /// Reads datagrams of a publisher; `token` is twice the place of its ports, one more for RTCP.
    pub(super) fn read_datagrams(&mut self, token: usize) {
        let Some(ports) = self.receive_ports.get(token / 2) else {
            return;
        };
        if self.datagrams.is_empty() {
            self.datagrams = vec![0; INLET_BYTES];
        }
        let now = now_ns();
        let is_rtcp_port = token % 2 == 1;
        let inlet = if is_rtcp_port {
            &ports.rtcp
        } else {
            &ports.rtp
        };
        let mut fed = None;
        let more = inlet.receive(&mut self.datagrams, DATAGRAMS, |packet, from| {
            if from.ip().to_canonical() == ports.peer
                && let Some((key, track)) = ports.owner
                && let Some(session) = self.sessions.get_mut(key)
            {
                fed = Some(key);
                session.take_packet(track, packet, now, self.session_timeout);
            }
        });
        if let Some(session) = fed {
            self.relay(session, now);
        }
        if more && !self.unread_datagrams.contains(&token) {
            self.unread_datagrams.push(token);
        }
    }

    /// What came together from a publisher goes to the readers.
    pub(super) fn relay(&mut self, key: usize, now: u64) {
        let Some(session) = self.sessions.get_mut(key) else {
            return;
        };
        let Some(source) = &mut session.source else {
            return;
        };
        if let Some(until) = source.flush(now)
            && !self.held.iter().any(|(held, _)| *held == key)
        {
            self.held.push((key, until));
        }
        let counters = &session.info.counters;
        counters.packets.store(source.packets, Ordering::Relaxed);
        counters.bytes.store(source.bytes, Ordering::Relaxed);
        if source.is_superseded() {
            self.end_superseded(key);
        }
    }

    /// Hands on what publishers have begun and not ended in time.
    pub(super) fn relay_held(&mut self) {
        let Some(until) = self.held.iter().map(|(_, until)| *until).min() else {
            return;
        };
        let now = now_ns();
        if until > now {
            return;
        }
        for (key, until) in std::mem::take(&mut self.held) {
            if until > now {
                self.held.push((key, until));
            } else {
                self.relay(key, now);
            }
        }
    }

    /// Ends the session of a publisher whose stream goes on without it.
    fn end_superseded(&mut self, key: usize) {
        let ended = self
            .sessions
            .get(key)
            .and_then(|session| session.stream.end_reason());
        self.end_session(key, ended.unwrap_or("another publisher took the path over"));
    }

    /// Another source has the stream, or it has ended.
    pub(super) fn superseded(&mut self, key: usize, number: u64) {
        if self
            .sessions
            .get(key)
            .is_some_and(|session| session.number == number)
        {
            self.end_superseded(key);
        }
    }

    /// Readers of a publisher's stream wait for a key frame: asked for at once, unless that was done just now.
    pub(super) fn ask_key_frame(&mut self, key: usize, number: u64) {
        let now = now_ns();
        let Some(session) = self.sessions.get_mut(key).filter(|it| it.number == number) else {
            return;
        };
        // The report that asks is the next one; see `send_receiver_reports`.
        session.report_at = session.report_at.min(session.key_frame_at.max(now));
        if session.report_at <= now {
            self.send_receiver_reports(key, now);
        }
        self.schedule_session(key);
    }

    /// Reports to a publisher how its tracks arrive, and asks for a key frame where readers wait for one.
    pub(super) fn send_receiver_reports(&mut self, key: usize, now: u64) {
        let Some(session) = self.sessions.get_mut(key) else {
            return;
        };
        let Some(source) = &mut session.source else {
            return;
        };
        session.report_at = now + super::reports::REPORT_INTERVAL;
        let asks = now >= session.key_frame_at && session.stream.key_frame_wanted();
        if asks {
            session.key_frame_at = now + KEY_FRAME_INTERVAL;
        }
        for (number, track) in session.tracks.iter().enumerate() {
            let Some(track) = track else { continue };
            let Some(packet) = source.report(number, now, asks) else {
                continue;
            };
            match track.target {
                Target::Interleaved { rtcp, .. } => {
                    let connection = session
                        .connection
                        .and_then(|key| self.connections.get_mut(key));
                    if let Some(connection) = connection {
                        connection.output.frame(rtcp, &packet);
                    }
                }
                Target::Receive { ports, rtcp } => {
                    if let Some(ports) = self.receive_ports.get(ports) {
                        ports.send_rtcp(rtcp, &packet);
                    }
                }
                Target::Udp { .. } | Target::Group { .. } | Target::Member => {}
            }
        }
        let (lost, jitter) = source.reception();
        session.info.counters.lost.store(lost, Ordering::Relaxed);
        session
            .info
            .counters
            .jitter_ns
            .store(jitter, Ordering::Relaxed);
        if let Some(connection) = session.connection {
            self.flush(connection);
        }
    }

    /// Closes the ports of a track, where it has any.
    pub(super) fn close_receive_ports(&mut self, target: &Target) {
        let Target::Receive { ports, .. } = *target else {
            return;
        };
        if let Some(mut ports) = self.receive_ports.try_remove(ports) {
            let _ = self.poll.registry().deregister(&mut ports.rtp.socket);
            let _ = self.poll.registry().deregister(&mut ports.rtcp.socket);
        }
    }
}
