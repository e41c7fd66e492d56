//! A server whose every answer the test writes: it has one connection at a time.

use super::PATIENCE;
use relaycore_proto::limits::Limits;
use relaycore_proto::rtsp::message::Request;
use relaycore_proto::rtsp::method::Method;
use relaycore_proto::rtsp::parser::{Element, Parser};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Instant;

/// What the server makes of a request.
pub(crate) enum Reply {
    /// Answers with this status line and these headers; the number is added.
    Answer(String),
    /// Answers so, and sends these bytes behind it.
    Then(String, Vec<u8>),
    /// Sends these bytes instead of an answer.
    Bytes(Vec<u8>),
    /// Says nothing.
    Silence,
    /// Closes the connection.
    HangUp,
}

/// See the module.
pub(crate) struct OddServer {
    pub(crate) address: SocketAddr,
    requests: Receiver<Request>,
    packets: Receiver<(u8, Vec<u8>)>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl OddServer {
    /// A server that does as `answer` says, which gets the number of the connection, from 0 on, and the request.
    pub(crate) fn open(answer: impl FnMut(usize, &Request) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, requests) = channel();
        let (packet_sender, packets) = channel();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut answer = answer;
            for (number, connection) in listener.incoming().enumerate() {
                if stopped.load(Ordering::Acquire) {
                    return;
                }
                serve(connection.unwrap(), &sender, &packet_sender, |request| {
                    answer(number, request)
                });
            }
        });
        Self {
            address,
            requests,
            packets,
            stop,
            thread: Some(thread),
        }
    }

    /// URL of a path, with user and password.
    pub(crate) fn url(&self, user: &str, path: &str) -> String {
        format!("rtsp://{user}@{}/{path}", self.address)
    }

    /// The next request.
    pub(crate) fn request(&self) -> Request {
        self.requests.recv_timeout(PATIENCE).expect("a request")
    }

    /// The next packet that came on the connection, and its channel.
    pub(crate) fn packet(&self) -> (u8, Vec<u8>) {
        self.packets.recv_timeout(PATIENCE).expect("a packet")
    }

    /// The next request of this method; others are dropped.
    pub(crate) fn wait(&self, method: &Method) -> Request {
        let give_up = Instant::now() + PATIENCE;
        loop {
            let request = self.request();
            if request.method == *method {
                return request;
            }
            assert!(Instant::now() < give_up, "no {method} comes");
        }
    }
}

impl Drop for OddServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        // One more connection, for the thread to see it.
        drop(TcpStream::connect(self.address));
        let result = self.thread.take().map(JoinHandle::join);
        if !std::thread::panicking() {
            assert!(result.is_none_or(|result| result.is_ok()));
        }
    }
}

/// Answers the requests of a connection until either side closes it.
fn serve(
    mut connection: TcpStream,
    requests: &Sender<Request>,
    packets: &Sender<(u8, Vec<u8>)>,
    mut answer: impl FnMut(&Request) -> Reply,
) {
    let mut parser = Parser::new(Limits::default());
    let mut buffer = [0; 4096];
    loop {
        while let Some(element) = parser.next().unwrap() {
            let request = match element {
                Element::Request(request) => request,
                Element::Interleaved { channel, data } => {
                    // The test may have seen enough.
                    let _ = packets.send((channel, data.to_vec()));
                    continue;
                }
                Element::Response(_) => continue,
            };
            let reply = answer(&request);
            let cseq = request.cseq().unwrap_or_default().to_owned();
            // The test may have seen enough.
            let _ = requests.send(request);
            let numbered = |text: &str| {
                let (line, rest) = text.split_once("\r\n").unwrap_or((text, "\r\n"));
                format!("RTSP/1.0 {line}\r\nCSeq: {cseq}\r\n{rest}").into_bytes()
            };
            let bytes = match reply {
                Reply::Answer(text) => numbered(&text),
                Reply::Then(text, bytes) => [numbered(&text), bytes].concat(),
                Reply::Bytes(bytes) => bytes,
                Reply::Silence => continue,
                Reply::HangUp => return,
            };
            // A client that is gone is seen at the next read.
            let _ = connection.write_all(&bytes);
        }
        match connection.read(&mut buffer) {
            Ok(0) | Err(_) => return,
            Ok(length) => parser.push(&buffer[..length]),
        }
    }
}
