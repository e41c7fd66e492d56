//! A client of WebRTC over a real socket: str0m's, with its input and output done here.

use relaycore_proto::ice_tcp::{self, Datagrams};
use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};
use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::media::{Direction, MediaKind, Mid};
use str0m::net::{Protocol, Receive, TcpType};
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig};

/// How long anything may take.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

pub(crate) struct Client {
    pub(crate) rtc: Rtc,
    pub(crate) socket: UdpSocket,
    pub(crate) offer: String,
    pub(crate) mids: Vec<Mid>,
    /// What it has sent.
    pub(crate) sent: Vec<Vec<u8>>,
    /// Where to.
    pub(crate) relay: Option<SocketAddr>,
    pending: Option<SdpPendingOffer>,
    address: SocketAddr,
    tcp: Option<Tcp>,
}

/// A connection that datagrams go by.
struct Tcp {
    relay: SocketAddr,
    socket: TcpStream,
    datagrams: Datagrams,
    came: VecDeque<Vec<u8>>,
}

impl Client {
    /// A client that offers these media in this direction.
    pub(crate) fn offering(kinds: &[MediaKind], direction: Direction) -> Self {
        Self::with(RtcConfig::new(), kinds, direction)
    }

    /// One whose datagrams go by a TCP connection to `relay`, and not otherwise.
    pub(crate) fn over_tcp(relay: SocketAddr, kinds: &[MediaKind], direction: Direction) -> Self {
        let socket = TcpStream::connect(relay).unwrap();
        let tcp = Tcp {
            relay,
            socket,
            datagrams: Datagrams::default(),
            came: VecDeque::new(),
        };
        Self::made(RtcConfig::new(), kinds, direction, Some(tcp))
    }

    /// One that has the codecs of `config`.
    pub(crate) fn with(config: RtcConfig, kinds: &[MediaKind], direction: Direction) -> Self {
        Self::made(config, kinds, direction, None)
    }

    fn made(
        config: RtcConfig,
        kinds: &[MediaKind],
        direction: Direction,
        tcp: Option<Tcp>,
    ) -> Self {
        let config = config
            .set_rtp_mode(true)
            .set_crypto_provider(str0m::crypto::from_feature_flags().into());
        let mut rtc = config.build(Instant::now());
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = match &tcp {
            Some(tcp) => tcp.socket.local_addr().unwrap(),
            None => socket.local_addr().unwrap(),
        };
        let candidate = match &tcp {
            Some(_) => {
                let active = Candidate::builder().tcp().tcptype(TcpType::Active);
                active.host(address).build().unwrap()
            }
            None => Candidate::host(address, "udp").unwrap(),
        };
        rtc.add_local_candidate(candidate);
        let mut changes = rtc.sdp_api();
        let mids = kinds
            .iter()
            .map(|kind| changes.add_media(*kind, direction, None, None, None))
            .collect();
        let (offer, pending) = changes.apply().unwrap();
        Self {
            rtc,
            socket,
            offer: offer.to_sdp_string(),
            mids,
            sent: Vec::new(),
            relay: None,
            pending: Some(pending),
            address,
            tcp,
        }
    }

    pub(crate) fn accept(&mut self, answer: &str) {
        let answer = SdpAnswer::from_sdp_string(answer).unwrap();
        let pending = self.pending.take().unwrap();
        self.rtc.sdp_api().accept_answer(pending, answer).unwrap();
        if self.tcp.is_none() {
            // One that has moved begins without any.
            let candidate = Candidate::host(self.address, "udp").unwrap();
            self.rtc.add_local_candidate(candidate);
        }
    }

    /// Goes on until `wanted` gives something for an event.
    pub(crate) fn until<T>(&mut self, mut wanted: impl FnMut(Event) -> Option<T>) -> T {
        let end = Instant::now() + LIMIT;
        loop {
            assert!(Instant::now() < end, "it did not happen in time");
            if let Some(found) = self.step(&mut wanted) {
                return found;
            }
        }
    }

    /// Sends what is due, and takes nothing.
    pub(crate) fn speak(&mut self) {
        self.send(&mut |_| None::<()>);
        self.rtc
            .handle_input(Input::Timeout(Instant::now()))
            .unwrap();
    }

    /// Sends and handles what there is, then waits a moment for datagrams.
    pub(crate) fn step<T>(&mut self, wanted: &mut impl FnMut(Event) -> Option<T>) -> Option<T> {
        self.send(wanted).or_else(|| {
            self.listen();
            None
        })
    }

    fn send<T>(&mut self, wanted: &mut impl FnMut(Event) -> Option<T>) -> Option<T> {
        loop {
            match self.rtc.poll_output().unwrap() {
                Output::Timeout(_) => return None,
                Output::Transmit(datagram) => {
                    if let Some(tcp) = &mut self.tcp {
                        assert_eq!(datagram.proto, Protocol::Tcp);
                        let mut framed = Vec::new();
                        assert!(ice_tcp::write(&mut framed, &datagram.contents));
                        let _ = tcp.socket.write_all(&framed);
                    } else {
                        let _ = self
                            .socket
                            .send_to(&datagram.contents, datagram.destination);
                    }
                    self.relay = Some(datagram.destination);
                    self.sent.push(datagram.contents.to_vec());
                }
                Output::Event(event) => {
                    if let Some(found) = wanted(event) {
                        return Some(found);
                    }
                }
            }
        }
    }

    fn listen(&mut self) {
        let wait = Duration::from_millis(5);
        if let Some(tcp) = &mut self.tcp {
            let relay = tcp.relay;
            let came = tcp.next(wait);
            let input = match &came {
                Some(bytes) => {
                    let received = Receive::new(Protocol::Tcp, relay, self.address, bytes);
                    Input::Receive(Instant::now(), received.unwrap())
                }
                None => Input::Timeout(Instant::now()),
            };
            self.rtc.handle_input(input).unwrap();
            return;
        }
        self.socket.set_read_timeout(Some(wait)).unwrap();
        let mut buffer = [0; 2000];
        let now = Instant::now();
        let input = match self.socket.recv_from(&mut buffer) {
            Ok((length, source)) => {
                let bytes = &buffer[..length];
                let received = Receive::new(Protocol::Udp, source, self.address, bytes);
                Input::Receive(Instant::now(), received.unwrap())
            }
            Err(_) => Input::Timeout(now),
        };
        self.rtc.handle_input(input).unwrap();
    }

    /// Goes on from another address, by which it wants to be connected anew: gives what it says for that.
    pub(crate) fn moved(&mut self) -> String {
        self.socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        self.address = self.socket.local_addr().unwrap();
        let mut changes = self.rtc.sdp_api();
        changes.ice_restart(false);
        let (offer, pending) = changes.apply().unwrap();
        self.pending = Some(pending);
        let offer = offer.to_sdp_string();
        let wanted = |line: &&str| line.contains("a=ice-ufrag") || line.contains("a=ice-pwd");
        let lines: Vec<_> = offer.lines().filter(wanted).take(2).collect();
        lines.join("\r\n") + "\r\n"
    }

    /// Its TCP connection.
    pub(crate) fn connection(&self) -> &TcpStream {
        &self.tcp.as_ref().unwrap().socket
    }

    pub(crate) fn connect(&mut self, answer: &str) {
        self.accept(answer);
        self.until(|event| matches!(event, Event::Connected).then_some(()));
    }
}

impl Tcp {
    /// The next datagram, where one comes in that time.
    fn next(&mut self, wait: Duration) -> Option<Vec<u8>> {
        if self.came.is_empty() {
            self.socket.set_read_timeout(Some(wait)).unwrap();
            let mut buffer = [0; 64 * 1024];
            let length = self.socket.read(&mut buffer).unwrap_or(0);
            let came = &mut self.came;
            let take = |datagram: &[u8]| came.push_back(datagram.to_vec());
            self.datagrams.push(&buffer[..length], take).unwrap();
        }
        self.came.pop_front()
    }
}
