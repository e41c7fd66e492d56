//! A small RTSP server that passes on what is published to it, and departs from that as a [`Script`] says.
//!
//! Publishers and readers have a port each. A thread for each connection, no event loop: it is for a few readers.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How long a reader may not take what is sent to it.
const WRITE_TIME: Duration = Duration::from_secs(2);

/// Most bytes of a message, its body included.
const MESSAGE_BYTES: usize = 64 * 1024;

/// A request.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) cseq: String,
    pub(crate) transport: String,
    body: String,
}

/// What a client gets for a request.
pub(crate) enum Answer {
    /// What a good server says.
    Good,
    /// These bytes.
    Bytes(Vec<u8>),
    /// Nothing, ever.
    Silence,
    /// These bytes, and then the connection is closed.
    Last(Vec<u8>),
    /// What a good server says, and then these bytes again and again, until the connection is closed.
    GoodThenFlood(Vec<u8>),
    /// What a good server says, and then these bytes.
    GoodThen(Vec<u8>),
    /// What a good server says, and then nothing more is read.
    GoodThenDeaf,
}

/// What a packet becomes on its way to a reader: it is appended to `out` as it is to be written, frames included.
type Forward = dyn FnMut(&[u8], &mut Vec<u8>) + Send;

/// What decides on answers.
type Answers = dyn Fn(&Request) -> Answer + Send + Sync;

/// How the server departs from a good one.
pub(crate) struct Script {
    /// Towards readers.
    answer: Box<Answers>,
    /// Towards publishers.
    answer_publisher: Box<Answers>,
    forward: Mutex<Box<Forward>>,
}

impl Script {
    /// A server that is good.
    pub(crate) fn good() -> Self {
        Self {
            answer: Box::new(|_| Answer::Good),
            answer_publisher: Box::new(|_| Answer::Good),
            forward: Mutex::new(Box::new(|packet, out| framed(0, packet, out))),
        }
    }

    /// One that answers as `answer` says.
    pub(crate) fn answering(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        Self {
            answer: Box::new(answer),
            ..Self::good()
        }
    }

    /// One that answers publishers as `answer` says.
    pub(crate) fn answering_publishers(
        answer: impl Fn(&Request) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self {
            answer_publisher: Box::new(answer),
            ..Self::good()
        }
    }

    /// One that passes on RTP packets as `forward` says.
    pub(crate) fn forwarding(forward: impl FnMut(&[u8], &mut Vec<u8>) + Send + 'static) -> Self {
        Self {
            forward: Mutex::new(Box::new(forward)),
            ..Self::good()
        }
    }
}

/// Appends a packet in its frame (RFC 2326 section 10.12).
pub(crate) fn framed(channel: u8, packet: &[u8], out: &mut Vec<u8>) {
    out.extend([b'$', channel]);
    out.extend((packet.len() as u16).to_be_bytes());
    out.extend(packet);
}

/// An answer with these headers, each with its end of line.
pub(crate) fn answer(request: &Request, status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = if body.is_empty() {
        String::new()
    } else {
        format!("Content-Length: {}\r\n", body.len())
    };
    let cseq = &request.cseq;
    format!("RTSP/1.0 {status}\r\nCSeq: {cseq}\r\n{headers}{length}\r\n{body}").into_bytes()
}

/// A running server: it ends with this.
pub(crate) struct Server {
    publish: SocketAddr,
    read: SocketAddr,
    state: Arc<State>,
    threads: Vec<JoinHandle<()>>,
}

struct State {
    script: Script,
    has_ended: Mutex<bool>,
    /// Tells that it has ended.
    end: Condvar,
    /// Descriptions by path.
    descriptions: Mutex<HashMap<String, String>>,
    readers: Mutex<Vec<Reader>>,
    /// All connections, so that they can be closed.
    connections: Mutex<Vec<TcpStream>>,
}

struct Reader {
    path: String,
    way: Way,
}

enum Way {
    Interleaved(Arc<Mutex<TcpStream>>),
    Datagrams(UdpSocket),
}

impl Server {
    pub(crate) fn start(script: Script) -> Self {
        let listeners = [(); 2].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
        let [publish, read] = [0, 1].map(|index: usize| listeners[index].local_addr().unwrap());
        let state = Arc::new(State {
            script,
            has_ended: Mutex::new(false),
            end: Condvar::new(),
            descriptions: Mutex::default(),
            readers: Mutex::default(),
            connections: Mutex::default(),
        });
        let threads = listeners
            .into_iter()
            .zip([true, false])
            .map(|(listener, is_publisher)| {
                let state = Arc::clone(&state);
                thread::spawn(move || state.accept(&listener, is_publisher))
            })
            .collect();
        Self {
            publish,
            read,
            state,
            threads,
        }
    }

    /// Where a source publishes.
    pub(crate) fn publish_url(&self, path: &str) -> String {
        format!("rtsp://{}/{path}", self.publish)
    }

    /// Where readers ask.
    pub(crate) fn read_url(&self, path: &str) -> String {
        format!("rtsp://{}/{path}", self.read)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        *lock(&self.state.has_ended) = true;
        self.state.end.notify_all();
        // Wakes those that wait for connections.
        for address in [self.publish, self.read] {
            let _ = TcpStream::connect(address);
        }
        for connection in lock(&self.state.connections).iter() {
            let _ = connection.shutdown(Shutdown::Both);
        }
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl State {
    fn accept(self: &Arc<Self>, listener: &TcpListener, is_publisher: bool) {
        let mut threads = Vec::new();
        while let Ok((connection, _)) = listener.accept() {
            lock(&self.connections).push(connection.try_clone().unwrap());
            if *lock(&self.has_ended) {
                let _ = connection.shutdown(Shutdown::Both);
                break;
            }
            connection.set_write_timeout(Some(WRITE_TIME)).unwrap();
            let state = Arc::clone(self);
            threads.push(thread::spawn(move || {
                // An error is the end of a connection, whoever ended it.
                let _ = state.serve(&connection, is_publisher);
                let _ = connection.shutdown(Shutdown::Both);
            }));
        }
        for thread in threads {
            let _ = thread.join();
        }
    }

    fn serve(&self, connection: &TcpStream, is_publisher: bool) -> io::Result<()> {
        connection.set_nodelay(true)?;
        let writer = Arc::new(Mutex::new(connection.try_clone()?));
        let mut input = Input::new(connection.try_clone()?);
        let mut path = String::new();
        let mut datagrams = None;
        loop {
            let request = match input.next()? {
                Element::Packet(channel, packet) => {
                    if channel == 0 {
                        self.pass_on(&path, &packet);
                    }
                    continue;
                }
                Element::Request(request) => request,
            };
            let answer = if is_publisher {
                (self.script.answer_publisher)(&request)
            } else {
                (self.script.answer)(&request)
            };
            let is_deaf = matches!(answer, Answer::GoodThenDeaf);
            let mut more = Vec::new();
            let flood = match answer {
                Answer::Good | Answer::GoodThenDeaf => None,
                Answer::GoodThenFlood(bytes) => Some(bytes),
                Answer::GoodThen(bytes) => {
                    more = bytes;
                    None
                }
                Answer::Bytes(bytes) => {
                    lock(&writer).write_all(&bytes)?;
                    continue;
                }
                Answer::Silence => continue,
                Answer::Last(bytes) => {
                    lock(&writer).write_all(&bytes)?;
                    return Ok(());
                }
            };
            if matches!(&*request.method, "ANNOUNCE" | "DESCRIBE") {
                path.clone_from(&request.path);
            }
            let good = self.good_answer(&request, &path, &mut datagrams)?;
            lock(&writer).write_all(&[good, more].concat())?;
            if let Some(flood) = flood {
                loop {
                    lock(&writer).write_all(&flood)?;
                }
            }
            if is_deaf {
                self.wait_for_end();
                return Ok(());
            }
            match &*request.method {
                "PLAY" => {
                    let way = match datagrams.take() {
                        Some(socket) => Way::Datagrams(socket),
                        None => Way::Interleaved(Arc::clone(&writer)),
                    };
                    let path = path.clone();
                    lock(&self.readers).push(Reader { path, way });
                }
                "TEARDOWN" => return Ok(()),
                _ => {}
            }
        }
    }

    fn wait_for_end(&self) {
        let ended = lock(&self.has_ended);
        drop(self.end.wait_while(ended, |has_ended| !*has_ended));
    }

    fn good_answer(
        &self,
        request: &Request,
        path: &str,
        datagrams: &mut Option<UdpSocket>,
    ) -> io::Result<Vec<u8>> {
        let ok = "200 OK";
        Ok(match &*request.method {
            "OPTIONS" => answer(
                request,
                ok,
                "Public: DESCRIBE, SETUP, PLAY, TEARDOWN\r\n",
                "",
            ),
            "ANNOUNCE" => {
                lock(&self.descriptions).insert(path.to_owned(), request.body.clone());
                answer(request, ok, "", "")
            }
            "DESCRIBE" => match lock(&self.descriptions).get(path) {
                Some(description) => answer(
                    request,
                    ok,
                    "Content-Type: application/sdp\r\n",
                    description,
                ),
                None => answer(request, "404 Not Found", "", ""),
            },
            "SETUP" => {
                let mut transport = request.transport.clone();
                let ports = transport.split_once("client_port=").map(|(_, ports)| ports);
                if let Some((port, _)) = ports.and_then(|ports| ports.split_once('-')) {
                    let port: u16 = port.parse().map_err(io::Error::other)?;
                    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
                    socket.connect((Ipv4Addr::LOCALHOST, port))?;
                    let own = socket.local_addr()?.port();
                    transport += &format!(";server_port={own}-{}", own.saturating_add(1));
                    *datagrams = Some(socket);
                }
                let headers = format!("Transport: {transport}\r\nSession: 1234;timeout=60\r\n");
                answer(request, ok, &headers, "")
            }
            _ => answer(request, ok, "Session: 1234\r\n", ""),
        })
    }

    /// Sends a packet to all readers of a path.
    fn pass_on(&self, path: &str, packet: &[u8]) {
        let mut readers = lock(&self.readers);
        if readers.iter().all(|reader| reader.path != path) {
            return;
        }
        let mut out = Vec::new();
        lock(&self.script.forward)(packet, &mut out);
        readers.retain(|reader| {
            reader.path != path
                || match &reader.way {
                    Way::Interleaved(writer) => lock(writer).write_all(&out).is_ok(),
                    // A reader that has gone is told of by the next send.
                    Way::Datagrams(socket) => unframed(&out).all(|packet| {
                        let _ = socket.send(packet);
                        true
                    }),
                }
        });
    }
}

/// The packets of frames.
fn unframed(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (&[_, _, high, low], rest) = bytes.split_first_chunk()?;
        let (packet, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes([high, low])))?;
        bytes = rest;
        Some(packet)
    })
}

/// What comes on a connection.
enum Element {
    Request(Request),
    /// Channel and packet.
    Packet(u8, Vec<u8>),
}

struct Input {
    connection: TcpStream,
    bytes: Vec<u8>,
}

impl Input {
    fn new(connection: TcpStream) -> Self {
        Self {
            connection,
            bytes: Vec::new(),
        }
    }

    fn next(&mut self) -> io::Result<Element> {
        loop {
            if let Some((element, length)) = parse(&self.bytes)? {
                self.bytes.drain(..length);
                return Ok(element);
            }
            if self.bytes.len() > MESSAGE_BYTES + 4 {
                return Err(io::Error::other("too long"));
            }
            let mut buffer = [0; 16 * 1024];
            match self.connection.read(&mut buffer)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => self.bytes.extend(&buffer[..count]),
            }
        }
    }
}

/// The first element and its length, when it is whole.
fn parse(bytes: &[u8]) -> io::Result<Option<(Element, usize)>> {
    if let [b'$', channel, high, low, rest @ ..] = bytes {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let packet = rest.get(..length);
        return Ok(packet.map(|it| (Element::Packet(*channel, it.to_vec()), 4 + length)));
    }
    let Some(head) = bytes.windows(4).position(|end| end == b"\r\n\r\n") else {
        return Ok(None);
    };
    let text = str::from_utf8(&bytes[..head]).map_err(io::Error::other)?;
    let mut lines = text.lines();
    let mut first = lines
        .next()
        .unwrap_or_default()
        .split(' ')
        .map(str::to_owned);
    let (method, url) = first.next().zip(first.next()).unwrap_or_default();
    let headers: HashMap<String, &str> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim()))
        .collect();
    let header = |name: &str| headers.get(name).copied().unwrap_or_default().to_owned();
    let length: usize = header("content-length").parse().unwrap_or(0);
    let Some(body) = bytes[head + 4..].get(..length) else {
        return Ok(None);
    };
    let path = url.splitn(4, '/').nth(3).unwrap_or_default().to_owned();
    let request = Request {
        method,
        path,
        cseq: header("cseq"),
        transport: header("transport"),
        body: String::from_utf8_lossy(body).into_owned(),
    };
    Ok(Some((Element::Request(request), head + 4 + length)))
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|broken| broken.into_inner())
}
