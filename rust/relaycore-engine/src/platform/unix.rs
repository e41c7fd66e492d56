//! Sockets on Unix.

use std::io;
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;

/// A local socket.
pub(crate) type Socket = UnixStream;

/// A local socket in an event loop of this crate.
pub(crate) type EventSocket = mio::net::UnixStream;

/// Whether a read that gives less than it could has emptied a TCP socket, so that the event loop tells of whatever comes
/// next: true of epoll and kqueue (epoll(7), "Questions and answers"), not of an event loop made of poll(2).
pub(crate) const SHORT_READ_EMPTIES: bool = cfg!(any(
    target_os = "linux",
    target_os = "android",
    target_os = "macos",
    target_os = "freebsd"
));

/// Whether one system call may bring many datagrams, or some that the kernel joined.
pub(crate) const RECEIVES_BATCHES: bool = true;

/// Lets a listener have its port again while connections of the one before linger.
pub(crate) fn reuse_address(listener: &socket2::Socket) -> io::Result<()> {
    listener.set_reuse_address(true)
}

/// Lets several sockets have a port, as receivers of a group do.
pub(crate) fn share_port(socket: &socket2::Socket) -> io::Result<()> {
    #[cfg(target_os = "macos")]
    socket.set_reuse_port(true)?;
    socket.set_reuse_address(true)
}

/// Two sockets connected to each other.
pub(crate) fn socket_pair() -> io::Result<(Socket, Socket)> {
    UnixStream::pair()
}

/// Takes a local socket, which does not block, into an event loop.
pub(crate) fn into_event_socket(socket: Socket) -> EventSocket {
    EventSocket::from_std(socket)
}

/// Closes a direction of a local socket.
pub(crate) fn shut_event_socket(socket: &EventSocket, how: Shutdown) -> io::Result<()> {
    socket.shutdown(how)
}

/// A local socket as one of the kind that connections of clients are: descriptors do not tell them apart.
pub(crate) fn into_stream(socket: Socket) -> TcpStream {
    TcpStream::from(OwnedFd::from(socket))
}

/// The socket as event loops know it.
pub(crate) fn handle(socket: &Socket) -> u64 {
    socket.as_raw_fd() as u64
}
