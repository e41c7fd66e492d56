//! Processors and batches of datagrams on Linux.

use std::io;
use std::marker::PhantomData;
use std::net::UdpSocket;
use std::os::fd::AsRawFd;
use std::ptr;

/// Lets the calling thread run on one processor alone.
///
/// # Errors
/// When there is no such processor, or this process may not use it.
pub(crate) fn pin_current_thread(cpu: usize) -> io::Result<()> {
    if cpu >= libc::CPU_SETSIZE as usize {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("there is no processor {cpu}"),
        ));
    }
    // SAFETY: a set of bits, for which zeros are the empty set.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: the number is within the set, as checked above.
    unsafe { libc::CPU_SET(cpu, &mut set) };
    // SAFETY: thread 0 is the calling one, and the set is as long as is said.
    if unsafe { libc::sched_setaffinity(0, size_of_val(&set), &set) } == 0 {
        return Ok(());
    }
    let error = io::Error::last_os_error();
    Err(io::Error::new(
        error.kind(),
        format!("processor {cpu} cannot be used: {error}"),
    ))
}

/// Lets the kernel cut what is sent into datagrams of `bytes` (udp(7), `UDP_SEGMENT`).
///
/// # Errors
/// When the kernel cannot do so.
pub(crate) fn set_segment(socket: &UdpSocket, bytes: u16) -> io::Result<()> {
    set_udp_option(socket, libc::UDP_SEGMENT, bytes.into())
}

fn set_udp_option(
    socket: &impl AsRawFd,
    option: libc::c_int,
    value: libc::c_int,
) -> io::Result<()> {
    // SAFETY: the value is an int, as long as is said, which the call copies.
    let outcome = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_UDP,
            option,
            ptr::from_ref(&value).cast(),
            size_of_val(&value) as libc::socklen_t,
        )
    };
    if outcome == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Lets no datagrams come joined (udp(7), `UDP_GRO`).
///
/// # Errors
/// When the kernel never joins any.
pub(crate) fn refuse_joined(socket: &impl AsRawFd) -> io::Result<()> {
    set_udp_option(socket, libc::UDP_GRO, 0)
}

/// Datagrams that one call sends.
pub(crate) struct Batch<'a> {
    headers: Vec<libc::mmsghdr>,
    /// What the headers point to; its elements stay where they are, since nothing is added to it.
    _parts: Vec<libc::iovec>,
    datagrams: PhantomData<&'a [u8]>,
}

impl<'a> Batch<'a> {
    /// A batch of `datagrams`.
    ///
    /// # Errors
    /// Never.
    pub(crate) fn new(datagrams: impl Iterator<Item = &'a [u8]>) -> io::Result<Self> {
        let mut parts: Vec<_> = datagrams
            .map(|datagram| libc::iovec {
                iov_base: datagram.as_ptr().cast_mut().cast(),
                iov_len: datagram.len(),
            })
            .collect();
        let headers = parts
            .iter_mut()
            .map(|part| {
                // SAFETY: numbers and pointers, for which zeros say that there is nothing.
                let mut header: libc::mmsghdr = unsafe { std::mem::zeroed() };
                header.msg_hdr.msg_iov = part;
                header.msg_hdr.msg_iovlen = 1;
                header
            })
            .collect();
        Ok(Self {
            headers,
            _parts: parts,
            datagrams: PhantomData,
        })
    }

    /// Sends the datagrams from number `first` on to the peer that the socket is connected to; how many it took.
    ///
    /// # Errors
    /// When it took none.
    pub(crate) fn send(&mut self, socket: &UdpSocket, first: usize) -> io::Result<usize> {
        let headers = &mut self.headers[first..];
        // SAFETY: there are as many headers as is said; each points to a part of this batch, and that to a datagram
        // that is borrowed for as long as the batch is there. The call writes to the headers alone.
        let sent = unsafe {
            libc::sendmmsg(
                socket.as_raw_fd(),
                headers.as_mut_ptr(),
                headers.len() as libc::c_uint,
                0,
            )
        };
        usize::try_from(sent).map_err(|_| io::Error::last_os_error())
    }
}

/// The processor that the calling thread runs on.
#[cfg(test)]
pub(super) fn current_cpu() -> Option<usize> {
    // SAFETY: the call takes nothing.
    usize::try_from(unsafe { libc::sched_getcpu() }).ok()
}
