//! Sending datagrams: many of equal size with one system call where the system can, otherwise one by one.

use mio::net::UdpSocket;
use quinn_udp::{Transmit, UdpSockRef, UdpSocketState};
use std::io;
use std::net::SocketAddr;

/// Most bytes of one send: a little under what an IP packet can say.
pub(crate) const SEND_BYTES: usize = 65_000;

/// What a socket can do; `None` where the platform refuses segmentation offload.
#[derive(Debug)]
pub(crate) struct Offload(Option<UdpSocketState>);

impl Offload {
    /// What this socket can do.
    pub(crate) fn of(socket: &UdpSocket) -> Self {
        Self(UdpSocketState::new(UdpSockRef::from(socket)).ok())
    }

    /// What a socket can do on a platform that refuses offload.
    #[cfg(test)]
    pub(crate) fn none() -> Self {
        Self(None)
    }

    /// Most datagrams of one send.
    pub(crate) fn most_segments(&self) -> usize {
        self.0.as_ref().map_or(1, UdpSocketState::max_gso_segments)
    }

    /// Sends `count` datagrams of `segment` bytes, of which the last may be shorter.
    ///
    /// # Errors
    /// What the system says; `WouldBlock` where the socket takes no more for now.
    pub(crate) fn send(
        &self,
        socket: &UdpSocket,
        to: SocketAddr,
        contents: &[u8],
        segment: usize,
        count: usize,
    ) -> io::Result<()> {
        match &self.0 {
            Some(state) => state.try_send(
                UdpSockRef::from(socket),
                &Transmit {
                    destination: to,
                    ecn: None,
                    contents,
                    segment_size: (count > 1).then_some(segment),
                    src_ip: None,
                },
            ),
            None => socket.send_to(contents, to).map(|_| ()),
        }
    }
}
