//! The datagram ports of a shard: a pair for RTP and RTCP at each address that clients reach it by.

use crate::burst::Burst;
use crate::offload::{Offload, SEND_BYTES};
use mio::net::UdpSocket;
use mio::{Interest, Registry, Token};
use std::io;
use std::net::{IpAddr, SocketAddr};

/// Tries to find two free ports that follow each other, RTP on the even one (RFC 3550 §11).
const PORT_ATTEMPTS: usize = 64;

/// A pair of ports.
pub(super) struct UdpPair {
    rtp: UdpSocket,
    rtcp: UdpSocket,
    /// Port of RTP; RTCP is on the next one.
    pub(super) port: u16,
    /// Of the socket of RTP.
    offload: Offload,
}

/// What became of a burst that was to be sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct SentDatagrams {
    /// RTP packets sent.
    pub(super) packets: usize,
    /// Their bytes.
    pub(super) bytes: usize,
    /// Whether the socket takes no more for now.
    pub(super) blocked: bool,
}

impl UdpPair {
    /// Binds two ports at `address` and registers both under `token`: some receivers report to the port that packets come from.
    pub(super) fn bind(address: IpAddr, registry: &Registry, token: Token) -> io::Result<Self> {
        let (mut rtp, mut rtcp, port) = bind_pair(address)?;
        let offload = Offload::of(&rtp);
        for socket in [&mut rtp, &mut rtcp] {
            registry.register(socket, token, Interest::READABLE)?;
        }
        Ok(Self {
            rtp,
            rtcp,
            port,
            offload,
        })
    }

    /// A pair of bound sockets that do not block; registers that of RTCP under `token`.
    pub(super) fn with(
        rtp: std::net::UdpSocket,
        rtcp: std::net::UdpSocket,
        registry: &Registry,
        token: Token,
    ) -> io::Result<Self> {
        let port = rtp.local_addr()?.port();
        let (rtp, mut rtcp) = (UdpSocket::from_std(rtp), UdpSocket::from_std(rtcp));
        let offload = Offload::of(&rtp);
        registry.register(&mut rtcp, token, Interest::READABLE)?;
        Ok(Self {
            rtp,
            rtcp,
            port,
            offload,
        })
    }

    /// Sends packets of a burst from number `first` on, at most about `most` of them.
    pub(super) fn send_burst(
        &self,
        to: SocketAddr,
        burst: &Burst,
        first: usize,
        most: usize,
    ) -> SentDatagrams {
        let mut sent = SentDatagrams::default();
        let datagrams = burst.datagrams();
        let segments = self.offload.most_segments();
        let mut number = 0;
        for run in &datagrams.runs {
            let in_run = run.bytes.len().div_ceil(run.segment.max(1));
            let mut packet = first.saturating_sub(number).min(in_run);
            number += in_run;
            while packet < in_run {
                if sent.packets >= most {
                    return sent;
                }
                let count = segments
                    .min(SEND_BYTES / run.segment)
                    .max(1)
                    .min(in_run - packet)
                    .min(most - sent.packets);
                let start = run.bytes.start + packet * run.segment;
                let end = (start + count * run.segment).min(run.bytes.end);
                let bytes = &datagrams.bytes[start..end];
                match self.offload.send(&self.rtp, to, bytes, run.segment, count) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        sent.blocked = true;
                        return sent;
                    }
                    // A datagram that cannot be delivered is lost, as on any network; reports and timeouts say so.
                    Ok(()) | Err(_) => {}
                }
                packet += count;
                sent.packets += count;
                sent.bytes += end - start;
            }
        }
        sent
    }

    /// Sends an RTCP packet; one that cannot be sent is lost, as on any network.
    pub(super) fn send_rtcp(&self, to: SocketAddr, packet: &[u8]) {
        let _ = self.rtcp.send_to(packet, to);
    }

    /// Receives what came to either port; `None` when there is nothing.
    pub(super) fn receive_rtcp(&self, buffer: &mut [u8]) -> Option<(usize, SocketAddr)> {
        receive(&self.rtcp, buffer).or_else(|| receive(&self.rtp, buffer))
    }
}

/// Receives a packet; `None` when there is none.
fn receive(socket: &UdpSocket, buffer: &mut [u8]) -> Option<(usize, SocketAddr)> {
    loop {
        match socket.recv_from(buffer) {
            Ok(received) => return Some(received),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
            // Windows reports an unreachable peer here; the next packet may be of another.
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
}

/// Two free ports at `address` that follow each other, RTP on the even one (RFC 3550 §11), and the number of the first.
pub fn bind_pair(address: IpAddr) -> io::Result<(UdpSocket, UdpSocket, u16)> {
    let mut last = io::Error::from(io::ErrorKind::AddrInUse);
    for _ in 0..PORT_ATTEMPTS {
        let rtp = UdpSocket::bind((address, 0).into())?;
        let port = rtp.local_addr()?.port();
        if port % 2 != 0 || port == u16::MAX {
            continue;
        }
        match UdpSocket::bind((address, port + 1).into()) {
            Ok(rtcp) => return Ok((rtp, rtcp, port)),
            Err(error) => last = error,
        }
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::burst::tests::burst;
    use std::net::Ipv4Addr;

    fn receive(socket: &std::net::UdpSocket, count: usize) -> Vec<Vec<u8>> {
        let mut buffer = [0; 2000];
        (0..count)
            .map(|_| {
                socket
                    .recv(&mut buffer)
                    .map(|length| buffer[..length].to_vec())
                    .unwrap()
            })
            .collect()
    }

    #[test]
    fn packets_arrive_whole_with_and_without_offload() {
        let poll = mio::Poll::new().unwrap();
        let mut pair =
            UdpPair::bind(Ipv4Addr::LOCALHOST.into(), poll.registry(), Token(0)).unwrap();
        assert_eq!(pair.port % 2, 0);
        let socket = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let to = socket.local_addr().unwrap();
        let burst = burst(0, 0, 5, true, &[30, 900, 900, 900, 900, 200, 700]);
        let expected: Vec<_> = burst.rtp_packets().map(<[u8]>::to_vec).collect();
        for offload in [true, false] {
            if !offload {
                pair.offload = Offload::none();
            }
            for step in [1, 3, 100] {
                let mut first = 0;
                while first < expected.len() {
                    let sent = pair.send_burst(to, &burst, first, step);
                    assert!(!sent.blocked && sent.packets > 0);
                    first += sent.packets;
                }
                assert_eq!(first, expected.len());
                assert_eq!(receive(&socket, expected.len()), expected);
            }
        }
    }
}
