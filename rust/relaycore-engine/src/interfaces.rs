//! The addresses that this machine has, by interface: for those who speak on each of them.

use if_addrs::{IfAddr, get_if_addrs};
use std::io;
use std::net::IpAddr;

/// An address of an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterfaceAddress {
    /// Name of the interface, as the system has it.
    pub name: String,
    /// Number of the interface; 0 where the system tells none.
    pub index: u32,
    /// The address.
    pub address: IpAddr,
    /// Bits of it that all of its network share.
    pub prefix: u8,
}

/// The addresses of all interfaces that are up.
///
/// # Errors
/// When the system does not tell.
pub fn interface_addresses() -> io::Result<Vec<InterfaceAddress>> {
    let found = get_if_addrs()?;
    Ok(found
        .into_iter()
        .filter(if_addrs::Interface::is_oper_up)
        .map(|interface| InterfaceAddress {
            index: interface.index.unwrap_or(0),
            address: interface.ip(),
            prefix: match &interface.addr {
                IfAddr::V4(address) => address.prefixlen,
                IfAddr::V6(address) => address.prefixlen,
            },
            name: interface.name,
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn the_loopback_interface_is_among_them() {
        let all = interface_addresses().unwrap();
        let loopback = all
            .iter()
            .find(|one| one.address == IpAddr::V4(Ipv4Addr::LOCALHOST))
            .unwrap();
        assert_eq!(loopback.prefix, 8);
        assert_ne!(loopback.index, 0);
    }
}
