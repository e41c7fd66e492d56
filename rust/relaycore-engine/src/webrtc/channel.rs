//! A TCP connection that carries the datagrams of a client, where UDP does not (RFC 6544, RFC 4571).
//!
//! What the socket does not take waits here, up to a bound: a reader gets nothing more of its stream before there is room,
//! grows old, and skips, as those of RTSP do.

use crate::clock::{SECOND, now_ns};
use mio::net::TcpStream;
use relaycore_proto::ice_tcp::{self, Datagrams};
use std::io::{self, Read, Write};
use std::net::SocketAddr;

/// Bytes that wait for the socket from which on a reader gets nothing more of its stream.
const ENOUGH_BYTES: usize = 256 * 1024;

/// Most bytes that wait: what comes on top of an access unit that was begun is lost, as on any network.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// Bytes that are read of one connection before it is the turn of others.
const READ_BYTES: usize = 256 * 1024;

/// A client that takes nothing for so long, in nanoseconds, while something waits for it, is given up.
const STUCK_NS: u64 = 10 * SECOND;

/// A connection that begins with a check of connectivity, on its way from the shard that accepted it.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) socket: std::net::TcpStream,
    /// All that was read of it.
    pub(crate) opening: Vec<u8>,
    /// Address of the client.
    pub(crate) peer: SocketAddr,
    /// Address that the client reached.
    pub(crate) local: SocketAddr,
}

/// See the module.
pub(super) struct Channel {
    pub(super) socket: TcpStream,
    /// Address of the client.
    pub(super) remote: SocketAddr,
    /// Address that the client reached.
    pub(super) local: SocketAddr,
    /// Place of the client that it belongs to.
    pub(super) peer: usize,
    datagrams: Datagrams,
    /// What waits for the socket, behind what was written of it.
    waiting: Vec<u8>,
    written: usize,
    /// When the socket has last taken something, or nothing waited, in nanoseconds of the engine's clock.
    moved_at: u64,
}

impl Channel {
    pub(super) fn new(
        socket: TcpStream,
        remote: SocketAddr,
        local: SocketAddr,
        peer: usize,
    ) -> Self {
        Self {
            socket,
            remote,
            local,
            peer,
            datagrams: Datagrams::default(),
            waiting: Vec::new(),
            written: 0,
            moved_at: now_ns(),
        }
    }

    /// Takes out what is whole of what was read, by `take`.
    ///
    /// # Errors
    /// When that is not what it should be.
    pub(super) fn received(&mut self, bytes: &[u8], take: impl FnMut(&[u8])) -> io::Result<()> {
        let taken = self.datagrams.push(bytes, take);
        taken.map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "a datagram is too long"))
    }

    /// Reads what has come, for a while; whether there may be more.
    ///
    /// # Errors
    /// When it has ended, for whatever reason.
    pub(super) fn receive(
        &mut self,
        buffer: &mut [u8],
        mut take: impl FnMut(&[u8]),
    ) -> io::Result<bool> {
        let mut left = READ_BYTES;
        while left > 0 {
            match self.socket.read(buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => {
                    self.received(&buffer[..count], &mut take)?;
                    left = left.saturating_sub(count);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Adds a datagram to what waits, where there is room.
    pub(super) fn add(&mut self, datagram: &[u8]) {
        if self.waits() == 0 {
            self.moved_at = now_ns();
        }
        if self.waits() + datagram.len() <= MOST_BYTES {
            ice_tcp::write(&mut self.waiting, datagram);
        }
    }

    /// Writes what waits, as far as the socket takes it.
    ///
    /// # Errors
    /// What the socket says.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        while self.waits() > 0 {
            match self.socket.write(&self.waiting[self.written..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    self.written += count;
                    self.moved_at = now_ns();
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if self.waits() == 0 || self.written >= ENOUGH_BYTES {
            self.waiting.drain(..std::mem::take(&mut self.written));
            // A key frame of a moment ago is no reason to keep its room.
            self.waiting.shrink_to(ENOUGH_BYTES);
        }
        Ok(())
    }

    /// Bytes that a reader may get of its stream.
    pub(super) fn room(&self) -> usize {
        ENOUGH_BYTES.saturating_sub(self.waits())
    }

    /// Whether its client has taken nothing for too long.
    pub(super) fn is_stuck(&self, now: u64) -> bool {
        self.waits() > 0 && now.saturating_sub(self.moved_at) >= STUCK_NS
    }

    fn waits(&self) -> usize {
        self.waiting.len() - self.written
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, TcpListener};

    /// A channel and the client's end of it, of which nothing is read.
    fn channel() -> (Channel, std::net::TcpStream) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let local = listener.local_addr().unwrap();
        let client = std::net::TcpStream::connect(local).unwrap();
        let (socket, remote) = listener.accept().unwrap();
        socket.set_nonblocking(true).unwrap();
        let channel = Channel::new(TcpStream::from_std(socket), remote, local, 0);
        (channel, client)
    }

    #[test]
    fn what_waits_for_a_client_that_takes_nothing_is_bounded_and_goes_out_in_order() {
        let (mut channel, mut client) = channel();
        assert_eq!(channel.room(), ENOUGH_BYTES);
        // Until the system takes no more, and this side neither.
        let mut count = 0u32;
        let mut kept = 0;
        while kept < MOST_BYTES - 2 * 1006 {
            let mut datagram = [0; 1004];
            datagram[..4].copy_from_slice(&count.to_be_bytes());
            channel.add(&datagram);
            channel.flush().unwrap();
            kept = channel.waits();
            count += 1;
        }
        assert_eq!(channel.room(), 0);
        (0..10).for_each(|_| channel.add(&[0xff; 1004]));
        assert!(channel.waits() <= MOST_BYTES + 2);
        let moved = channel.moved_at;
        assert!(!channel.is_stuck(moved + STUCK_NS - 1));
        assert!(channel.is_stuck(moved + STUCK_NS));
        // Once it reads, it gets all that was kept.
        let reader = std::thread::spawn(move || {
            let mut datagrams = Datagrams::default();
            let mut numbers = Vec::new();
            let mut buffer = vec![0; 64 * 1024];
            while numbers.len() < count as usize {
                let length = client.read(&mut buffer).unwrap();
                assert!(length > 0);
                let taken = datagrams.push(&buffer[..length], |datagram| {
                    numbers.push(u32::from_be_bytes(*datagram.first_chunk().unwrap()));
                });
                taken.unwrap();
            }
            numbers
        });
        while channel.waits() > 0 {
            channel.flush().unwrap();
            std::thread::yield_now();
        }
        assert_eq!(channel.room(), ENOUGH_BYTES);
        assert!(!channel.is_stuck(u64::MAX));
        drop(channel);
        let numbers = reader.join().unwrap();
        assert!(numbers.iter().take(count as usize).copied().eq(0..count));
    }

    #[test]
    fn garbage_and_the_end_are_told() {
        let (mut channel, mut client) = channel();
        client.write_all(&[0xff; 8]).unwrap();
        let mut buffer = [0; 64];
        let failure = loop {
            match channel.receive(&mut buffer, |_| panic!("there is none")) {
                Ok(_) => std::thread::yield_now(),
                Err(error) => break error.kind(),
            }
        };
        assert_eq!(failure, io::ErrorKind::InvalidData);
        let (mut channel, client) = self::channel();
        drop(client);
        let failure = loop {
            match channel.receive(&mut buffer, |_| panic!("there is none")) {
                Ok(_) => std::thread::yield_now(),
                Err(error) => break error.kind(),
            }
        };
        assert_eq!(failure, io::ErrorKind::UnexpectedEof);
    }
}
