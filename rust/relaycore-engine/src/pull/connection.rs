//! The connection to a server that is pulled from.

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use relaycore_proto::client::Client;
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr};

/// See the module.
#[derive(Debug)]
pub(super) struct Connection {
    socket: TcpStream,
    /// The server.
    pub(super) peer: SocketAddr,
    is_connected: bool,
    is_writable: bool,
}

/// What a connection brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Received {
    /// So many bytes.
    Bytes(usize),
    /// Nothing for now.
    Nothing,
    /// It is closed.
    Closed,
}

impl Connection {
    /// Begins to connect to `peer`; the socket is writable when it has.
    pub(super) fn begin(peer: SocketAddr, registry: &Registry, token: usize) -> io::Result<Self> {
        let mut socket = TcpStream::connect(peer)?;
        let interest = Interest::READABLE | Interest::WRITABLE;
        registry.register(&mut socket, Token(token), interest)?;
        Ok(Self {
            socket,
            peer,
            is_connected: false,
            is_writable: false,
        })
    }

    /// The socket is writable: whether it has connected by that.
    ///
    /// # Errors
    /// When the server takes no connection.
    pub(super) fn writable(&mut self) -> io::Result<bool> {
        self.is_writable = true;
        if self.is_connected {
            return Ok(false);
        }
        if let Some(error) = self.socket.take_error()? {
            return Err(error);
        }
        match self.socket.peer_addr() {
            Ok(_) => {}
            // Some systems report a socket before it has connected.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => return Ok(false),
            Err(error) => return Err(error),
        }
        // Requests are written whole: waiting for more to send would only delay them.
        let _ = self.socket.set_nodelay(true);
        self.is_connected = true;
        Ok(true)
    }

    /// Reads what there is.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Received {
        if !self.is_connected {
            return Received::Nothing;
        }
        loop {
            match self.socket.read(buffer) {
                Ok(0) => return Received::Closed,
                Ok(length) => return Received::Bytes(length),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Received::Nothing;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Received::Closed,
            }
        }
    }

    /// Writes what the client has to say, as far as the socket takes it; `false` when the connection is lost.
    pub(super) fn write(&mut self, client: &mut Client) -> bool {
        while self.is_connected && self.is_writable && !client.output().is_empty() {
            match self.socket.write(client.output()) {
                Ok(written) => client.written(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.is_writable = false,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
        true
    }

    /// Our address on the way to the server.
    pub(super) fn local(&self) -> io::Result<IpAddr> {
        self.socket.local_addr().map(|address| address.ip())
    }

    /// Closes it.
    pub(super) fn close(mut self, registry: &Registry) {
        // A socket that was never registered is closed all the same.
        let _ = registry.deregister(&mut self.socket);
    }
}
