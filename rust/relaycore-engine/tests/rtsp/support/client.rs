//! A small RTSP client: one blocking socket, every read with a timeout.

use super::{PATIENCE, Server};
use relaycore_proto::limits::Limits;
use relaycore_proto::rtcp::{self, RtcpPacket, SenderReport};
use relaycore_proto::rtsp::header::rtp_info::{Entry, parse_list};
use relaycore_proto::rtsp::message::Response;
use relaycore_proto::rtsp::parser::{Element, Parser};
use socket2::{Domain, Socket, Type};
use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};

/// See the module.
pub(crate) struct Client {
    pub(crate) socket: TcpStream,
    parser: Parser,
    frames: VecDeque<(u8, Vec<u8>)>,
    next_cseq: u32,
    /// The `Session` header that requests carry, as the server sent it.
    pub(crate) session: Option<String>,
}

/// Receive buffer of a narrow client.
const NARROW_BYTES: usize = 64 * 1024;

enum Item {
    Response(Response),
    Frame(u8, Vec<u8>),
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        Self::of(TcpStream::connect(address).unwrap())
    }

    /// A client whose socket keeps little of what it does not read, whatever the system would let it grow to.
    pub(crate) fn narrow(address: SocketAddr) -> Self {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).unwrap();
        // Takes effect only before the connection.
        socket.set_recv_buffer_size(NARROW_BYTES).unwrap();
        socket.connect(&address.into()).unwrap();
        Self::of(socket.into())
    }

    pub(crate) fn of(socket: TcpStream) -> Self {
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.set_write_timeout(Some(PATIENCE)).unwrap();
        Self {
            socket,
            parser: Parser::new(Limits::default()),
            frames: VecDeque::new(),
            next_cseq: 1,
            session: None,
        }
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).unwrap();
    }

    /// Text of a request with the next number and the session.
    pub(crate) fn text(&mut self, method: &str, uri: &str, headers: &[(&str, &str)]) -> String {
        let mut text = format!("{method} {uri} RTSP/1.0\r\nCSeq: {}\r\n", self.next_cseq);
        self.next_cseq += 1;
        if let Some(session) = &self.session {
            text += &format!("Session: {session}\r\n");
        }
        for (name, value) in headers {
            text += &format!("{name}: {value}\r\n");
        }
        text + "\r\n"
    }

    /// Sends a request and reads its response; packets that come before it are kept.
    pub(crate) fn request(
        &mut self,
        method: &str,
        uri: &str,
        headers: &[(&str, &str)],
    ) -> Response {
        let cseq = self.next_cseq.to_string();
        let text = self.text(method, uri, headers);
        self.send(text.as_bytes());
        let response = self.response();
        assert_eq!(response.cseq(), Some(cseq.as_str()));
        if let Some(session) = response.headers.get("Session") {
            self.session = Some(session.to_owned());
        }
        response
    }

    /// As [`Client::request`], giving the status alone.
    pub(crate) fn status(&mut self, method: &str, uri: &str, headers: &[(&str, &str)]) -> u16 {
        self.request(method, uri, headers).status.0
    }

    /// The next response; packets that come before it are kept.
    pub(crate) fn response(&mut self) -> Response {
        loop {
            match self.item().expect("the connection is open") {
                Item::Response(response) => return response,
                Item::Frame(channel, data) => self.frames.push_back((channel, data)),
            }
        }
    }

    /// The next packet and its channel; `None` when the connection is closed before one.
    pub(crate) fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        if let Some(frame) = self.frames.pop_front() {
            return Some(frame);
        }
        match self.item()? {
            Item::Frame(channel, data) => Some((channel, data)),
            Item::Response(response) => panic!("a response instead of a packet: {response:?}"),
        }
    }

    /// The next packet on `channel`; others are dropped.
    pub(crate) fn frame_on(&mut self, channel: u8) -> Vec<u8> {
        loop {
            let (found, data) = self.frame().expect("the connection is open");
            if found == channel {
                return data;
            }
        }
    }

    /// The packets on `channel` that came before a response and were not taken yet.
    pub(crate) fn kept(&mut self, channel: u8) -> Vec<Vec<u8>> {
        let frames = self.frames.drain(..);
        let chosen = frames.filter(|(found, _)| *found == channel);
        chosen.map(|(_, data)| data).collect()
    }

    /// Reads until the connection is closed.
    pub(crate) fn rest(&mut self) -> Vec<(u8, Vec<u8>)> {
        std::iter::from_fn(|| self.frame()).collect()
    }

    /// Returns when the server has closed the connection; gives the bytes that came before.
    pub(crate) fn wait_closed(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        match self.socket.read_to_end(&mut bytes) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
            Err(error) => panic!("the connection is still open: {error}"),
        }
        bytes
    }

    fn item(&mut self) -> Option<Item> {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match self.parser.next().unwrap() {
                Some(Element::Response(response)) => return Some(Item::Response(response)),
                Some(Element::Interleaved { channel, data }) => {
                    return Some(Item::Frame(channel, data.to_vec()));
                }
                Some(Element::Request(request)) => panic!("a request of a server: {request:?}"),
                None => {}
            }
            match self.socket.read(&mut buffer) {
                Ok(0) => return None,
                Ok(length) => self.parser.push(&buffer[..length]),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("nothing came: {error}"),
            }
        }
    }

    /// Sets up a track with a transport.
    pub(crate) fn setup(&mut self, url: &str, track: usize, transport: &str) -> Response {
        self.request(
            "SETUP",
            &format!("{url}/trackID={track}"),
            &[("Transport", transport)],
        )
    }

    /// Sets up tracks interleaved, on the usual channels, and plays; gives the answer to PLAY.
    pub(crate) fn play_tcp(&mut self, url: &str, tracks: usize) -> Response {
        self.setup_tcp(url, tracks);
        let response = self.request("PLAY", url, &[]);
        assert_eq!(response.status.0, 200);
        response
    }

    /// Sets up tracks interleaved, on the usual channels.
    pub(crate) fn setup_tcp(&mut self, url: &str, tracks: usize) {
        for track in 0..tracks {
            let transport = format!(
                "RTP/AVP/TCP;unicast;interleaved={}-{}",
                2 * track,
                2 * track + 1
            );
            assert_eq!(self.setup(url, track, &transport).status.0, 200);
        }
    }

    /// Sets up a track over datagrams; gives the response and the sockets of RTP and RTCP.
    pub(crate) fn setup_udp(&mut self, url: &str, track: usize) -> (Response, [UdpSocket; 2]) {
        let sockets = [0, 1].map(|_| UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
        let [rtp, rtcp] = sockets
            .each_ref()
            .map(|socket| socket.local_addr().unwrap().port());
        let transport = format!("RTP/AVP;unicast;client_port={rtp}-{rtcp}");
        let response = self.setup(url, track, &transport);
        assert_eq!(response.status.0, 200);
        (response, sockets)
    }

    /// A playing client of the first `tracks` tracks at `path`.
    pub(crate) fn playing(server: &Server, path: &str, tracks: usize) -> Self {
        let mut client = Self::connect(server.address);
        client.play_tcp(&server.url(path), tracks);
        client
    }
}

/// The `RTP-Info` of an answer to PLAY.
pub(crate) fn rtp_info(response: &Response) -> Vec<Entry> {
    parse_list(response.headers.get("RTP-Info").expect("RTP-Info"))
}

/// The next datagram.
pub(crate) fn datagram(socket: &UdpSocket) -> Vec<u8> {
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut buffer = [0; 2048];
    let length = socket.recv(&mut buffer).expect("a datagram");
    buffer[..length].to_vec()
}

/// What is in a compound: `SR`, `RR`, `SDES`, `BYE` or `?`.
pub(crate) fn rtcp_kinds(compound: &[u8]) -> Vec<&'static str> {
    let kind = |packet: &RtcpPacket| match packet {
        RtcpPacket::SenderReport(_) => "SR",
        RtcpPacket::ReceiverReport(_) => "RR",
        RtcpPacket::SourceDescription(_) => "SDES",
        RtcpPacket::Bye(_) => "BYE",
        _ => "?",
    };
    rtcp::parse_compound(compound)
        .unwrap()
        .iter()
        .map(kind)
        .collect()
}

/// The sender report of a compound.
pub(crate) fn sender_report(compound: &[u8]) -> SenderReport {
    let packets = rtcp::parse_compound(compound).unwrap();
    let report = packets.into_iter().find_map(|packet| match packet {
        RtcpPacket::SenderReport(report) => Some(report),
        _ => None,
    });
    report.expect("a sender report")
}
