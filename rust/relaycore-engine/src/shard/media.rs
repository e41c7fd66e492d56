//! Fan-out: each reader of a stream that has something new is written to, datagrams paced.

use super::journey::meet;
use super::output::Sent;
use super::session::{Session, Target, add};
use super::{LocalStream, Shard, TimerKey};
use crate::clock::{MILLISECOND, now_ns};
use crate::session::TransportKind;
use crate::stream::StreamId;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// RTP packets that a datagram reader gets at once; the rest of a large burst follows a millisecond later, so that a
/// receiver with a small buffer loses none.
const PACED_PACKETS: usize = 16;

/// Nanoseconds between two portions of a paced burst.
pub(super) const PACE_INTERVAL: u64 = MILLISECOND;

impl Shard {
    /// Writes to the readers of all streams that have new bursts.
    pub(super) fn fan_out(&mut self) {
        let mut touched = std::mem::take(&mut self.touched);
        for id in touched.drain(..) {
            let Some(local) = self.streams.get_mut(&id) else {
                continue;
            };
            let mut fresh = std::mem::take(&mut local.fresh);
            let began = now_ns();
            // A copy of the keys, since a reader that fails leaves the list while it is walked.
            let mut readers = std::mem::take(&mut self.walked);
            readers.clear();
            readers.extend_from_slice(&local.readers);
            for &key in &readers {
                self.feed(key);
            }
            self.walked = readers;
            if let Some(local) = self.streams.get_mut(&id) {
                let sent = now_ns();
                local.stream.walked(sent - began);
                if !self.expecting.is_empty() {
                    meet(
                        &mut self.expecting,
                        &self.sessions,
                        &local.stream,
                        &fresh,
                        sent,
                    );
                }
                let start_track = local.stream.start_track();
                for burst in fresh.drain(..).filter(|burst| burst.track == start_track) {
                    local.stream.latency().record(&burst.stages, sent);
                }
                // Nothing has come meanwhile: the place is kept for what comes next.
                local.fresh = fresh;
            }
        }
        self.touched = touched;
    }

    /// Gives a reader what it can take now.
    pub(super) fn feed(&mut self, key: usize) {
        self.start_waiting(key);
        let Some(session) = self.sessions.get(key) else {
            return;
        };
        match (session.transport(), session.connection) {
            (TransportKind::Tcp, Some(connection)) => self.flush(connection),
            (TransportKind::Tcp, None) => {}
            // Members of a group have no cursor: they get what its sender sends.
            (TransportKind::Udp | TransportKind::Multicast, _) => self.feed_datagrams(key),
        }
    }

    /// Lets a session that waits for a random access point start, if one has come.
    fn start_waiting(&mut self, key: usize) {
        let Some(session) = self.sessions.get_mut(key) else {
            return;
        };
        let Some(cursor) = session.cursor.as_mut().filter(|cursor| cursor.is_waiting()) else {
            return;
        };
        let Some(local) = self.streams.get(&session.stream.id()) else {
            return;
        };
        if !cursor.try_start(&local.ring) {
            return;
        }
        let counters = &session.info.counters;
        let is_first = counters.first_picture.load(Ordering::Relaxed) == 0;
        if !self.answer_play(key) && is_first {
            // PLAY was answered without a picture: the report that tells its time comes with it now.
            self.send_reports(key, now_ns(), false);
        }
    }

    /// Fills the output of a connection from its sessions and writes until the socket takes no more.
    pub(super) fn flush(&mut self, key: usize) {
        let now = now_ns();
        let mut sent = std::mem::take(&mut self.sent);
        let mut failed = false;
        if let Some(connection) = self.connections.get_mut(key)
            && let Err(error) = connection.wire.send()
        {
            failed = error.kind() != io::ErrorKind::WouldBlock;
        }
        while !failed {
            let Some(connection) = self.connections.get_mut(key) else {
                break;
            };
            let blocked = connection.output.is_blocked();
            for &session_key in &connection.sessions {
                let Some(session) = self.sessions.get_mut(session_key) else {
                    continue;
                };
                if session.connection != Some(key) || session.transport() != TransportKind::Tcp {
                    continue;
                }
                let Some(local) = self.streams.get(&session.stream_id()) else {
                    continue;
                };
                let output = &mut connection.output;
                let waited = output.age(session_key, now);
                skip_when_late(session, local, now, self.reader_age, waited, || {
                    output.discard(session_key)
                });
                while !connection.closing && connection.output.has_room() {
                    let Some((burst, since)) = session.take_burst(&local.ring) else {
                        break;
                    };
                    if let Some(channel) = session.channel(burst.track) {
                        connection.output.push(session_key, &burst, channel, since);
                    }
                }
            }
            if blocked || connection.output.is_empty() {
                break;
            }
            let is_all = connection.output.has_room();
            match connection.output.write(&mut connection.wire, &mut sent) {
                Ok(count) => {
                    let timeout = self.session_timeout;
                    for Sent {
                        session,
                        burst,
                        packets,
                    } in sent.drain(..)
                    {
                        // The place may belong to another session by now.
                        let session = self.sessions.get_mut(session);
                        if let Some(session) =
                            session.filter(|session| session.connection == Some(key))
                        {
                            let bytes = burst.packets_bytes(packets);
                            session.count(&burst, packets, bytes, now);
                            // A peer that takes what is sent to it is alive, whether it says so or not.
                            session.alive_until = now + timeout;
                        }
                    }
                    if is_all || count == 0 {
                        break;
                    }
                }
                Err(_) => {
                    failed = true;
                    break;
                }
            }
        }
        sent.clear();
        self.sent = sent;
        self.tell_lags(key);
        let done = self
            .connections
            .get(key)
            .is_some_and(|connection| connection.closing && connection.has_written_all());
        if failed || done {
            self.close_connection(
                key,
                if failed {
                    "the connection was lost"
                } else {
                    "closed"
                },
            );
        }
    }

    /// Tells how far the readers of a connection are behind.
    fn tell_lags(&mut self, key: usize) {
        let Some(connection) = self.connections.get(key) else {
            return;
        };
        for &session_key in &connection.sessions {
            let Some(session) = self.sessions.get_mut(session_key) else {
                continue;
            };
            if session.connection == Some(key)
                && session.transport() == TransportKind::Tcp
                && let Some(local) = self.streams.get(&session.stream_id())
            {
                session.tell_lag(connection.output.since(session_key), &local.ring);
            }
        }
    }

    /// Sends a datagram reader what it may have now; the rest of a large burst waits for [`Shard::pace`].
    pub(super) fn feed_datagrams(&mut self, key: usize) {
        let now = now_ns();
        let Some(session) = self.sessions.get_mut(key) else {
            return;
        };
        let Some(local) = self.streams.get(&session.stream_id()) else {
            return;
        };
        if session.paced_at > now {
            return;
        }
        if session.sending.is_none() {
            skip_when_late(session, local, now, self.reader_age, 0, || 0);
        }
        let mut budget = PACED_PACKETS;
        let mut blocked = false;
        while budget > 0 && !blocked {
            let begun = session.sending.take();
            let next = || session.take_burst(&local.ring).map(|(burst, _)| (burst, 0));
            let Some((burst, first)) = begun.or_else(next) else {
                break;
            };
            let target = session
                .tracks
                .get(burst.track)
                .and_then(Option::as_ref)
                .map(|transport| transport.target);
            let ports = match target {
                Some(Target::Udp { local, rtp, .. }) => {
                    self.udp.get(&local).map(|pair| (pair, rtp))
                }
                Some(Target::Group { ports }) => {
                    let ports = self.group_ports.get(ports);
                    ports.map(|ports| (&ports.pair, ports.rtp))
                }
                _ => continue,
            };
            let Some((pair, rtp)) = ports else {
                return;
            };
            let sent = pair.send_burst(rtp, &burst, first, budget);
            budget -= sent.packets.min(budget);
            blocked = sent.blocked;
            session.count(&burst, sent.packets, sent.bytes, now);
            let end = first + sent.packets;
            if end < burst.packet_count() {
                session.sending = Some((burst, end));
            }
        }
        let begun = session.sending.as_ref().zip(session.cursor.as_ref());
        let begun_since = begun.map(|((burst, _), cursor)| cursor.could_have(burst));
        session.tell_lag(begun_since, &local.ring);
        let more = session.sending.is_some()
            || session
                .cursor
                .as_mut()
                .is_some_and(|cursor| cursor.peek(&local.ring).is_some());
        if more {
            session.paced_at = now + PACE_INTERVAL;
            if !std::mem::replace(&mut session.is_paced, true) {
                self.pacing.push(key);
            }
        }
    }

    /// Goes on with the bursts that are sent in portions.
    pub(super) fn pace(&mut self) {
        let now = now_ns();
        let due = |session: Option<&Session>| session.is_none_or(|session| session.paced_at <= now);
        if self.pacing.iter().all(|key| !due(self.sessions.get(*key))) {
            return;
        }
        for key in std::mem::take(&mut self.pacing) {
            if due(self.sessions.get(key)) {
                if let Some(session) = self.sessions.get_mut(key) {
                    session.is_paced = false;
                }
                self.feed_datagrams(key);
            } else {
                self.pacing.push(key);
            }
        }
    }

    /// Makes a session a reader of its stream, which the shard subscribes to with its first reader. `false` when the
    /// stream has ended.
    pub(super) fn attach(&mut self, key: usize) -> bool {
        let Some(session) = self.sessions.get(key) else {
            return false;
        };
        let stream = Arc::clone(&session.stream);
        // The members of a group are its readers.
        let counted = usize::from(!session.is_group());
        let id = stream.id();
        if !self.streams.contains_key(&id) {
            let Some(ring) = stream.subscribe(Arc::clone(&self.subscriber)) else {
                return false;
            };
            let local = LocalStream {
                stream: Arc::clone(&stream),
                ring,
                readers: Vec::new(),
                fresh: Vec::new(),
            };
            self.streams.insert(id, local);
        }
        if let Some(local) = self
            .streams
            .get_mut(&id)
            .filter(|local| !local.readers.contains(&key))
        {
            local.readers.push(key);
            let readers = &stream.counters.readers;
            readers.fetch_add(counted, Ordering::Relaxed);
        }
        true
    }

    /// Stops feeding a session; the last one of a stream ends the shard's subscription.
    pub(super) fn detach(&mut self, key: usize) {
        let Some(session) = self.sessions.get_mut(key) else {
            return;
        };
        session.cursor = None;
        if let Some((burst, sent)) = session.sending.take() {
            session.cut(&burst, sent);
        }
        let counters = &session.info.counters;
        let played = counters.playing.swap(0, Ordering::Relaxed) == 1;
        counters.behind_since.store(0, Ordering::Relaxed);
        let counted = usize::from(!session.is_group());
        let has_left = played && session.is_member();
        let id: StreamId = session.stream_id();
        if has_left {
            self.leave_group(id);
        }
        let Some(local) = self.streams.get_mut(&id) else {
            return;
        };
        let before = local.readers.len();
        local.readers.retain(|reader| *reader != key);
        if local.readers.len() < before {
            let readers = &local.stream.counters.readers;
            readers.fetch_sub(counted, Ordering::Relaxed);
        }
        if local.readers.is_empty() {
            local.stream.unsubscribe(&self.subscriber);
            self.streams.remove(&id);
        }
    }

    /// Looks at a session near its deadlines.
    pub(super) fn session_timer(&mut self, key: usize, id: u64, now: u64) {
        let Some(session) = self
            .sessions
            .get_mut(key)
            .filter(|session| session.number == id && session.timer_at <= now)
        else {
            return;
        };
        session.timer_at = u64::MAX;
        if now >= session.alive_until {
            self.end_session(key, "nothing was heard of the client until its timeout");
            return;
        }
        if session.source.is_some() && session.is_active() && now >= session.report_at {
            self.send_receiver_reports(key, now);
        } else if session.cursor.is_some() && now >= session.report_at {
            session.report_at = now + super::reports::REPORT_INTERVAL;
            let (transport, connection) = (session.transport(), session.connection);
            self.send_reports(key, now, false);
            if let (TransportKind::Tcp, Some(connection)) = (transport, connection) {
                self.flush(connection);
            }
        }
        self.schedule_session(key);
    }

    /// Lets the wheel look at a session at its next deadline, unless it looks sooner.
    pub(super) fn schedule_session(&mut self, key: usize) {
        let Some(session) = self.sessions.get_mut(key) else {
            return;
        };
        let next = if session.is_active() {
            session.report_at.min(session.alive_until)
        } else {
            session.alive_until
        };
        if next < session.timer_at {
            session.timer_at = next;
            self.wheel.add(next, TimerKey::Session(key, session.number));
        }
    }
}

/// Lets a reader that is too far behind skip to the newest random access point; counts what it loses.
fn skip_when_late(
    session: &mut Session,
    local: &LocalStream,
    now: u64,
    most: u64,
    queued_age: u64,
    discard: impl FnOnce() -> u64,
) {
    // Who waits has given everything up already.
    let Some(cursor) = session.cursor.as_mut().filter(|it| !it.is_waiting()) else {
        return;
    };
    if queued_age.max(cursor.age(&local.ring, now)) < most {
        return;
    }
    let discarded = discard() + cursor.skip(&local.ring, now);
    add(&session.info.counters.discarded, discarded);
    if cursor.is_waiting() {
        session.stream.want_key_frame();
    }
}
