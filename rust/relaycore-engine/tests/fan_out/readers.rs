//! A stream with many readers over loopback sockets that cost next to nothing: for what is counted, not timed.

use relaycore_engine::burst::Stages;
use relaycore_engine::clock::now_ns;
use relaycore_engine::decision::Answer;
use relaycore_engine::stream::{JoinPolicy, Stream, Written};
use relaycore_engine::{Engine, Event};
use relaycore_proto::limits::Limits;
use relaycore_proto::track::Track;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

/// Bytes of a picture of 4 Mbit/s at 30 a second.
const PICTURE_BYTES: usize = 16_000;

/// How long anything may take before it counts as lost; nothing waits for it to pass.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often a client that waits for an answer looks whether the engine asks something.
const QUESTION_INTERVAL: Duration = Duration::from_millis(1);

/// Parameter sets of 1280x720, Constrained Baseline.
const PARAMETERS: &[u8] = &[
    0, 0, 0, 1, 0x67, 0x42, 0xc0, 0x1f, 0xda, 0x01, 0x40, 0x16, 0xe9, 0, 0, 0, 1, 0x68, 0xce, 0x3c,
    0x80,
];

/// How the readers get their packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    /// Interleaved in the RTSP connection.
    Tcp,
    /// Datagrams.
    Udp,
}

/// One shard, one stream of H.264, and its readers.
pub(crate) struct FanOut {
    engine: Engine,
    stream: Arc<Stream>,
    readers: Vec<Reader>,
    picture: Vec<u8>,
    buffer: Vec<u8>,
}

/// A client that plays.
struct Reader {
    control: TcpStream,
    /// Where RTP and RTCP come to, unless they are interleaved.
    datagrams: Option<[UdpSocket; 2]>,
    frames: Frames,
    packets: usize,
}

/// Where a reader is in its interleaved frames.
#[derive(Debug, Default)]
struct Frames {
    header: [u8; 4],
    known: usize,
    left: usize,
}

impl FanOut {
    /// So many readers that play a stream; each has had the first picture.
    pub(crate) fn open(transport: Transport, readers: usize) -> Self {
        let limits = Limits::default();
        let engine = Engine::new(1, limits, "relaycore/test".to_owned()).expect("an engine");
        let address = engine.listen((Ipv4Addr::LOCALHOST, 0).into());
        let address = address.expect("a free port");
        let tracks = vec![Track::h264(PARAMETERS)];
        let stream = engine.add_stream("cam", tracks, JoinPolicy::Raw, false);
        let mut picture = vec![0xaa; PICTURE_BYTES];
        picture[..5].copy_from_slice(&[0, 0, 0, 1, 0x41]);
        let mut fan_out = Self {
            stream: stream.expect("a stream"),
            engine,
            readers: Vec::new(),
            picture,
            buffer: vec![0; 256 * 1024],
        };
        let first = fan_out.write(&[PARAMETERS, &[0, 0, 0, 1, 0x65, 0x88, 0x80]].concat());
        for _ in 0..readers {
            let reader = Reader::play(&fan_out.engine, address, transport);
            fan_out.readers.push(reader);
        }
        fan_out.read(first);
        fan_out
    }

    /// Writes a picture, and returns when each reader has had it.
    pub(crate) fn burst(&mut self) {
        let picture = std::mem::take(&mut self.picture);
        let packets = self.write(&picture);
        self.picture = picture;
        self.read(packets);
    }

    fn write(&self, data: &[u8]) -> usize {
        let now = now_ns();
        let written = Written {
            data,
            pts: (now / 100_000 * 9) as i64,
            random_access: None,
            stages: Stages {
                captured: now,
                ..Stages::default()
            },
        };
        self.stream.write(0, written).expect("the stream is there")
    }

    fn read(&mut self, packets: usize) {
        for reader in &mut self.readers {
            reader.read(packets, &mut self.buffer);
        }
    }
}

impl Reader {
    fn play(engine: &Engine, address: SocketAddr, transport: Transport) -> Self {
        let datagrams = (transport == Transport::Udp).then(|| {
            [0, 1].map(|_| UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port"))
        });
        let transport = match &datagrams {
            None => "RTP/AVP/TCP;unicast;interleaved=0-1".to_owned(),
            Some(sockets) => {
                let address = |socket: &UdpSocket| socket.local_addr().expect("an address");
                let [rtp, rtcp] = sockets.each_ref().map(|socket| address(socket).port());
                format!("RTP/AVP;unicast;client_port={rtp}-{rtcp}")
            }
        };
        let mut reader = Self {
            control: TcpStream::connect(address).expect("the engine listens"),
            datagrams,
            frames: Frames::default(),
            packets: 0,
        };
        let url = format!("rtsp://{address}/cam");
        let setup = format!("SETUP {url}/trackID=0 RTSP/1.0\r\nCSeq: 1\r\n");
        let answer = reader.ask(engine, &format!("{setup}Transport: {transport}\r\n\r\n"));
        let session = answer.split("Session: ").nth(1).expect("a session");
        let session = session.split(';').next().unwrap_or_default();
        let play = format!("PLAY {url} RTSP/1.0\r\nCSeq: 2\r\nSession: {session}\r\n\r\n");
        reader.ask(engine, &play);
        let patience = Some(PATIENCE);
        reader
            .control
            .set_read_timeout(patience)
            .expect("an option");
        for socket in reader.datagrams.iter().flatten() {
            socket.set_read_timeout(patience).expect("an option");
        }
        reader
    }

    /// Sends a request and gives its answer, while the engine's questions are answered.
    fn ask(&mut self, engine: &Engine, request: &str) -> String {
        let interval = Some(QUESTION_INTERVAL);
        self.control.set_read_timeout(interval).expect("an option");
        self.control
            .write_all(request.as_bytes())
            .expect("a connection");
        let mut answer = Vec::new();
        // One byte at a time: what follows the answer is packets.
        while !answer.ends_with(b"\r\n\r\n") {
            for event in engine.poll() {
                if let Event::Request(request) = event {
                    engine.answer(
                        request.id,
                        Answer::Allow {
                            user: None,
                            ticket: 0,
                        },
                    );
                }
            }
            let mut byte = [0];
            match self.control.read(&mut byte) {
                Ok(1) => answer.push(byte[0]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                other => panic!("no answer: {other:?}"),
            }
        }
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(answer.starts_with("RTSP/1.0 200"), "{answer}");
        answer
    }

    /// Reads so many RTP packets.
    fn read(&mut self, packets: usize, buffer: &mut [u8]) {
        let until = self.packets + packets;
        while self.packets < until {
            self.packets += match &self.datagrams {
                Some([rtp, _]) => rtp.recv(buffer).map(|_| 1).expect("a datagram"),
                None => {
                    let length = self.control.read(buffer).expect("packets");
                    assert!(length > 0, "the connection is closed");
                    self.frames.take(&buffer[..length])
                }
            };
        }
    }
}

impl Frames {
    /// How many RTP packets end in `bytes`, which follow those of the last call.
    fn take(&mut self, mut bytes: &[u8]) -> usize {
        let mut packets = 0;
        while !bytes.is_empty() {
            if self.known < 4 {
                self.header[self.known] = bytes[0];
                self.known += 1;
                bytes = &bytes[1..];
                self.left = usize::from(u16::from_be_bytes([self.header[2], self.header[3]]));
                continue;
            }
            let step = self.left.min(bytes.len());
            self.left -= step;
            bytes = &bytes[step..];
            if self.left == 0 {
                self.known = 0;
                packets += usize::from(self.header[1] == 0);
            }
        }
        packets
    }
}
