//! Connections that move to another shard: one that names a session of that shard (RFC 2326 §1.1: a session is not
//! bound to a connection), or brings the requests of a tunnel whose answers go out there. The socket leaves this event loop; what was read, what is still to be written and what was
//! decided about its client go with it.

use super::connection::Connection;
use super::tunnel::{Role, TunnelKey};
use super::{CONNECTIONS, Command, Shard};
use crate::clock::{SECOND, now_ns};
use crate::session::TransportKind;
use mio::{Interest, Token};
use relaycore_proto::rtsp::header::session::parse_id;
use relaycore_proto::rtsp::message::Request;
use std::net::SocketAddr;

/// A connection on its way to the shard that goes on with it.
#[derive(Debug)]
pub(crate) struct Moving {
    connection: Connection,
    errand: Errand,
}

/// Why a connection moves.
#[derive(Debug)]
pub(super) enum Errand {
    /// The other shard answers this request.
    Request(Request),
    /// The tunnel whose requests it brings is there.
    Tunnel(TunnelKey),
}

impl Shard {
    /// Takes a connection into the event loop; `None` when the operating system refuses it.
    pub(super) fn register(&mut self, mut connection: Connection) -> Option<usize> {
        self.next_number += 1;
        connection.number = self.next_number;
        connection.timer_at = u64::MAX;
        connection.is_resumed = false;
        let entry = self.connections.vacant_entry();
        let key = entry.key();
        let registered = self.poll.registry().register(
            connection.wire.socket(),
            Token(CONNECTIONS + key),
            Interest::READABLE | Interest::WRITABLE,
        );
        if registered.is_err() {
            self.count_connection_out();
            return None;
        }
        entry.insert(connection);
        self.schedule_connection(key);
        Some(key)
    }

    /// The other shard that has the session which a request names, where the connection can move there: it has no
    /// session here, and the session is not bound to the connection that carries its packets.
    pub(super) fn shard_of_named(&self, key: usize, request: &Request) -> Option<usize> {
        let id = parse_id(request.headers.get("Session")?);
        if self.session_keys.contains_key(id) {
            return None;
        }
        let session = self.shared.session(id)?;
        let connection = self.connections.get(key)?;
        let can_move = session.transport != TransportKind::Tcp && connection.sessions.is_empty();
        let can_move = can_move && matches!(connection.role, Role::Plain);
        let shard = session.server.number()?;
        (can_move && shard != self.number).then_some(shard)
    }

    /// Moves a connection to another shard.
    pub(super) fn hand_over(&mut self, key: usize, errand: Errand, shard: usize) {
        let Some(mut connection) = self.connections.try_remove(key) else {
            return;
        };
        self.count_connection_out();
        let Some(other) = self.shards.get(shard) else {
            return;
        };
        // A socket that cannot leave this event loop cannot enter another: it is closed.
        if self
            .poll
            .registry()
            .deregister(connection.wire.socket())
            .is_ok()
        {
            other.count_in();
            other.send(Command::Adopt(Box::new(Moving { connection, errand })));
        }
    }

    /// Goes on with a connection of another shard.
    pub(super) fn adopt_connection(&mut self, moving: Moving) {
        let Moving {
            mut connection,
            errand,
        } = moving;
        connection.closing |= self.ends_at.is_some();
        connection.idle_at = now_ns() + self.shared.limits.idle_connection_s * SECOND;
        // What is ready at its registration is told again.
        connection.output.unblock();
        if let Some(key) = self.register(connection) {
            match errand {
                Errand::Request(request) => self.request(key, request),
                Errand::Tunnel(tunnel) => self.join_tunnel(key, tunnel),
            }
            self.serve(self.tunnel_of(key));
        }
    }

    /// A client has set up a track at a port where another session sends to: a session whose connection is gone
    /// belongs to the same client, which came back.
    pub(super) fn end_orphan(&mut self, rtcp: SocketAddr) {
        let owner = self.rtcp_peers.get(&rtcp).copied();
        let is_orphan = |owner: &usize| {
            self.sessions
                .get(*owner)
                .is_some_and(|of| of.connection.is_none())
        };
        if let Some(orphan) = owner.filter(is_orphan) {
            self.end_session(orphan, "its client came back");
        }
    }

    /// As [`Shard::end_orphan`], in all shards.
    pub(super) fn end_orphans(&mut self, rtcp: SocketAddr) {
        self.end_orphan(rtcp);
        for (number, shard) in self.shards.iter().enumerate() {
            if number != self.number {
                shard.send(Command::CameBack(rtcp));
            }
        }
    }

    /// A connection of this shard is gone.
    pub(super) fn count_connection_out(&self) {
        self.shards[self.number].count_out();
    }
}
