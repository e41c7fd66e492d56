//! Sockets on Windows, which has no socket pairs: those go over loopback.

use std::io;
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::os::windows::io::AsRawSocket;

/// A local socket.
pub(crate) type Socket = TcpStream;

/// A local socket in an event loop of this crate.
pub(crate) type EventSocket = mio::net::TcpStream;

/// Whether a read that gives less than it could has emptied a TCP socket, so that the event loop tells of whatever comes
/// next. Not here: what is read is asked for anew when a read finds nothing.
pub(crate) const SHORT_READ_EMPTIES: bool = false;

/// Whether one system call may bring many datagrams, or some that the system joined.
pub(crate) const RECEIVES_BATCHES: bool = false;

/// Lets a listener have its port again while connections of the one before linger: so it is here by itself, and the
/// option would let a second server take the same port.
pub(crate) fn reuse_address(_listener: &socket2::Socket) -> io::Result<()> {
    Ok(())
}

/// Lets several sockets have a port, as receivers of a group do.
pub(crate) fn share_port(socket: &socket2::Socket) -> io::Result<()> {
    socket.set_reuse_address(true)
}

/// Two sockets connected to each other: the second is accepted only from the first.
pub(crate) fn socket_pair() -> io::Result<(Socket, Socket)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let first = TcpStream::connect(listener.local_addr()?)?;
    loop {
        let (second, peer) = listener.accept()?;
        if peer == first.local_addr()? {
            first.set_nodelay(true)?;
            return Ok((first, second));
        }
    }
}

/// Takes a local socket, which does not block, into an event loop.
pub(crate) fn into_event_socket(socket: Socket) -> EventSocket {
    EventSocket::from_std(socket)
}

/// Closes a direction of a local socket.
pub(crate) fn shut_event_socket(socket: &EventSocket, how: Shutdown) -> io::Result<()> {
    socket.shutdown(how)
}

/// A local socket as one of the kind that connections of clients are.
pub(crate) fn into_stream(socket: Socket) -> TcpStream {
    socket
}

/// The socket as event loops know it.
pub(crate) fn handle(socket: &Socket) -> u64 {
    socket.as_raw_socket()
}
