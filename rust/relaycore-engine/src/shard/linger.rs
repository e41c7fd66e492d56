//! How a connection is closed from this side so that its client gets the last words.
//!
//! A socket that is closed while it holds unread input ends in a reset, and a reset can overtake what was written before
//! it. So the sending half is closed first; what the client still sends is read over, for a while and up to a bound, until
//! it closes as well (RFC 1122 §4.2.2.13).

use super::{LINGERING, Shard, TimerKey};
use crate::clock::{MILLISECOND, now_ns};
use mio::net::TcpStream;
use mio::{Interest, Token};
use std::io::{self, Read};
use std::net::Shutdown;

/// Most connections of a shard that linger at a time; what exceeds it is closed at once.
const LINGERING_MAX: usize = 256;

/// Most bytes that are read over from one of them.
const LINGER_BYTES: usize = 1024 * 1024;

/// Bytes read over in one step.
const STEP_BYTES: usize = 64 * 1024;

/// A connection whose sending half is closed.
#[derive(Debug)]
pub(super) struct Lingering {
    number: u64,
    socket: TcpStream,
    /// Bytes that may still be read over.
    left: usize,
}

impl Shard {
    /// Closes a connection that all is written to. Its socket is registered no more.
    pub(super) fn linger(&mut self, mut socket: TcpStream) {
        if socket.shutdown(Shutdown::Write).is_err() || self.lingering.len() >= LINGERING_MAX {
            return;
        }
        self.next_number += 1;
        let number = self.next_number;
        let entry = self.lingering.vacant_entry();
        let key = entry.key();
        let token = Token(LINGERING + key);
        let registry = self.poll.registry();
        if registry
            .register(&mut socket, token, Interest::READABLE)
            .is_err()
        {
            return;
        }
        entry.insert(Lingering {
            number,
            socket,
            left: LINGER_BYTES,
        });
        let until = now_ns() + self.shared.limits.linger_ms * MILLISECOND;
        self.wheel.add(until, TimerKey::Linger(key, number));
        self.read_over(key);
    }

    /// Reads over what a client sends on a connection that was closed here.
    pub(super) fn read_over(&mut self, key: usize) {
        let mut buffer = std::mem::take(&mut self.read_buffer);
        buffer.resize(STEP_BYTES, 0);
        let ended = loop {
            let Some(lingering) = self.lingering.get_mut(key) else {
                break false;
            };
            match lingering.socket.read(&mut buffer) {
                Ok(0) => break true,
                Ok(length) if length >= lingering.left => break true,
                Ok(length) => lingering.left -= length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break false,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break true,
            }
        };
        self.read_buffer = buffer;
        if ended {
            self.end_lingering(key);
        }
    }

    /// The time of a connection is over.
    pub(super) fn linger_timer(&mut self, key: usize, number: u64) {
        let lingering = self.lingering.get(key);
        if lingering.is_some_and(|lingering| lingering.number == number) {
            self.end_lingering(key);
        }
    }

    fn end_lingering(&mut self, key: usize) {
        if let Some(mut lingering) = self.lingering.try_remove(key) {
            let _ = self.poll.registry().deregister(&mut lingering.socket);
        }
    }
}
