//! Encrypted connections that speak HTTP: whoever takes them gets a local socket, and the shard carries the bytes between
//! that and the encryption.

use super::wire::Wire;
use super::{Shard, WEB};
use crate::platform::{self, EventSocket};
use mio::{Interest, Token};
use std::io::{self, Read, Write};
use std::net::Shutdown;

/// Most bytes that wait in one direction; the other side is not read meanwhile.
const WAITING_BYTES: usize = 64 * 1024;

/// A connection with its local socket.
#[derive(Debug)]
pub(super) struct Carried {
    wire: Wire,
    local: EventSocket,
    inward: Lane,
    outward: Lane,
}

/// One direction.
#[derive(Debug, Default)]
struct Lane {
    waiting: Vec<u8>,
    written: usize,
    /// Whether nothing more comes into it.
    has_ended: bool,
    /// Whether that was told at its other end.
    is_told: bool,
}

impl Lane {
    /// Carries what is there from `from` to `to`; whether something moved.
    fn carry(
        &mut self,
        from: &mut impl Read,
        to: &mut impl Write,
        buffer: &mut [u8],
    ) -> io::Result<bool> {
        let mut moved = false;
        loop {
            while self.written < self.waiting.len() {
                match to.write(&self.waiting[self.written..]) {
                    Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                    Ok(count) => {
                        self.written += count;
                        moved = true;
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            self.waiting.drain(..std::mem::take(&mut self.written));
            if self.has_ended || self.waiting.len() >= WAITING_BYTES {
                return Ok(moved);
            }
            match from.read(buffer) {
                Ok(0) => self.has_ended = true,
                Ok(count) => {
                    self.waiting.extend_from_slice(&buffer[..count]);
                    moved = true;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(moved),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Whether its end is to be told now.
    fn ends(&mut self) -> bool {
        let ends = self.has_ended && self.waiting.is_empty() && !self.is_told;
        self.is_told |= ends;
        ends
    }
}

impl Shard {
    /// Carries the bytes of a connection from now on, which is registered no more; the socket for whoever takes it.
    pub(super) fn carry_web(&mut self, mut wire: Wire) -> io::Result<std::net::TcpStream> {
        let (near, far) = platform::socket_pair()?;
        near.set_nonblocking(true)?;
        far.set_nonblocking(true)?;
        let mut local = platform::into_event_socket(near);
        let entry = self.carried.vacant_entry();
        let token = WEB + 2 * entry.key();
        let registry = self.poll.registry();
        let interest = Interest::READABLE | Interest::WRITABLE;
        registry.register(wire.socket(), Token(token), interest)?;
        registry.register(&mut local, Token(token + 1), interest)?;
        entry.insert(Carried {
            wire,
            local,
            inward: Lane::default(),
            outward: Lane::default(),
        });
        Ok(platform::into_stream(far))
    }

    /// One of the sockets of a carried connection is ready.
    pub(super) fn web_event(&mut self, token: usize) {
        let key = token / 2;
        let mut buffer = std::mem::take(&mut self.read_buffer);
        buffer.resize(WAITING_BYTES, 0);
        if let Some(carried) = self.carried.get_mut(key)
            && !carried.turn(&mut buffer).unwrap_or(false)
        {
            self.end_web(key);
        }
        self.read_buffer = buffer;
    }

    fn end_web(&mut self, key: usize) {
        if let Some(mut carried) = self.carried.try_remove(key) {
            let registry = self.poll.registry();
            let _ = registry.deregister(&mut carried.local);
            let _ = registry.deregister(carried.wire.socket());
            self.count_connection_out();
            self.linger(carried.wire.into_socket());
        }
    }

    /// Gives up all carried connections.
    pub(super) fn close_web(&mut self) {
        for key in self.carried.iter().map(|(key, _)| key).collect::<Vec<_>>() {
            self.end_web(key);
        }
    }
}

impl Carried {
    /// Carries in both directions until nothing moves; `false` when all was said.
    fn turn(&mut self, buffer: &mut [u8]) -> io::Result<bool> {
        loop {
            // What is encrypted already goes first.
            match self.wire.send() {
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
                _ => {}
            }
            let inward = self.inward.carry(&mut self.wire, &mut self.local, buffer)?;
            let outward = self
                .outward
                .carry(&mut self.local, &mut self.wire, buffer)?;
            if self.inward.ends() {
                platform::shut_event_socket(&self.local, Shutdown::Write)?;
            }
            if self.outward.ends() {
                self.wire.end();
            }
            let is_over = self.outward.is_told && !self.wire.has_unsent();
            if is_over || !(inward || outward) {
                return Ok(!is_over);
            }
        }
    }
}
