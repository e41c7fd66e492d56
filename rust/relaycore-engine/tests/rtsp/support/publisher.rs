//! A client that publishes: announces tracks, sets them up and sends RTP packets.

use super::{Client, PATIENCE, Server};
use relaycore_proto::rtcp::{self, SenderReport};
use relaycore_proto::rtp::{PayloadType, RtpHeader, SequenceNumber, Ssrc};
use relaycore_proto::rtsp::message::Response;
use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};

/// H.264 and G.711, as a camera may describe them.
pub(crate) const DESCRIPTION: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n\
    m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n\
    a=fmtp:96 packetization-mode=1;sprop-parameter-sets=Z0LAH9oBQBbp,aM48gA==;profile-level-id=42C01F\r\n\
    a=control:streamid=0\r\n\
    m=audio 0 RTP/AVP 8\r\na=control:streamid=1\r\n";

/// Sequence and picture parameter set as single NAL units, those of [`DESCRIPTION`].
pub(crate) const SPS: &[u8] = &[0x67, 0x42, 0xc0, 0x1f, 0xda, 0x01, 0x40, 0x16, 0xe9];
/// See [`SPS`].
pub(crate) const PPS: &[u8] = &[0x68, 0xce, 0x3c, 0x80];

/// See the module. Its numbers start anywhere, as a sender's should.
pub(crate) struct Publisher {
    pub(crate) client: Client,
    url: String,
    tracks: Vec<Track>,
}

/// What a publisher counts of a track.
struct Track {
    ssrc: u32,
    payload_type: u8,
    sequence: u16,
    timestamp: u32,
    /// Our sockets and the server's ports, over datagrams.
    sockets: Option<([UdpSocket; 2], [SocketAddr; 2])>,
}

impl Publisher {
    /// A client that has announced nothing.
    pub(crate) fn connect(server: &Server, path: &str) -> Self {
        let track = |ssrc: u32, payload_type: u8| Track {
            ssrc,
            payload_type,
            sequence: (ssrc % 0xffff) as u16,
            timestamp: ssrc.wrapping_mul(77),
            sockets: None,
        };
        let ssrc = u32::from(
            Client::connect(server.address)
                .socket
                .local_addr()
                .unwrap()
                .port(),
        );
        Self {
            client: Client::connect(server.address),
            url: server.url(path),
            tracks: vec![track(ssrc, 96), track(ssrc + 1, 8)],
        }
    }

    /// A publisher that records both tracks interleaved.
    pub(crate) fn recording(server: &Server, path: &str) -> Self {
        let mut publisher = Self::connect(server, path);
        assert_eq!(publisher.announce(DESCRIPTION).status.0, 200);
        publisher.setup(0);
        publisher.setup(1);
        assert_eq!(publisher.record().status.0, 200);
        publisher
    }

    /// A publisher that records both tracks over datagrams.
    pub(crate) fn recording_udp(server: &Server, path: &str) -> Self {
        let mut publisher = Self::connect(server, path);
        assert_eq!(publisher.announce(DESCRIPTION).status.0, 200);
        publisher.setup_udp(0);
        publisher.setup_udp(1);
        assert_eq!(publisher.record().status.0, 200);
        publisher
    }

    pub(crate) fn announce(&mut self, description: &str) -> Response {
        let url = self.url.clone();
        let length = description.len().to_string();
        let headers = [
            ("Content-Type", "application/sdp"),
            ("Content-Length", &length),
        ];
        let text = self.client.text("ANNOUNCE", &url, &headers);
        self.client.send((text + description).as_bytes());
        self.client.response()
    }

    /// Sets a track up interleaved; gives the response.
    pub(crate) fn setup(&mut self, track: usize) -> Response {
        let transport = format!(
            "RTP/AVP/TCP;unicast;interleaved={}-{};mode=record",
            2 * track,
            2 * track + 1
        );
        let url = format!("{}/streamid={track}", self.url);
        self.client
            .request("SETUP", &url, &[("Transport", &transport)])
    }

    /// Sets a track up over datagrams; gives the response.
    pub(crate) fn setup_udp(&mut self, track: usize) -> Response {
        let sockets = [0, 1].map(|_| UdpSocket::bind(("127.0.0.1", 0)).unwrap());
        let [rtp, rtcp] = sockets.each_ref().map(|it| it.local_addr().unwrap().port());
        let transport = format!("RTP/AVP;unicast;client_port={rtp}-{rtcp};mode=record");
        let url = format!("{}/streamid={track}", self.url);
        let response = self
            .client
            .request("SETUP", &url, &[("Transport", &transport)]);
        let answer = response.headers.get("Transport").expect("a transport");
        let ports = answer.split("server_port=").nth(1).expect("server ports");
        let port: u16 = ports.split('-').next().unwrap().parse().unwrap();
        let addresses = [port, port + 1].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        self.tracks[track].sockets = Some((sockets, addresses));
        response
    }

    pub(crate) fn record(&mut self) -> Response {
        let url = self.url.clone();
        self.client
            .request("RECORD", &url, &[("Range", "npt=0.000-")])
    }

    pub(crate) fn teardown(&mut self) {
        let url = self.url.clone();
        assert_eq!(self.client.status("TEARDOWN", &url, &[]), 200);
    }

    /// SSRC of a track.
    pub(crate) fn ssrc(&self, track: usize) -> Ssrc {
        Ssrc(self.tracks[track].ssrc)
    }

    /// Timestamp of the access unit at hand.
    pub(crate) fn timestamp(&self, track: usize) -> u32 {
        self.tracks[track].timestamp
    }

    /// The port that the server takes RTP of a track on.
    pub(crate) fn server_port(&self, track: usize) -> u16 {
        self.tracks[track].sockets.as_ref().expect("datagrams").1[0].port()
    }

    /// The next packet has the number of the one before.
    pub(crate) fn skip_back(&mut self, track: usize) {
        let sequence = &mut self.tracks[track].sequence;
        *sequence = sequence.wrapping_sub(1);
    }

    /// Goes on to the next access unit of a track, `ticks` later.
    pub(crate) fn advance(&mut self, track: usize, ticks: u32) {
        let timestamp = &mut self.tracks[track].timestamp;
        *timestamp = timestamp.wrapping_add(ticks);
    }

    /// Sends a packet of the access unit at hand.
    pub(crate) fn send(&mut self, track: usize, payload: &[u8], marker: bool) {
        let packet = self.packet(track, payload, marker);
        self.send_packet(track, &packet);
    }

    /// The next packet of a track, not sent.
    pub(crate) fn packet(&mut self, track: usize, payload: &[u8], marker: bool) -> Vec<u8> {
        let track = &mut self.tracks[track];
        let header = RtpHeader {
            marker,
            payload_type: PayloadType(track.payload_type),
            sequence: SequenceNumber(track.sequence),
            timestamp: track.timestamp,
            ssrc: Ssrc(track.ssrc),
        };
        track.sequence = track.sequence.wrapping_add(1);
        [&header.to_bytes()[..], payload].concat()
    }

    pub(crate) fn send_packet(&mut self, track: usize, packet: &[u8]) {
        self.transmit(track, 0, packet);
    }

    fn transmit(&mut self, track: usize, rtcp: usize, packet: &[u8]) {
        match &self.tracks[track].sockets {
            Some((sockets, addresses)) => {
                sockets[rtcp].send_to(packet, addresses[rtcp]).unwrap();
            }
            None => {
                let mut frame = vec![b'$', (2 * track + rtcp) as u8];
                frame.extend((packet.len() as u16).to_be_bytes());
                frame.extend(packet);
                self.client.send(&frame);
            }
        }
    }

    /// Sends a key frame with its parameter sets, each in a packet, and goes on to the next picture.
    pub(crate) fn key(&mut self, name: &str) {
        self.send(0, SPS, false);
        self.send(0, PPS, false);
        self.send(0, &[&[0x65, 0x88], name.as_bytes()].concat(), true);
        self.advance(0, 3000);
    }

    /// Sends a picture that needs the one before, and goes on to the next.
    pub(crate) fn picture(&mut self, name: &str) {
        self.send(0, &[&[0x41, 0x9a], name.as_bytes()].concat(), true);
        self.advance(0, 3000);
    }

    /// Sends a sender report of a track: its present timestamp is of this NTP time.
    pub(crate) fn report(&mut self, track: usize, ntp: u64) {
        let mut packet = Vec::new();
        rtcp::write_sender_report(
            &mut packet,
            &SenderReport {
                ssrc: self.ssrc(track),
                ntp,
                rtp_timestamp: self.timestamp(track),
                packet_count: 0,
                octet_count: 0,
                reports: Vec::new(),
            },
        );
        rtcp::write_sdes_cname(&mut packet, self.ssrc(track), "publisher");
        self.transmit(track, 1, &packet);
    }

    /// The next RTCP that the server sends for a track.
    pub(crate) fn rtcp(&mut self, track: usize) -> Vec<u8> {
        match &self.tracks[track].sockets {
            Some((sockets, _)) => {
                let mut buffer = [0; 2048];
                sockets[1].set_read_timeout(Some(PATIENCE)).unwrap();
                loop {
                    match sockets[1].recv(&mut buffer) {
                        Ok(length) => return buffer[..length].to_vec(),
                        Err(error) if error.kind() == ErrorKind::Interrupted => {}
                        Err(error) => panic!("no report came: {error}"),
                    }
                }
            }
            None => self.client.frame_on((2 * track + 1) as u8),
        }
    }
}
