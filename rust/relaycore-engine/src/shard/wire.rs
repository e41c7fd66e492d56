//! The bytes of a connection on their way through its socket: as they are, or encrypted (TLS 1.2 and 1.3).
//!
//! Both share one port. A client that encrypts begins with a handshake record, whose first byte no request of RTSP or
//! HTTP begins with (RFC 8446 section 5.1).

use crate::platform::SHORT_READ_EMPTIES;
use mio::net::TcpStream;
use rustls::{ServerConfig, ServerConnection};
use std::io::{self, IoSlice, Read, Write};
use std::sync::Arc;

/// First byte of a handshake record.
const HANDSHAKE: u8 = 0x16;

/// Bytes that may wait for the socket in encrypted form; what exceeds it is not accepted.
const UNSENT_BYTES: usize = 64 * 1024;

/// See the module. Reads and writes what is in the encryption, if there is one.
#[derive(Debug)]
pub(super) struct Wire {
    socket: TcpStream,
    layer: Layer,
}

#[derive(Debug)]
enum Layer {
    /// As it is.
    Plain,
    /// Nothing has come yet.
    Undecided(Arc<ServerConfig>),
    /// Encrypted.
    Tls(Box<ServerConnection>),
}

impl Wire {
    /// A new connection, which may be encrypted where there is a certificate.
    pub(super) fn new(socket: TcpStream, config: Option<Arc<ServerConfig>>) -> Self {
        Self {
            socket,
            layer: config.map_or(Layer::Plain, Layer::Undecided),
        }
    }

    /// The socket, for the event loop.
    pub(super) fn socket(&mut self) -> &mut TcpStream {
        &mut self.socket
    }

    /// The socket; what was not sent is lost.
    pub(super) fn into_socket(self) -> TcpStream {
        self.socket
    }

    /// Whether it is encrypted.
    #[inline]
    pub(super) fn is_secure(&self) -> bool {
        matches!(self.layer, Layer::Tls(_))
    }

    /// Whether a client has begun to encrypt, and has not come to an end with it.
    pub(super) fn is_handshaking(&self) -> bool {
        matches!(&self.layer, Layer::Tls(tls) if tls.is_handshaking())
    }

    /// Whether a read that gives less than it could has taken all that there is.
    pub(super) fn short_read_empties(&self) -> bool {
        SHORT_READ_EMPTIES && !self.is_secure()
    }

    /// Whether encrypted bytes wait for the socket.
    #[inline]
    pub(super) fn has_unsent(&self) -> bool {
        matches!(&self.layer, Layer::Tls(tls) if tls.wants_write())
    }

    /// Sends what waits for the socket.
    ///
    /// # Errors
    /// What the socket says.
    #[inline]
    pub(super) fn send(&mut self) -> io::Result<()> {
        match &mut self.layer {
            Layer::Tls(tls) => send(tls, &mut self.socket),
            Layer::Plain | Layer::Undecided(_) => Ok(()),
        }
    }

    /// Says that nothing more comes, as far as the socket takes it.
    pub(super) fn end(&mut self) {
        if let Layer::Tls(tls) = &mut self.layer {
            tls.send_close_notify();
            // A client that does not read it has lost nothing.
            let _ = send(tls, &mut self.socket);
        }
    }
}

impl Read for Wire {
    #[inline]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Layer::Undecided(config) = &self.layer {
            let count = self.socket.read(buffer)?;
            let received = &buffer[..count];
            if received.first() != Some(&HANDSHAKE) {
                if count > 0 {
                    self.layer = Layer::Plain;
                }
                return Ok(count);
            }
            let mut tls = ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
            tls.set_buffer_limit(Some(UNSENT_BYTES));
            let mut rest = received;
            let taken = take(&mut tls, &mut rest);
            // An alert says why.
            let sent = send(&mut tls, &mut self.socket);
            self.layer = Layer::Tls(Box::new(tls));
            taken?;
            unless_blocked(sent)?;
        }
        match &mut self.layer {
            Layer::Plain => self.socket.read(buffer),
            Layer::Tls(tls) => read(tls, &mut self.socket, buffer),
            Layer::Undecided(_) => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}

impl Write for Wire {
    #[inline]
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match &mut self.layer {
            Layer::Tls(tls) => write(tls, &mut self.socket, |writer| writer.write(buffer)),
            Layer::Plain | Layer::Undecided(_) => self.socket.write(buffer),
        }
    }

    #[inline]
    fn write_vectored(&mut self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        match &mut self.layer {
            Layer::Tls(tls) => write(tls, &mut self.socket, |writer| {
                writer.write_vectored(buffers)
            }),
            Layer::Plain | Layer::Undecided(_) => self.socket.write_vectored(buffers),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.send()
    }
}

/// Reads decrypted bytes; 0 where the client says, within the encryption or not, that nothing more comes.
#[inline(never)]
fn read(
    tls: &mut ServerConnection,
    socket: &mut TcpStream,
    buffer: &mut [u8],
) -> io::Result<usize> {
    loop {
        match tls.reader().read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            read => return read,
        }
        if tls.read_tls(socket)? == 0 {
            return Ok(0);
        }
        let taken = process(tls);
        let sent = send(tls, socket);
        taken?;
        unless_blocked(sent)?;
    }
}

/// Takes encrypted bytes that were read already.
fn take(tls: &mut ServerConnection, bytes: &mut &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        tls.read_tls(bytes)?;
        process(tls)?;
    }
    Ok(())
}

fn process(tls: &mut ServerConnection) -> io::Result<()> {
    tls.process_new_packets()
        .map(|_| ())
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// Encrypts what `give` writes, as much as has room, and sends it as far as the socket takes it.
#[inline(never)]
fn write(
    tls: &mut ServerConnection,
    socket: &mut TcpStream,
    give: impl FnOnce(&mut rustls::Writer<'_>) -> io::Result<usize>,
) -> io::Result<usize> {
    send(tls, socket)?;
    let count = give(&mut tls.writer())?;
    if count == 0 {
        return Err(io::ErrorKind::WouldBlock.into());
    }
    unless_blocked(send(tls, socket))?;
    Ok(count)
}

#[inline(never)]
fn send(tls: &mut ServerConnection, socket: &mut TcpStream) -> io::Result<()> {
    while tls.wants_write() {
        match tls.write_tls(socket) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// A socket that takes no more for now is no failure: what waits is sent when it does.
fn unless_blocked(sent: io::Result<()>) -> io::Result<()> {
    match sent {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
        other => other,
    }
}
