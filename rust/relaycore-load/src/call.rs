//! A client with its connection: what readers and publishers have in common.

use crate::target::Target;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use relaycore_proto::client::Client;
use std::io::{self, ErrorKind, Read, Write};
use std::net::IpAddr;

/// See the module.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) client: Client,
    socket: Option<TcpStream>,
    is_connected: bool,
}

impl Call {
    /// A client without a connection.
    pub(crate) fn new(client: Client) -> Self {
        Self {
            client,
            socket: None,
            is_connected: false,
        }
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.is_connected
    }

    /// Address of this side.
    pub(crate) fn local_ip(&self) -> io::Result<IpAddr> {
        let socket = self.socket.as_ref().ok_or(ErrorKind::NotConnected)?;
        Ok(socket.local_addr()?.ip())
    }

    /// Opens the connection that the client wants; `false`, and there is none, where it leads to another place than the
    /// plan's.
    pub(crate) fn open(
        &mut self,
        target: &Target,
        registry: &Registry,
        token: usize,
    ) -> io::Result<bool> {
        self.socket = None;
        self.is_connected = false;
        let (wanted, planned) = (self.client.server(), &target.url);
        if (wanted.host(), wanted.port()) != (planned.host(), planned.port()) {
            return Ok(false);
        }
        let mut socket = TcpStream::connect(target.address)?;
        let interest = Interest::READABLE | Interest::WRITABLE;
        registry.register(&mut socket, Token(token), interest)?;
        self.socket = Some(socket);
        Ok(true)
    }

    /// Something happened to the connection: whether it is there. The client hears of it when it has come.
    ///
    /// # Errors
    /// When it could not be made.
    pub(crate) fn settle(&mut self, now: u64) -> io::Result<bool> {
        let Some(socket) = self.socket.as_ref().filter(|_| !self.is_connected) else {
            return Ok(self.is_connected);
        };
        if let Some(error) = socket.take_error()? {
            return Err(error);
        }
        match socket.peer_addr() {
            Ok(_) => {
                let _ = socket.set_nodelay(true);
                self.is_connected = true;
                self.client.connected(now);
                Ok(true)
            }
            Err(error) if error.kind() == ErrorKind::NotConnected => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Takes the connection as if it were there, for fuzz targets: what the client says is gone.
    pub(crate) fn make_up(&mut self, now: u64) {
        self.socket = None;
        if !std::mem::replace(&mut self.is_connected, true) {
            self.client.connected(now);
        }
        let said = self.client.output().len();
        self.client.written(said);
    }

    /// Reads into `buffer`.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.socket.as_mut().filter(|_| self.is_connected) {
            Some(socket) => socket.read(buffer),
            None => Err(ErrorKind::WouldBlock.into()),
        }
    }

    /// Writes as much of `bytes` as the connection takes, and gives how much that is.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> usize {
        let Some(socket) = self.socket.as_mut().filter(|_| self.is_connected) else {
            return 0;
        };
        let mut written = 0;
        while written < bytes.len() {
            match socket.write(&bytes[written..]) {
                Ok(count) if count > 0 => written += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // The event loop tells when there is room, and a lost connection shows in reading.
                _ => break,
            }
        }
        written
    }

    /// Writes what the client has to say, as far as the connection takes it.
    pub(crate) fn flush(&mut self) {
        if self.client.output().is_empty() {
            return;
        }
        let Some(socket) = self.socket.as_mut().filter(|_| self.is_connected) else {
            return;
        };
        while !self.client.output().is_empty() {
            match socket.write(self.client.output()) {
                Ok(count) if count > 0 => self.client.written(count),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                _ => return,
            }
        }
    }
}
