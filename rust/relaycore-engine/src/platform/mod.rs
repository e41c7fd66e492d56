//! What differs between operating systems, and nothing else.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(crate) use unix::{
    RECEIVES_BATCHES, SHORT_READ_EMPTIES, Socket, handle, reuse_address, share_port, socket_pair,
};
#[cfg(windows)]
pub(crate) use windows::{
    RECEIVES_BATCHES, SHORT_READ_EMPTIES, Socket, handle, reuse_address, share_port, socket_pair,
};
