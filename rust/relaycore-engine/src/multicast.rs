//! Where the packets of a path go for readers that ask for multicast (RFC 2326 §12.39, RFC 3550 §11).

use crate::platform;
use if_addrs::{IfAddr, get_if_addrs};
use socket2::{Domain, Protocol, Socket, Type};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::{fmt, io};

/// A group of a path: an address, and two ports for each track from `port` on, RTP on the even one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Multicast {
    group: IpAddr,
    port: u16,
    ttl: u8,
    interface: Interface,
}

/// The network that packets leave this machine by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Interface {
    /// What the routes of the system say.
    Routes,
    /// By its address.
    V4(Ipv4Addr),
    /// By its number, which is how IPv6 names it.
    V6(u32),
}

/// Why a group cannot be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MulticastError {
    /// The address is not one of multicast.
    Group(IpAddr),
    /// The port is odd, or there is no room for the tracks behind it.
    Port(u16),
    /// This machine has no such interface with an address of the group's family.
    Interface(String),
}

impl fmt::Display for MulticastError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Group(group) => write!(
                f,
                "{group} is not a multicast address: take one like 239.255.0.1 or ff15::1"
            ),
            Self::Port(port) => write!(
                f,
                "{port} cannot be the first port: take an even one from 2 to {PORT_MAX}"
            ),
            Self::Interface(name) => write!(
                f,
                "this machine has no interface {name:?} for the group: give the name or an address of one"
            ),
        }
    }
}

impl std::error::Error for MulticastError {}

/// Largest first port: behind it there is room for the ports of the most tracks that a stream can have.
const PORT_MAX: u16 = 65_408;

impl Multicast {
    /// A group whose packets cross at most `ttl` networks, by the interface of that name or address, or by the one that
    /// the routes of the system say.
    ///
    /// # Errors
    /// When the address is none of multicast, the port does not fit, or the interface is not there.
    pub fn new(
        group: IpAddr,
        port: u16,
        ttl: u8,
        interface: Option<&str>,
    ) -> Result<Self, MulticastError> {
        if !group.is_multicast() {
            return Err(MulticastError::Group(group));
        }
        if !port.is_multiple_of(2) || port == 0 || port > PORT_MAX {
            return Err(MulticastError::Port(port));
        }
        let interface = match interface {
            None => Interface::Routes,
            Some(name) => find_interface(name, group)
                .ok_or_else(|| MulticastError::Interface(name.to_owned()))?,
        };
        Ok(Self {
            group,
            port,
            ttl,
            interface,
        })
    }

    /// Address of the group.
    pub(crate) fn group(&self) -> IpAddr {
        self.group
    }

    /// Port of the first track's RTP.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Networks that a packet may cross.
    pub(crate) fn ttl(&self) -> u8 {
        self.ttl
    }

    /// Address of the group as SDP has it (RFC 8866 §5.7).
    pub(crate) fn sdp_address(&self) -> String {
        match self.group {
            IpAddr::V4(group) => format!("{group}/{}", self.ttl),
            IpAddr::V6(group) => group.to_string(),
        }
    }

    /// Address that packets come from, where it is known before the first one.
    pub(crate) fn source(&self) -> Option<IpAddr> {
        match self.interface {
            Interface::V4(address) => Some(address.into()),
            Interface::Routes | Interface::V6(_) => None,
        }
    }

    /// Where the RTP and the RTCP of a track go.
    pub(crate) fn targets(&self, track: usize) -> Option<(SocketAddr, SocketAddr)> {
        let port = self.port.checked_add(u16::try_from(2 * track).ok()?)?;
        let rtp = SocketAddr::new(self.group, port);
        Some((rtp, SocketAddr::new(self.group, port.checked_add(1)?)))
    }

    /// Sockets for a track: one that sends RTP, and one that sends RTCP and takes what the receivers report.
    ///
    /// # Errors
    /// When the operating system refuses the group or the interface.
    pub(crate) fn open(&self, track: usize) -> io::Result<(UdpSocket, UdpSocket)> {
        let (_, rtcp) = self.targets(track).ok_or(io::ErrorKind::AddrNotAvailable)?;
        let sending = self.socket()?;
        let from = self.source().unwrap_or(self.unspecified());
        sending.bind(&SocketAddr::new(from, 0).into())?;
        let reports = self.socket()?;
        // Receivers on this machine, and other paths, have the same port.
        platform::share_port(&reports)?;
        reports.bind(&SocketAddr::new(self.unspecified(), rtcp.port()).into())?;
        match (self.group, self.interface) {
            (IpAddr::V4(group), Interface::V4(interface)) => {
                reports.join_multicast_v4(&group, &interface)?;
            }
            (IpAddr::V4(group), _) => reports.join_multicast_v4(&group, &Ipv4Addr::UNSPECIFIED)?,
            (IpAddr::V6(group), Interface::V6(index)) => {
                reports.join_multicast_v6(&group, index)?
            }
            (IpAddr::V6(group), _) => reports.join_multicast_v6(&group, 0)?,
        }
        Ok((sending.into(), reports.into()))
    }

    fn socket(&self) -> io::Result<Socket> {
        let domain = Domain::for_address(SocketAddr::new(self.group, 0));
        let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_nonblocking(true)?;
        let ttl = u32::from(self.ttl);
        // Players on this machine get the packets as well.
        if self.group.is_ipv4() {
            socket.set_multicast_loop_v4(true)?;
            socket.set_multicast_ttl_v4(ttl)?;
        } else {
            socket.set_multicast_loop_v6(true)?;
            socket.set_multicast_hops_v6(ttl)?;
        }
        match self.interface {
            Interface::Routes => {}
            Interface::V4(address) => socket.set_multicast_if_v4(&address)?,
            Interface::V6(index) => socket.set_multicast_if_v6(index)?,
        }
        Ok(socket)
    }

    fn unspecified(&self) -> IpAddr {
        match self.group {
            IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        }
    }
}

/// The interface of this name or address, as the family of `group` names it.
fn find_interface(name: &str, group: IpAddr) -> Option<Interface> {
    let address = name.parse::<IpAddr>().ok();
    get_if_addrs()
        .ok()?
        .into_iter()
        .filter(|known| known.name == name || Some(known.addr.ip()) == address)
        .find_map(|known| match (known.addr, group) {
            (IfAddr::V4(v4), IpAddr::V4(_)) => Some(Interface::V4(v4.ip)),
            (_, IpAddr::V6(_)) => known.index.map(Interface::V6),
            _ => None,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUP: IpAddr = IpAddr::V4(Ipv4Addr::new(239, 255, 7, 7));

    #[test]
    fn what_cannot_be_a_group_is_refused_with_the_reason() {
        let unicast = IpAddr::V4(Ipv4Addr::LOCALHOST);
        for (group, port, interface, mistake) in [
            (unicast, 5004, None, MulticastError::Group(unicast)),
            (GROUP, 5005, None, MulticastError::Port(5005)),
            (GROUP, 0, None, MulticastError::Port(0)),
            (GROUP, 65_534, None, MulticastError::Port(65_534)),
            (
                GROUP,
                5004,
                Some("192.0.2.1"),
                MulticastError::Interface("192.0.2.1".to_owned()),
            ),
        ] {
            assert_eq!(Multicast::new(group, port, 1, interface), Err(mistake));
        }
    }

    #[test]
    fn interfaces_are_found_by_name_and_by_address() {
        let loopback = Multicast::new(GROUP, 5004, 1, Some("127.0.0.1")).unwrap();
        assert_eq!(loopback.source(), Some(Ipv4Addr::LOCALHOST.into()));
        let all = get_if_addrs().unwrap();
        let name = all.iter().find(|known| known.addr.ip().is_loopback());
        let by_name = Multicast::new(GROUP, 5004, 1, Some(&name.unwrap().name));
        assert_eq!(by_name, Ok(loopback));
    }

    #[test]
    fn each_track_has_two_ports() {
        let multicast = Multicast::new(GROUP, 5004, 1, None).unwrap();
        let (rtp, rtcp) = multicast.targets(3).unwrap();
        assert_eq!((rtp.port(), rtcp.port()), (5010, 5011));
        assert!(multicast.targets(40_000).is_none());
    }
}
