//! What differs between operating systems, and nothing else.

use std::net::TcpStream;

/// The socket as Python knows it.
#[cfg(unix)]
pub(crate) fn into_handle(socket: TcpStream) -> u64 {
    use std::os::fd::IntoRawFd;
    socket.into_raw_fd() as u64
}

/// The socket as Python knows it.
#[cfg(windows)]
pub(crate) fn into_handle(socket: TcpStream) -> u64 {
    use std::os::windows::io::IntoRawSocket;
    socket.into_raw_socket()
}
