//! A socket of WebRTC: what comes in, and what goes out, many datagrams with one system call where the system can.

use crate::inlet::Inlet;
use crate::offload::{Offload, SEND_BYTES};
use mio::net::UdpSocket;
use std::io;
use std::net::SocketAddr;

/// A socket.
pub(super) struct Outlet {
    pub(super) address: SocketAddr,
    pub(super) inlet: Inlet,
    offload: Offload,
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
        let offload = Offload::of(&socket);
        Ok(Self {
            address,
            inlet: Inlet::new(socket),
            offload,
        })
    }
}

impl Batch {
    /// Adds a datagram that leaves from the outlet at an address; sends what waits where it does not go along. One from
    /// where there is none is lost: from another address its client would not take it.
    pub(super) fn add(
        &mut self,
        outlets: &[Outlet],
        from: SocketAddr,
        to: SocketAddr,
        datagram: &[u8],
    ) {
        let Some(from) = outlets.iter().position(|it| it.address == from) else {
            return;
        };
        let outlet = &outlets[from];
        let goes_along = self.to == Some((from, to))
            && !self.is_closed
            && datagram.len() <= self.segment
            && self.count < outlet.offload.most_segments()
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
            // One that cannot be sent is lost, as on any network.
            let socket = &outlet.inlet.socket;
            let _ = outlet
                .offload
                .send(socket, to, &self.bytes, self.segment, self.count);
        }
        self.bytes.clear();
        self.count = 0;
        self.is_closed = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, UdpSocket};
    use std::time::Duration;

    #[test]
    fn a_datagram_leaves_from_its_own_address_or_not_at_all() {
        let bind = || UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let client = bind();
        let limit = Duration::from_secs(20);
        client.set_read_timeout(Some(limit)).unwrap();
        let to = client.local_addr().unwrap();
        let outlets = [bind(), bind()].map(|socket| {
            socket.set_nonblocking(true).unwrap();
            Outlet::new(socket).unwrap()
        });
        let nobody: SocketAddr = ([192, 0, 2, 1], 9).into();
        let mut batch = Batch::default();
        batch.add(&outlets, nobody, to, b"lost");
        batch.flush(&outlets);
        batch.add(&outlets, outlets[1].address, to, b"sent");
        batch.flush(&outlets);
        let mut buffer = [0; 16];
        let (length, from) = client.recv_from(&mut buffer).unwrap();
        assert_eq!(
            (&buffer[..length], from),
            (&b"sent"[..], outlets[1].address)
        );
    }
}
