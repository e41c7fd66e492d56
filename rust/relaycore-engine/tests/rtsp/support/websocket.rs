//! A client's side of RTSP in a WebSocket: frames one by one, or a socket whose bytes are in frames on their way.

use super::PATIENCE;
use relaycore_proto::websocket::frame::{BINARY, Head};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};

/// First byte of a frame that is a whole binary message.
pub(crate) const WHOLE: u8 = 0x80 | BINARY;

/// The bytes that each frame of a client is masked with.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// The handshake, with the sub-protocol as it is and `headers` besides.
pub(crate) fn handshake(headers: &str) -> String {
    format!(
        "GET /rtsp HTTP/1.1\r\nHost: relay.example:8554\r\nUpgrade: websocket\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Protocol: rtsp.onvif.org\r\nSec-WebSocket-Version: 13\r\n{headers}\r\n"
    )
}

/// A frame as a client sends it; `first` is its first byte.
pub(crate) fn masked(first: u8, data: &[u8]) -> Vec<u8> {
    let mut frame = Head::new(0, data.len()).as_bytes().to_vec();
    frame[0] = first;
    frame[1] |= 0x80;
    frame.extend(MASK);
    frame.extend(
        data.iter()
            .zip(MASK.iter().cycle())
            .map(|(byte, mask)| byte ^ mask),
    );
    frame
}

/// A connection that has become a WebSocket.
pub(crate) struct WebSocket {
    pub(crate) socket: TcpStream,
}

impl WebSocket {
    pub(crate) fn open(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).unwrap(), handshake(""))
    }

    /// Opens it over a connection, with bytes that begin with a handshake.
    pub(crate) fn over(mut socket: TcpStream, opening: impl AsRef<[u8]>) -> Self {
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.set_write_timeout(Some(PATIENCE)).unwrap();
        socket.set_nodelay(true).unwrap();
        socket.write_all(opening.as_ref()).unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            socket.read_exact(&mut byte).unwrap();
            head.extend(byte);
        }
        let head = String::from_utf8(head).unwrap();
        assert!(
            head.starts_with("HTTP/1.1 101 Switching Protocols\r\n"),
            "{head}"
        );
        assert!(head.contains("\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
        assert!(head.contains("\r\nSec-WebSocket-Protocol: rtsp.onvif.org\r\n"));
        Self { socket }
    }

    pub(crate) fn send(&mut self, first: u8, data: &[u8]) {
        self.socket.write_all(&masked(first, data)).unwrap();
    }

    /// Asks for the first track of a path and plays it, on channels 0 and 1. PLAY is the request 2, whose answer is not
    /// read.
    pub(crate) fn play(&mut self, url: &str) {
        let setup = format!(
            "SETUP {url}/trackID=0 RTSP/1.0\r\nCSeq: 1\r\nTransport: RTP/AVP/TCP;interleaved=0-1\r\n\r\n"
        );
        self.send(WHOLE, setup.as_bytes());
        let response = String::from_utf8(self.message()).unwrap();
        let id = response.split("Session: ").nth(1).unwrap();
        let id = id.split(';').next().unwrap();
        let play = format!("PLAY {url} RTSP/1.0\r\nCSeq: 2\r\nSession: {id}\r\n\r\n");
        self.send(WHOLE, play.as_bytes());
    }

    /// The next frame: its first byte and its data; `None` where the connection ends before one.
    pub(crate) fn read(&mut self) -> Option<(u8, Vec<u8>)> {
        let mut head = [0; 2];
        self.socket.read_exact(&mut head).ok()?;
        let length = match head[1] {
            126 => u64::from(u16::from_be_bytes(self.exactly())),
            127 => u64::from_be_bytes(self.exactly()),
            length => u64::from(length),
        };
        let mut data = vec![0; length as usize];
        self.socket
            .read_exact(&mut data)
            .expect("the frame is whole");
        Some((head[0], data))
    }

    /// As [`WebSocket::read`], for a frame that is a whole binary message.
    pub(crate) fn message(&mut self) -> Vec<u8> {
        let (first, data) = self.read().expect("the connection is open");
        assert_eq!(first, WHOLE);
        data
    }

    /// The status of the frame that ends the connection; messages before it are passed over.
    pub(crate) fn end(&mut self) -> u16 {
        loop {
            match self.read().expect("the connection is ended by a frame") {
                (WHOLE, _) => {}
                (0x88, data) => {
                    assert_eq!(self.read(), None, "nothing comes after the end");
                    return u16::from_be_bytes(data.try_into().unwrap());
                }
                other => panic!("{other:?}"),
            }
        }
    }

    fn exactly<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.socket.read_exact(&mut bytes).unwrap();
        bytes
    }

    /// A socket that leads through it: what is written to it goes in frames, what is in frames comes. It is closed
    /// when the server ends the connection.
    pub(crate) fn carried(mut self) -> TcpStream {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut near, _) = listener.accept().unwrap();
        let mut sender = Self {
            socket: self.socket.try_clone().unwrap(),
        };
        let mut source = near.try_clone().unwrap();
        std::thread::spawn(move || {
            let mut buffer = [0; 70_000];
            while let Ok(count @ 1..) = source.read(&mut buffer) {
                let frame = masked(WHOLE, &buffer[..count]);
                if sender.socket.write_all(&frame).is_err() {
                    return;
                }
            }
            let _ = sender.socket.shutdown(Shutdown::Write);
        });
        std::thread::spawn(move || {
            while let Some((WHOLE, data)) = self.read() {
                if near.write_all(&data).is_err() {
                    break;
                }
            }
            let _ = near.shutdown(Shutdown::Write);
        });
        ours
    }
}
