//! What differs between operating systems, and nothing else.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(crate) use unix::{Socket, handle, socket_pair};
#[cfg(windows)]
pub(crate) use windows::{Socket, handle, socket_pair};
