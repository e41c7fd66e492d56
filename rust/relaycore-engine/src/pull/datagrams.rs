//! The UDP ports on which the tracks of a pulled stream arrive.

use crate::inlet::Inlet;
use crate::shard::udp::bind_pair;
use mio::{Interest, Registry, Token};
use relaycore_proto::client::{Delivery, Lane};
use relaycore_proto::limits::RTP_HEADER_BYTES;
use std::io;
use std::net::{IpAddr, SocketAddr};

/// An RTP packet without payload: it opens the way for what comes back, where a router on it wants that. Version 2,
/// all else zero; servers take no notice of it.
const OPENER: [u8; RTP_HEADER_BYTES] = [0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// A pair of ports for RTP and RTCP of one track.
#[derive(Debug)]
pub(super) struct PortPair {
    rtp: Inlet,
    rtcp: Inlet,
    /// Port of RTP; RTCP is on the next one.
    pub(super) port: u16,
    /// Who may send to it.
    from: IpAddr,
    /// Where RTCP goes, once the server has told.
    reports_to: Option<SocketAddr>,
}

impl PortPair {
    /// Binds a pair at `local` and registers it: RTP under `token`, RTCP under the next. `server` is whom it expects.
    pub(super) fn open(
        local: IpAddr,
        server: IpAddr,
        registry: &Registry,
        token: usize,
    ) -> io::Result<Self> {
        let (mut rtp, mut rtcp, port) = bind_pair(local)?;
        registry.register(&mut rtp, Token(token), Interest::READABLE)?;
        registry.register(&mut rtcp, Token(token + 1), Interest::READABLE)?;
        Ok(Self {
            rtp: Inlet::new(rtp),
            rtcp: Inlet::new(rtcp),
            port,
            from: server.to_canonical(),
            reports_to: None,
        })
    }

    /// Closes it.
    pub(super) fn close(mut self, registry: &Registry) {
        // A socket that was never registered is closed all the same.
        let _ = registry.deregister(&mut self.rtp.socket);
        let _ = registry.deregister(&mut self.rtcp.socket);
    }

    /// The server said how it sends: packets are taken from there only, and the way for them is opened.
    pub(super) fn expect(&mut self, delivery: &Delivery, server: IpAddr) {
        let Delivery::Datagrams {
            server_ports,
            source,
        } = delivery
        else {
            return;
        };
        // Servers that do not know their own address say 0.0.0.0.
        let named = source.as_deref().and_then(|source| source.parse().ok());
        let from = named
            .filter(|named: &IpAddr| !named.is_unspecified())
            .unwrap_or(server);
        self.from = from.to_canonical();
        if let Some((rtp, rtcp)) = server_ports {
            let _ = self.rtp.socket.send_to(&OPENER, (from, *rtp).into());
            self.reports_to = Some((from, *rtcp).into());
        }
    }

    /// Receives about `most` packets of the server by `buffer`, and gives each to `take` with what it is; `is_rtcp` says
    /// which of the ports is read. `false` when there is nothing more.
    pub(super) fn receive(
        &self,
        is_rtcp: bool,
        buffer: &mut [u8],
        most: usize,
        mut take: impl FnMut(&[u8], Lane),
    ) -> bool {
        let (inlet, lane) = if is_rtcp {
            (&self.rtcp, Lane::Rtcp)
        } else {
            (&self.rtp, Lane::Rtp)
        };
        inlet.receive(buffer, most, |packet, from| {
            if from.ip().to_canonical() == self.from {
                take(packet, lane);
            }
        })
    }

    /// Sends RTCP to the server; what cannot be sent is lost, as on any network.
    pub(super) fn send_report(&self, packet: &[u8]) {
        if let Some(to) = self.reports_to {
            let _ = self.rtcp.socket.send_to(packet, to);
        }
    }
}
