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

/// A socket that Python has given away.
#[cfg(unix)]
pub(crate) fn from_handle(handle: u64) -> Option<TcpStream> {
    use std::os::fd::FromRawFd;
    let descriptor = i32::try_from(handle).ok()?;
    // SAFETY: whoever calls owns the descriptor and gives it away; one that is none only makes calls fail.
    Some(unsafe { TcpStream::from_raw_fd(descriptor) })
}

/// A socket that Python has given away.
#[cfg(windows)]
pub(crate) fn from_handle(handle: u64) -> Option<TcpStream> {
    use std::os::windows::io::FromRawSocket;
    // SAFETY: whoever calls owns the socket and gives it away; one that is none only makes calls fail.
    Some(unsafe { TcpStream::from_raw_socket(handle) })
}
