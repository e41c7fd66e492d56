//! The sockets that readers over UDP receive at.

use crate::platform;
use mio::net::UdpSocket;
use relaycore_engine::datagrams::Inlet;

/// Receives at `socket` as programs that play streams do: each datagram by itself.
///
/// A socket that takes joined ones (UDP_GRO on Linux) would spare a server on the same machine most of the work: on
/// loopback the kernel then hands over what was sent with segmentation offload without ever cutting it, which no
/// network does. The bare loop costs 0.03 processor seconds per gigabit like that, and 0.09 otherwise.
pub(crate) fn inlet(socket: UdpSocket) -> Inlet {
    let inlet = Inlet::new(socket);
    // Where that cannot be set, datagrams are not joined.
    let _ = platform::refuse_joined(&inlet.socket);
    inlet
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, UdpSocket as StdSocket};

    #[test]
    fn datagrams_come_one_by_one_however_they_were_sent() {
        let [reader, writer] = [(); 2].map(|()| StdSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
        writer.connect(reader.local_addr().unwrap()).unwrap();
        if platform::set_segment(&writer, 500).is_err() {
            // No system but Linux joins them.
            return;
        }
        reader.set_nonblocking(true).unwrap();
        let inlet = inlet(UdpSocket::from_std(reader));
        assert_eq!(writer.send(&[7; 1200]).unwrap(), 1200);
        let mut buffer = [0; 2000];
        let lengths = [(); 3].map(|()| inlet.socket.recv(&mut buffer).unwrap());
        assert_eq!(lengths, [500, 500, 200]);
    }
}
