//! What differs between operating systems, and nothing else.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(crate) use unix::{SHORT_READ_EMPTIES, Socket, handle, socket_pair};
#[cfg(windows)]
pub(crate) use windows::{SHORT_READ_EMPTIES, Socket, handle, socket_pair};
