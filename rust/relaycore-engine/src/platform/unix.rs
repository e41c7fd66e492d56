//! Local sockets on Unix.

use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;

/// A local socket.
pub(crate) type Socket = UnixStream;

/// Two sockets connected to each other.
pub(crate) fn socket_pair() -> io::Result<(Socket, Socket)> {
    UnixStream::pair()
}

/// The socket as event loops know it.
pub(crate) fn handle(socket: &Socket) -> u64 {
    socket.as_raw_fd() as u64
}
