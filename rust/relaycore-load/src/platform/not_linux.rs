//! What Linux alone has: everywhere else the calls say so.

use std::io;
use std::marker::PhantomData;
use std::net::UdpSocket;

/// Lets the calling thread run on one processor alone.
///
/// # Errors
/// Always.
pub(crate) fn pin_current_thread(_cpu: usize) -> io::Result<()> {
    Err(unsupported(
        "threads cannot be pinned to processors on this system: leave the processor out",
    ))
}

/// Lets the kernel cut what is sent into datagrams of `bytes`.
///
/// # Errors
/// Always.
pub(crate) fn set_segment(_socket: &UdpSocket, _bytes: u16) -> io::Result<()> {
    Err(unsupported("this system has no segmentation offload"))
}

/// Lets no datagrams come joined: they never do here.
///
/// # Errors
/// Never.
pub(crate) fn refuse_joined<T>(_socket: &T) -> io::Result<()> {
    Ok(())
}

/// Datagrams that one call sends: there are none here.
pub(crate) struct Batch<'a>(PhantomData<&'a [u8]>);

impl<'a> Batch<'a> {
    /// A batch of `datagrams`.
    ///
    /// # Errors
    /// Always.
    pub(crate) fn new(_datagrams: impl Iterator<Item = &'a [u8]>) -> io::Result<Self> {
        Err(unsupported("this system has no sendmmsg"))
    }

    /// Sends the datagrams from number `first` on.
    ///
    /// # Errors
    /// Always.
    pub(crate) fn send(&mut self, _socket: &UdpSocket, _first: usize) -> io::Result<usize> {
        Err(unsupported("this system has no sendmmsg"))
    }
}

fn unsupported(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, why)
}
