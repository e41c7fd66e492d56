//! How the packets of a pulled stream travel: what is asked for, and what a server made of it.

use alloc::string::String;

use crate::rtsp::header::transport::{Profile, Transport, parse_list};

/// Which way of sending is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TransportChoice {
    /// Interleaved on the connection; over UDP only where the server refuses that (status 461).
    #[default]
    Auto,
    /// Interleaved on the connection, or not at all.
    Tcp,
    /// Over UDP, or not at all.
    UdpOnly,
    /// Over UDP; interleaved where the server refuses that (status 461), or where no packet comes through.
    Udp,
}

impl TransportChoice {
    /// What is tried first.
    pub(super) fn first(self) -> Lower {
        match self {
            Self::Auto | Self::Tcp => Lower::Tcp,
            Self::Udp | Self::UdpOnly => Lower::Udp,
        }
    }

    /// What is tried after `tried`, the first.
    pub(super) fn second(self) -> Option<Lower> {
        match self {
            Self::Auto => Some(Lower::Udp),
            Self::Tcp | Self::UdpOnly => None,
            Self::Udp => Some(Lower::Tcp),
        }
    }
}

/// A lower transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lower {
    Tcp,
    Udp,
}

/// How the packets of one track come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// On the connection.
    Interleaved {
        /// Channel of RTP.
        rtp: u8,
        /// Channel of RTCP.
        rtcp: u8,
    },
    /// As datagrams to a pair of ports that was bound for it.
    Datagrams {
        /// The server's ports for RTP and RTCP, where it told them.
        server_ports: Option<(u16, u16)>,
        /// Host that they come from, where it is not the one of the connection.
        source: Option<String>,
    },
}

/// What is asked for the track at `index`, whose UDP ports start at `port`.
pub(super) fn request(lower: Lower, index: usize, port: u16) -> Transport {
    match lower {
        Lower::Tcp => {
            let mut transport = Transport::new(Profile::RtpAvpTcp);
            transport.interleaved = Some(channels(index));
            transport
        }
        Lower::Udp => {
            let mut transport = Transport::new(Profile::RtpAvpUdp);
            transport.client_port = Some((port, port.saturating_add(1)));
            transport
        }
    }
}

/// What a server answered to that in `value`, its `Transport` header; none means: as asked. `None` when it is nothing
/// that can be received.
pub(super) fn answered(
    value: Option<&str>,
    lower: Lower,
    index: usize,
    mut is_taken: impl FnMut(u8) -> bool,
) -> Option<Delivery> {
    let asked = request(lower, index, 0);
    let answer = match value {
        None => asked,
        Some(value) => parse_list(value).into_iter().next()?,
    };
    if answer.multicast || answer.profile.is_encrypted() {
        return None;
    }
    if answer.profile.is_interleaved() {
        // Some servers give each track the same channels in their answer, and use those that they were asked for.
        let (rtp, rtcp) = answer
            .interleaved
            .filter(|(rtp, rtcp)| rtp != rtcp && !is_taken(*rtp) && !is_taken(*rtcp))
            .unwrap_or(channels(index));
        return Some(Delivery::Interleaved { rtp, rtcp });
    }
    match (lower, answer.profile) {
        (Lower::Udp, Profile::RtpAvpUdp | Profile::RtpAvpfUdp) => Some(Delivery::Datagrams {
            server_ports: answer.server_port,
            source: answer.source,
        }),
        _ => None,
    }
}

/// The usual channels of a track.
fn channels(index: usize) -> (u8, u8) {
    // A description has at most as many tracks as there are pairs of channels: the limit `tracks` is lower.
    let rtp = u8::try_from(index * 2).unwrap_or(u8::MAX - 1) & !1;
    (rtp, rtp + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn what_is_asked_for() {
        let table = [
            (Lower::Tcp, 0, "RTP/AVP/TCP;unicast;interleaved=0-1"),
            (Lower::Tcp, 3, "RTP/AVP/TCP;unicast;interleaved=6-7"),
            (Lower::Udp, 3, "RTP/AVP;unicast;client_port=5000-5001"),
        ];
        for (lower, index, text) in table {
            assert_eq!(request(lower, index, 5000).to_string(), text);
        }
    }

    #[test]
    fn what_servers_answer() {
        let interleaved = |rtp, rtcp| Some(Delivery::Interleaved { rtp, rtcp });
        let datagrams = |server_ports, source: Option<&str>| {
            Some(Delivery::Datagrams {
                server_ports,
                source: source.map(String::from),
            })
        };
        let table = [
            (None, Lower::Tcp, interleaved(2, 3)),
            (Some("RTP/AVP/TCP;unicast"), Lower::Tcp, interleaved(2, 3)),
            (
                Some("RTP/AVP/TCP;interleaved=8-9"),
                Lower::Tcp,
                interleaved(8, 9),
            ),
            (
                Some("RTP/AVP/TCP;interleaved=0-1"),
                Lower::Tcp,
                interleaved(2, 3),
            ),
            (
                Some("RTP/AVP/TCP;interleaved=7-7"),
                Lower::Tcp,
                interleaved(2, 3),
            ),
            (Some("RTP/AVP/TCP;unicast"), Lower::Udp, interleaved(2, 3)),
            (None, Lower::Udp, datagrams(None, None)),
            (
                Some("RTP/AVP/UDP;unicast;client_port=1-2;server_port=6970-6971;source=10.0.0.9"),
                Lower::Udp,
                datagrams(Some((6970, 6971)), Some("10.0.0.9")),
            ),
            (Some("RTP/AVP;unicast;server_port=1-2"), Lower::Tcp, None),
            (
                Some("RTP/AVP;multicast;destination=239.0.0.1;port=1-2"),
                Lower::Udp,
                None,
            ),
            (Some("RTP/SAVP/TCP;interleaved=2-3"), Lower::Tcp, None),
            (Some("RAW/RAW/UDP"), Lower::Udp, None),
            (Some(""), Lower::Tcp, None),
        ];
        for (value, lower, expected) in table {
            assert_eq!(
                answered(value, lower, 1, |channel| channel < 2),
                expected,
                "{value:?}"
            );
        }
    }
}
