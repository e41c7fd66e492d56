//! What differs between operating systems, and nothing else.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(crate) use unix::{
    EventSocket, RECEIVES_BATCHES, SHORT_READ_EMPTIES, Socket, handle, into_event_socket,
    into_stream, reuse_address, share_port, shut_event_socket, socket_pair,
};
#[cfg(windows)]
pub(crate) use windows::{
    EventSocket, RECEIVES_BATCHES, SHORT_READ_EMPTIES, Socket, handle, into_event_socket,
    into_stream, reuse_address, share_port, shut_event_socket, socket_pair,
};
