//! A pair of local sockets by which a media thread wakes an event loop of another kind.

use crate::platform::{Socket, handle, socket_pair};
use std::io::{self, Read, Write};

/// One end is written by any thread, the other is watched by the event loop.
#[derive(Debug)]
pub(crate) struct Signal {
    write: Socket,
    read: Socket,
}

impl Signal {
    /// A new pair, both ends non-blocking.
    pub(crate) fn new() -> io::Result<Self> {
        let (write, read) = socket_pair()?;
        write.set_nonblocking(true)?;
        read.set_nonblocking(true)?;
        Ok(Self { write, read })
    }

    /// Makes the watched end readable. A full socket is readable already.
    pub(crate) fn raise(&self) {
        let _ = (&self.write).write(&[1]);
    }

    /// Makes the watched end not readable.
    pub(crate) fn clear(&self) {
        let mut bytes = [0; 64];
        while matches!((&self.read).read(&mut bytes), Ok(count) if count > 0) {}
    }

    /// The watched end, for the event loop.
    pub(crate) fn handle(&self) -> u64 {
        handle(&self.read)
    }
}
