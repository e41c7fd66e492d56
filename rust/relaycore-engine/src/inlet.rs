//! A UDP socket that the packets of a track come to: many with one system call, and joined by the kernel where senders
//! use segmentation offload (recvmmsg and UDP_GRO on Linux).

use crate::platform;
use mio::net::UdpSocket;
use quinn_udp::{RecvMeta, UdpSockRef, UdpSocketState};
use socket2::SockRef;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;

/// Longest datagram, or datagrams that came joined.
const DATAGRAM_BYTES: usize = 65_536;

/// Most of them that one system call brings.
const BATCH: usize = 8;

/// Bytes of the buffer that [`Inlet::receive`] wants.
pub const INLET_BYTES: usize = BATCH * DATAGRAM_BYTES;

/// What the kernel should keep while the shard writes to many readers: a large key frame. It takes what it allows.
const SOCKET_BYTES: usize = 2 << 20;

/// See the module.
#[derive(Debug)]
pub struct Inlet {
    /// The socket.
    pub socket: UdpSocket,
    /// `None` where one system call brings one packet anyway.
    offload: Option<UdpSocketState>,
}

impl Inlet {
    /// Receives at a socket.
    pub fn new(socket: UdpSocket) -> Self {
        let _ = SockRef::from(&socket).set_recv_buffer_size(SOCKET_BYTES);
        let offload = platform::RECEIVES_BATCHES
            .then(|| UdpSocketState::new(UdpSockRef::from(&socket)).ok())
            .flatten();
        Self { socket, offload }
    }

    /// Receives what is there, about `most` datagrams, and gives each with the address of its sender to `take`;
    /// `false` when there is nothing more. `buffer` has [`INLET_BYTES`].
    pub fn receive(
        &self,
        buffer: &mut [u8],
        most: usize,
        mut take: impl FnMut(&[u8], SocketAddr),
    ) -> bool {
        let mut calls = 0;
        let mut taken = 0;
        while taken.max(calls) < most {
            calls += 1;
            let received = match &self.offload {
                Some(state) => self.receive_batch(state, buffer, |bytes, from| {
                    taken += 1;
                    take(bytes, from);
                }),
                None => self.socket.recv_from(buffer).map(|(length, from)| {
                    take(&buffer[..length], from);
                    true
                }),
            };
            match received {
                Ok(true) => {}
                Ok(false) => return false,
                // Windows reports an unreachable peer here; the next packet may be good.
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
        true
    }

    /// As [`Inlet::receive`], with one system call.
    fn receive_batch(
        &self,
        state: &UdpSocketState,
        buffer: &mut [u8],
        mut take: impl FnMut(&[u8], SocketAddr),
    ) -> io::Result<bool> {
        let mut places = buffer.chunks_mut(DATAGRAM_BYTES);
        let mut slices: [_; BATCH] =
            std::array::from_fn(|_| IoSliceMut::new(places.next().unwrap_or_default()));
        let mut metas = [RecvMeta::default(); BATCH];
        let socket = UdpSockRef::from(&self.socket);
        let count = state.recv(socket, &mut slices, &mut metas)?;
        for (slice, meta) in slices.iter().zip(&metas[..count]) {
            // The kernel joins packets of equal size; the last may be shorter.
            for datagram in slice[..meta.len].chunks(meta.stride.max(1)) {
                take(datagram, meta.addr);
            }
        }
        // A call that could have brought more has emptied the socket.
        Ok(count == BATCH || quinn_udp::BATCH_SIZE < BATCH)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mio::{Events, Interest, Poll, Token};
    use std::net::Ipv4Addr;

    /// What arrives of `sent` packets of 100 bytes, each with its number, that `send` sends.
    fn received(
        most: usize,
        sent: usize,
        send: impl Fn(&std::net::UdpSocket, SocketAddr),
    ) -> Vec<u8> {
        let mut poll = Poll::new().unwrap();
        let mut socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let to = socket.local_addr().unwrap();
        poll.registry()
            .register(&mut socket, Token(0), Interest::READABLE)
            .unwrap();
        let inlet = Inlet::new(socket);
        let sender = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        send(&sender, to);
        let mut buffer = vec![0; INLET_BYTES];
        let mut numbers = Vec::new();
        while numbers.len() < sent {
            poll.poll(&mut Events::with_capacity(1), None).unwrap();
            while inlet.receive(&mut buffer, most, |bytes, from| {
                assert_eq!((bytes.len(), from), (100, sender.local_addr().unwrap()));
                numbers.push(bytes[0]);
            }) {}
        }
        numbers
    }

    #[test]
    fn datagrams_arrive_one_by_one_in_order_however_they_are_read() {
        for most in [1, 3, 8, 100] {
            let numbers = received(most, 40, |socket, to| {
                for number in 0..40 {
                    socket.send_to(&[number; 100], to).unwrap();
                }
            });
            assert_eq!(numbers, (0..40).collect::<Vec<_>>(), "{most}");
        }
    }

    #[test]
    fn datagrams_that_were_sent_with_one_call_are_told_apart() {
        let packets: Vec<u8> = (0..40).flat_map(|number| [number; 100]).collect();
        let numbers = received(100, 40, |socket, to| {
            let state = UdpSocketState::new(UdpSockRef::from(socket)).unwrap();
            for contents in packets.chunks(state.max_gso_segments() * 100) {
                let transmit = quinn_udp::Transmit {
                    destination: to,
                    ecn: None,
                    contents,
                    segment_size: (contents.len() > 100).then_some(100),
                    src_ip: None,
                };
                state.try_send(UdpSockRef::from(socket), &transmit).unwrap();
            }
        });
        assert_eq!(numbers, (0..40).collect::<Vec<_>>());
    }

    #[test]
    fn an_empty_datagram_is_nothing() {
        let numbers = received(8, 1, |socket, to| {
            socket.send_to(&[], to).unwrap();
            socket.send_to(&[7; 100], to).unwrap();
        });
        assert_eq!(numbers, [7]);
    }
}
