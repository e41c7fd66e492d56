//! The client against scripted servers.

mod endings;
mod keep_alive;
mod login;
mod oddities;
mod play;
mod publish;
mod redirections;
mod transports;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::*;
use crate::limits::Limits;
use crate::rtsp::parser::{Element, Parser};
use crate::rtsp::{Method, Request};

/// A description with a video and an audio track.
const SDP: &str = "v=0\r\ns=cam\r\na=control:*\r\n\
    m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:trackID=0\r\n\
    m=audio 0 RTP/AVP 97\r\na=rtpmap:97 mpeg4-generic/48000/1\r\na=fmtp:97 config=1188\r\na=control:trackID=1\r\n";

/// Nanoseconds a second.
const SECOND: u64 = 1_000_000_000;

/// A client, the time, and what came of it.
struct Run {
    client: Client,
    now: u64,
    /// Track, kind and bytes of each packet.
    packets: Vec<(usize, Lane, Vec<u8>)>,
    /// Requests that were written, in order.
    requests: Vec<Request>,
    events: Vec<Event>,
}

impl Run {
    fn new(url: &str, transport: TransportChoice) -> Self {
        Self::with(url, transport, Limits::default())
    }

    fn with(url: &str, transport: TransportChoice, limits: Limits) -> Self {
        let settings = Settings {
            transport,
            user_agent: "relaycore/test".into(),
            via: "relaycore-7".into(),
            limits,
            seed: 7,
        };
        let mut run = Self {
            client: Client::new(ServerUrl::parse(url).unwrap(), settings, SECOND),
            now: SECOND,
            packets: Vec::new(),
            requests: Vec::new(),
            events: Vec::new(),
        };
        run.collect();
        run
    }

    /// A client that plays the two tracks over TCP.
    fn playing(url: &str) -> Self {
        let mut run = Self::new(url, TransportChoice::Auto);
        run.connect();
        run.serve(|request| Some(usual_answer(request)));
        assert!(
            matches!(run.events.last(), Some(Event::Playing(_))),
            "{:?}",
            run.events
        );
        run
    }

    fn connect(&mut self) {
        self.client.connected(self.now);
        self.collect();
    }

    /// Takes requests and events.
    fn collect(&mut self) {
        let mut parser = Parser::new(Limits::default());
        parser.push(self.client.output());
        while let Some(element) = parser.next().unwrap() {
            if let Element::Request(request) = element {
                self.requests.push(request);
            }
        }
        let written = self.client.output().len();
        self.client.written(written);
        self.events
            .extend(core::iter::from_fn(|| self.client.next_event()));
    }

    fn receive(&mut self, bytes: &[u8]) {
        let packets = &mut self.packets;
        self.client.receive(self.now, bytes, |track, lane, data| {
            packets.push((track, lane, data.to_vec()));
        });
        self.collect();
    }

    /// Answers the newest request; `text` is what comes after the version, but for the number.
    fn answer(&mut self, text: &str) {
        let cseq = self.requests.last().unwrap().cseq().unwrap().to_string();
        let (line, rest) = text.split_once("\r\n").unwrap_or((text, "\r\n"));
        self.receive(format!("RTSP/1.0 {line}\r\nCSeq: {cseq}\r\n{rest}").as_bytes());
    }

    /// Answers each request as `server` does, until it has no answer or the client asks for nothing more.
    fn serve(&mut self, mut server: impl FnMut(&Request) -> Option<String>) {
        let mut answered = self.requests.len() - 1;
        while let Some(request) = self.requests.get(answered) {
            let Some(answer) = server(request) else {
                return;
            };
            self.answer(&answer);
            answered += 1;
        }
    }

    /// Lets the time pass to the next deadline.
    fn pass(&mut self) -> u64 {
        let before = self.now;
        self.now = self.client.next_deadline().unwrap().max(before);
        self.client.handle_deadline(self.now);
        self.collect();
        self.now - before
    }

    fn last_method(&self) -> &Method {
        &self.requests.last().unwrap().method
    }

    /// How it ended; that nothing was said behind the end.
    fn ended(&self) -> &ClientError {
        match self.events.last() {
            Some(Event::Ended(error)) => error,
            other => panic!("it goes on: {other:?}"),
        }
    }

    /// How often a new connection was asked for.
    fn connections(&self) -> usize {
        let connects = self.events.iter().filter(|event| **event == Event::Connect);
        connects.count()
    }
}

/// What a server answers that has nothing odd.
fn usual_answer(request: &Request) -> String {
    match request.method {
        Method::Options => "200 OK\r\nPublic: DESCRIBE, GET_PARAMETER\r\n\r\n".into(),
        Method::Describe => described(SDP),
        Method::Setup => {
            let transport = request.headers.get("Transport").unwrap();
            let ports = if transport.contains("client_port") {
                ";server_port=6000-6001"
            } else {
                ""
            };
            format!("200 OK\r\nSession: 12;timeout=20\r\nTransport: {transport}{ports}\r\n\r\n")
        }
        Method::Play => "200 OK\r\nRTP-Info: url=trackID=0;seq=5;rtptime=6\r\n\r\n".into(),
        _ => "200 OK\r\n\r\n".into(),
    }
}

fn described(sdp: &str) -> String {
    format!("200 OK\r\nContent-Length: {}\r\n\r\n{sdp}", sdp.len())
}

/// A packet on a channel.
fn interleaved(channel: u8, data: &[u8]) -> Vec<u8> {
    let mut out = Vec::from([b'$', channel, 0, data.len() as u8]);
    out.extend_from_slice(data);
    out
}
