//! The way from the program to the thread that serves WebRTC, which starts with the first session.

use super::channel::Caller;
use super::negotiation;
use super::peer::Peer;
use super::restart::{Restart, Wish};
use super::worker::{self, Command, Worker};
use super::{MOST_DESCRIPTION_BYTES, OfferError};
use crate::burst::Burst;
use crate::clock::MILLISECOND;
use crate::engine::{Shared, lock};
use crate::ingest::Upstream;
use crate::mailbox::Mailbox;
use crate::stream::{StreamId, Subscriber};
use crate::web_session::Carried;
use mio::{Poll, Waker};
use std::collections::HashSet;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;
use str0m::Candidate;
use str0m::config::DtlsCert;
use str0m::crypto::CryptoProvider;

/// The gateway of an engine, once it is there.
#[derive(Default)]
pub(crate) struct Gateways(Mutex<State>);

#[derive(Default)]
struct State {
    /// Addresses that the engine listens at.
    listening: Vec<SocketAddr>,
    gateway: Option<Arc<Gateway>>,
    thread: Option<JoinHandle<()>>,
    is_closed: bool,
}

/// See the module.
pub(crate) struct Gateway {
    handle: Handle,
    /// Where datagrams come in.
    addresses: Addresses,
    /// That of all sessions: what tells a client that it speaks to this server is the fingerprint in the answer.
    certificate: DtlsCert,
    crypto: Arc<CryptoProvider>,
}

/// How long the thread may take for an answer.
const ANSWER_TIME: Duration = Duration::from_secs(5);

/// The addresses that an answer names.
pub(super) struct Addresses {
    /// Where datagrams come in.
    pub(super) udp: Vec<SocketAddr>,
    /// Where connections do that carry them.
    pub(super) tcp: Vec<SocketAddr>,
}

/// Sends commands to the thread; counts its sessions, and those that are being agreed on.
pub(super) type Handle = Mailbox<Command>;

impl Gateways {
    /// The engine listens here, too: a gateway that starts later receives datagrams there.
    pub(crate) fn listens(&self, address: SocketAddr) {
        lock(&self.0).listening.push(address);
    }

    /// The gateway, started where it is not there yet.
    pub(super) fn get(&self, shared: &Arc<Shared>) -> io::Result<Arc<Gateway>> {
        let mut state = lock(&self.0);
        if state.is_closed {
            return Err(io::Error::other("the server is being stopped"));
        }
        if state.thread.as_ref().is_some_and(JoinHandle::is_finished) {
            // It panicked, and has said so on standard error; its sessions have ended, its sockets are free.
            state.thread = None;
            state.gateway = None;
        }
        if let Some(gateway) = &state.gateway {
            return Ok(Arc::clone(gateway));
        }
        let (gateway, thread) = Gateway::start(shared, &state.listening)?;
        state.thread = Some(thread);
        Ok(Arc::clone(state.gateway.insert(Arc::new(gateway))))
    }

    /// Takes a connection that begins with a check of connectivity. Whoever is expected by nobody is closed.
    pub(crate) fn call(&self, caller: Caller) {
        let gateway = lock(&self.0).gateway.clone();
        if let Some(gateway) = gateway {
            gateway.handle.send(Command::Call(Box::new(caller)));
        }
    }

    /// Says goodbye to all, and ends the thread.
    pub(crate) fn close(&self) {
        let (gateway, thread) = {
            let mut state = lock(&self.0);
            state.is_closed = true;
            (state.gateway.take(), state.thread.take())
        };
        if let Some(gateway) = gateway {
            gateway.handle.send(Command::Close);
        }
        if let Some(thread) = thread {
            // One that panicked has said so on standard error.
            let _ = thread.join();
        }
    }
}

impl Gateway {
    fn start(shared: &Arc<Shared>, listening: &[SocketAddr]) -> io::Result<(Self, JoinHandle<()>)> {
        let crypto = Arc::new(str0m::crypto::from_feature_flags());
        let certificate = crypto
            .dtls_provider
            .generate_certificate()
            .ok_or_else(|| io::Error::other("no certificate for DTLS could be made"))?;
        let sockets = bind(listening)?;
        let udp = sockets.iter().map(UdpSocket::local_addr);
        let addresses = Addresses {
            udp: udp.collect::<io::Result<_>>()?,
            tcp: distinct(listening),
        };
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), worker::WAKER)?;
        let (handle, receiver) = Handle::new(waker);
        let reader_age = shared.limits.reader_age_ms * MILLISECOND;
        let worker = Worker::new(reader_age, poll, receiver, handle.clone(), sockets)?;
        let thread = std::thread::Builder::new()
            .name("relaycore-webrtc".to_owned())
            .spawn(move || worker.run())?;
        let gateway = Self {
            handle,
            addresses,
            certificate,
            crypto,
        };
        Ok((gateway, thread))
    }

    pub(super) fn answer(
        &self,
        shared: &Arc<Shared>,
        session: Carried,
        offer: &str,
        sound: Option<&str>,
    ) -> Result<String, OfferError> {
        let (peer, answer) = self.agree(shared, session, offer, sound)?;
        if !self.handle.send(Command::Serve(Box::new(peer))) {
            return Err(OfferError::Unavailable(
                "what serves WebRTC has failed; try again".to_owned(),
            ));
        }
        Ok(answer)
    }

    /// A client that is to be served, and the answer to its offer.
    pub(super) fn agree(
        &self,
        shared: &Arc<Shared>,
        session: Carried,
        offer: &str,
        sound: Option<&str>,
    ) -> Result<(Peer, String), OfferError> {
        if offer.len() > MOST_DESCRIPTION_BYTES {
            return Err(OfferError::Malformed(format!(
                "an offer has at most {MOST_DESCRIPTION_BYTES} bytes"
            )));
        }
        let limit = shared.limits.connections;
        let seat = self.handle.reserve(limit).ok_or_else(|| {
            OfferError::Unavailable(format!(
                "there are {limit} sessions of WebRTC already; try again later, or raise the limit `connections`"
            ))
        })?;
        let key_frames = Arc::new(Asker {
            handle: self.handle.clone(),
            session: session.info().id.clone(),
        });
        // Of some offers that contradict themselves str0m makes a panic.
        let agreeing = AssertUnwindSafe(|| {
            negotiation::agree(
                shared,
                &session,
                offer,
                sound,
                &self.addresses,
                (&self.certificate, &self.crypto),
                key_frames,
            )
        });
        let contradicts = |_| {
            let reason = "the offer contradicts itself";
            Err(OfferError::Malformed(reason.to_owned()))
        };
        let mut agreed = catch_unwind(agreeing).unwrap_or_else(contradicts)?;
        let answer = std::mem::take(&mut agreed.answer);
        Ok((Peer::new(agreed, session, seat), answer))
    }

    pub(super) fn restart(&self, session: &str, fragment: &str) -> Result<String, OfferError> {
        if fragment.len() > MOST_DESCRIPTION_BYTES {
            return Err(OfferError::Malformed(format!(
                "a fragment has at most {MOST_DESCRIPTION_BYTES} bytes"
            )));
        }
        let (reply, answer) = sync_channel(1);
        let restart = Restart {
            session: session.to_owned(),
            wish: Wish::read(fragment)?,
            reply,
        };
        self.handle.send(Command::Restart(Box::new(restart)));
        let answered = answer.recv_timeout(ANSWER_TIME);
        answered.unwrap_or_else(|_| {
            let reason = "the session has ended, or is about to";
            Err(OfferError::Conflict(reason.to_owned()))
        })
    }

    pub(super) fn add_candidates(&self, session: &str, fragment: &str) {
        if fragment.len() > MOST_DESCRIPTION_BYTES {
            return;
        }
        let candidates = candidates_in(fragment);
        let id = session.to_owned();
        self.handle.send(Command::Candidates(id, candidates));
    }

    /// Tells the thread something; `false` when it has ended.
    #[cfg(test)]
    pub(super) fn tell(&self, command: Command) -> bool {
        self.handle.send(command)
    }

    /// Sessions that are there or about to be.
    #[cfg(test)]
    pub(super) fn sessions(&self) -> usize {
        self.handle.served()
    }
}

/// The candidates of a fragment.
pub(super) fn candidates_in(fragment: &str) -> Vec<Candidate> {
    let lines = fragment
        .lines()
        .filter_map(|line| line.trim().strip_prefix("a="))
        .filter(|line| line.starts_with("candidate:"));
    lines
        .take(negotiation::MOST_CANDIDATES)
        .filter_map(|line| Candidate::from_sdp_string(line).ok())
        .collect()
}

impl Subscriber for Handle {
    fn burst(&self, stream: StreamId, burst: &Arc<Burst>) {
        self.send(Command::Burst(stream, Arc::clone(burst)));
    }

    /// The sessions end with the stream by themselves.
    fn ended(&self, _: StreamId) {
        self.send(Command::StreamEnded);
    }
}

/// Asks the publisher of a session for key frames.
pub(super) struct Asker {
    handle: Handle,
    session: String,
}

impl Upstream for Asker {
    fn key_frame_wanted(&self) {
        self.handle.send(Command::KeyFrame(self.session.clone()));
    }

    fn superseded(&self) {
        self.handle.send(Command::Superseded(self.session.clone()));
    }
}

/// Sockets at the addresses that the engine listens at, with the same port where it is free; where that is every address
/// of the machine, one for each, since datagrams must leave from the address that they came to.
fn bind(listening: &[SocketAddr]) -> io::Result<Vec<UdpSocket>> {
    let mut sockets = Vec::new();
    let mut failure = None;
    for address in distinct(listening) {
        let socket = UdpSocket::bind(address)
            .or_else(|_| UdpSocket::bind(SocketAddr::new(address.ip(), 0)))
            .and_then(|socket| socket.set_nonblocking(true).map(|()| socket));
        match socket {
            Ok(socket) => sockets.push(socket),
            Err(error) => failure = Some(error),
        }
    }
    match failure {
        _ if !sockets.is_empty() => Ok(sockets),
        Some(error) => Err(error),
        None => Err(io::Error::other("the engine listens nowhere")),
    }
}

/// The addresses of the machine that are listened at, each once.
fn distinct(listening: &[SocketAddr]) -> Vec<SocketAddr> {
    let mut seen = HashSet::new();
    let all = listening.iter().flat_map(addresses_of);
    all.filter(|address| seen.insert(*address)).collect()
}

fn addresses_of(listening: &SocketAddr) -> Vec<SocketAddr> {
    if !listening.ip().is_unspecified() {
        return vec![*listening];
    }
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let wanted = |ip: &IpAddr| match ip {
        IpAddr::V4(_) => true,
        // An address of the link needs the name of its interface, which no candidate has.
        IpAddr::V6(v6) => listening.is_ipv6() && !v6.is_unicast_link_local(),
    };
    let ips = interfaces
        .iter()
        .map(if_addrs::Interface::ip)
        .filter(wanted);
    ips.take(negotiation::MOST_CANDIDATES)
        .map(|ip| SocketAddr::new(ip, listening.port()))
        .collect()
}
