//! A socket of WebRTC: what comes in, and what goes out, many datagrams with one system call where the system can.

use crate::inlet::Inlet;
use mio::net::UdpSocket;
use quinn_udp::{Transmit, UdpSockRef, UdpSocketState};
use std::io;
use std::net::SocketAddr;

/// Most bytes of one send with segmentation offload: a little under what an IP packet can say.
const SEND_BYTES: usize = 65_000;

/// A socket.
pub(super) struct Outlet {
    pub(super) address: SocketAddr,
    pub(super) inlet: Inlet,
    offload: Option<UdpSocketState>,
}

/// Datagrams of equal size to one address, the last of them perhaps shorter, that wait for each other.
#[derive(Default)]
pub(super) struct Batch {
    bytes: Vec<u8>,
    segment: usize,
    count: usize,
    /// Whether the last one was shorter: nothing may follow it.
    is_closed: bool,
    to: Option<(usize, SocketAddr)>,
}

impl Outlet {
    pub(super) fn new(socket: std::net::UdpSocket) -> io::Result<Self> {
        let socket = UdpSocket::from_std(socket);
        let address = socket.local_addr()?;
        let offload = UdpSocketState::new(UdpSockRef::from(&socket)).ok();
        Ok(Self {
            address,
            inlet: Inlet::new(socket),
            offload,
        })
    }

    fn most_segments(&self) -> usize {
        self.offload
            .as_ref()
            .map_or(1, UdpSocketState::max_gso_segments)
    }

    /// A datagram that cannot be sent is lost, as on any network.
    fn send(&self, to: SocketAddr, bytes: &[u8], segment: usize, count: usize) {
        let _ = match &self.offload {
            Some(state) => state.try_send(
                UdpSockRef::from(&self.inlet.socket),
                &Transmit {
                    destination: to,
                    ecn: None,
                    contents: bytes,
                    segment_size: (count > 1).then_some(segment),
                    src_ip: None,
                },
            ),
            None => self.inlet.socket.send_to(bytes, to).map(|_| ()),
        };
    }
}

impl Batch {
    /// Adds a datagram that leaves from an outlet; sends what waits where it does not go along.
    pub(super) fn add(&mut self, outlets: &[Outlet], from: usize, to: SocketAddr, datagram: &[u8]) {
        let Some(outlet) = outlets.get(from) else {
            return;
        };
        let goes_along = self.to == Some((from, to))
            && !self.is_closed
            && datagram.len() <= self.segment
            && self.count < outlet.most_segments()
            && self.bytes.len() + datagram.len() <= SEND_BYTES;
        if !goes_along {
            self.flush(outlets);
            self.to = Some((from, to));
            self.segment = datagram.len();
        }
        self.is_closed = datagram.len() < self.segment;
        self.bytes.extend_from_slice(datagram);
        self.count += 1;
    }

    /// Sends what waits.
    pub(super) fn flush(&mut self, outlets: &[Outlet]) {
        if let Some((from, to)) = self.to.take()
            && let Some(outlet) = outlets.get(from)
        {
            outlet.send(to, &self.bytes, self.segment, self.count);
        }
        self.bytes.clear();
        self.count = 0;
        self.is_closed = false;
    }
}
