//! Viewers by WebRTC of a stream that a [run](crate::Run) publishes, hundreds in one thread.
//!
//! Each makes an offer, which somebody has to carry to the server (WHEP), and connects by the answer, from a socket on
//! loopback: the server is one of this machine. Most do not decrypt what comes: SRTP leaves the header of a packet readable
//! (RFC 3711 section 3.1), so its number tells what is missing and its marker that an access unit has ended, for next to
//! nothing. Some decrypt everything and check each access unit as readers of RTSP do.

mod viewer;

use crate::platform;
use crate::report::{AccessUnits, Distribution, Finding, Packets};
use crate::run::Run;
use crate::sessions::{NAP_NS, Timers};
use crate::shared::Shared;
use crate::tally::{Findings, GroupTally, MILLISECOND, SECOND, SecondTally, Window};
use crate::worker::CpuMeter;
use mio::{Events, Interest, Poll, Token, Waker};
use relaycore_engine::datagrams::INLET_BYTES;
use serde::Serialize;
use std::io;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use str0m::RtcConfig;
use viewer::Viewer;

/// How long access units may take that were sent at the end of the run.
const GRACE_NS: u64 = SECOND;

/// Datagrams that are read of one socket before it is the turn of others.
const DATAGRAMS: usize = 64;

/// What the viewers of a run found, as JSON. Times are milliseconds.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ViewersReport {
    /// Viewers that made an offer.
    pub asked: usize,
    /// Those that connected.
    pub connected: usize,
    /// Those that were connected until the end.
    pub playing: usize,
    /// RTP packets of the time that was measured, of all.
    pub packets: Packets,
    /// Access units that ended in the time that was measured: packets with a marker, of all.
    pub access_units: u64,
    /// Bytes of the RTP packets that arrived while it was measured, headers of UDP and IP not.
    pub bytes: u64,
    /// Viewers that decrypt what comes and check it.
    pub checking: usize,
    /// What those found; by their marks.
    pub checked: AccessUnits,
    /// From the moment an access unit was sent by its source to the arrival of its last byte at those.
    pub latency_ms: Distribution,
    /// Processor time of the thread while it was measured, in seconds.
    pub cpu_seconds: f64,
    /// What the server did wrong, or the machine could not do.
    pub findings: Vec<Finding>,
}

/// See the module.
#[derive(Debug)]
pub struct Viewers {
    offers: Vec<String>,
    answers: Mutex<Sender<(usize, String)>>,
    common: Arc<Common>,
    thread: Mutex<Option<JoinHandle<ViewersReport>>>,
}

/// What the thread shares with who began it.
#[derive(Debug)]
struct Common {
    shared: Arc<Shared>,
    waker: Waker,
    connected: AtomicUsize,
    stop: AtomicBool,
}

/// What all viewers count.
struct Tally {
    group: GroupTally,
    second: SecondTally,
    findings: Findings,
    window: Window,
    access_units: u64,
}

impl Viewers {
    /// As many viewers as `count`, of which one in `check_one_in` checks what comes, beside a run that has started; in
    /// a thread that runs on the processor `cpu` alone where one is named.
    ///
    /// # Errors
    /// When the system has no sockets left, or no thread.
    pub fn new(
        run: &Run,
        count: usize,
        check_one_in: usize,
        cpu: Option<usize>,
    ) -> io::Result<Self> {
        let crypto = Arc::new(str0m::crypto::from_feature_flags());
        // One for all: what is measured is not how fast this side makes certificates.
        let certificate = crypto
            .dtls_provider
            .generate_certificate()
            .ok_or_else(|| io::Error::other("no certificate for DTLS could be made"))?;
        let poll = Poll::new()?;
        let mut viewers = Vec::with_capacity(count);
        let mut offers = Vec::with_capacity(count);
        for number in 0..count {
            let config = RtcConfig::new()
                .clear_codecs()
                .enable_h264(true)
                .set_rtp_mode(true)
                .set_crypto_provider(Arc::clone(&crypto))
                .set_dtls_cert(certificate.clone());
            let checks = number % check_one_in.max(1) == 0;
            let (mut viewer, offer) = Viewer::offering(config.build(Instant::now()), checks)?;
            poll.registry().register(
                &mut viewer.inlet.socket,
                Token(number),
                Interest::READABLE,
            )?;
            viewers.push(viewer);
            offers.push(offer);
        }
        let common = Arc::new(Common {
            shared: run.shared(),
            waker: Waker::new(poll.registry(), Token(count))?,
            connected: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
        });
        let (answers, receiver) = channel();
        let theirs = Arc::clone(&common);
        let thread = thread::Builder::new()
            .name("load-webrtc".into())
            .spawn(move || {
                let pinned = cpu.map_or(Ok(()), platform::pin_current_thread);
                pinned
                    .and_then(|()| watch(poll, viewers, &receiver, &theirs))
                    .unwrap_or_else(|error| failed(&error))
            })?;
        Ok(Self {
            offers,
            answers: Mutex::new(answers),
            common,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// The offer (SDP, RFC 8866) of each viewer.
    #[must_use]
    pub fn offers(&self) -> &[String] {
        &self.offers
    }

    /// The server's answer to an offer came. One that cannot be understood is a finding.
    pub fn answer(&self, number: usize, answer: String) {
        let answers = self.answers.lock().unwrap_or_else(|it| it.into_inner());
        // A thread that has ended takes none.
        let _ = answers.send((number, answer));
        let _ = self.common.waker.wake();
    }

    /// How many have connected.
    #[must_use]
    pub fn connected(&self) -> usize {
        self.common.connected.load(Relaxed)
    }

    /// Ends the sessions, if the run has not come to its end, and says what they found; nothing the second time.
    #[must_use]
    pub fn stop(&self) -> ViewersReport {
        self.common.stop.store(true, Release);
        let _ = self.common.waker.wake();
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(|it| it.into_inner())
            .take();
        thread.map_or_else(ViewersReport::default, |thread| {
            thread
                .join()
                .unwrap_or_else(|_| failed(&io::Error::other("it panicked")))
        })
    }
}

impl Drop for Viewers {
    fn drop(&mut self) {
        // The thread ends by itself, soon.
        self.common.stop.store(true, Release);
    }
}

fn failed(error: &io::Error) -> ViewersReport {
    let mut findings = Findings::default();
    findings.add("generator_failed", 0, || {
        format!("the thread of the viewers could not go on: {error}")
    });
    ViewersReport {
        findings: findings.into_sorted(),
        ..ViewersReport::default()
    }
}

/// Views until the run is over.
fn watch(
    mut poll: Poll,
    mut viewers: Vec<Viewer>,
    answers: &Receiver<(usize, String)>,
    common: &Common,
) -> io::Result<ViewersReport> {
    let shared = &*common.shared;
    let mut events = Events::with_capacity(1024);
    let mut timers = Timers::new(viewers.len());
    let mut buffer = vec![0; INLET_BYTES];
    let mut unread: Vec<usize> = Vec::new();
    let mut meter = CpuMeter::default();
    let mut tally = Tally {
        group: GroupTally::new(),
        second: SecondTally::new(),
        findings: Findings::default(),
        window: Window::NONE,
        access_units: 0,
    };
    loop {
        let now = shared.now();
        tally.window = shared.window();
        meter.look(now, tally.window);
        let is_over = tally.window.to > 0 && now >= tally.window.to + GRACE_NS;
        // Answers that were given before are taken, too.
        let is_stopped = common.stop.load(Acquire);
        while let Ok((number, answer)) = answers.try_recv() {
            if let Some(viewer) = viewers.get_mut(number) {
                viewer.accept(&answer, shared, &mut tally);
                timers.set(number, viewer.deadline);
            }
        }
        if is_over || is_stopped {
            break;
        }
        while let Some(number) = timers.due(now) {
            viewers[number].wake(shared, &mut tally);
            // One whose clock is a little ahead of ours is not asked again at once.
            let next = viewers[number].deadline.max(now + MILLISECOND);
            timers.set(number, next);
        }
        let nap = match unread.is_empty() {
            true => timers.next().saturating_sub(now).min(NAP_NS),
            false => 0,
        };
        // The event loop counts in milliseconds and rounds up.
        match poll.poll(&mut events, Some(Duration::from_millis(nap / MILLISECOND))) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        }
        for event in &events {
            let number = event.token().0;
            if number < viewers.len() && !unread.contains(&number) {
                unread.push(number);
            }
        }
        unread.retain(|number| {
            let viewer = &mut viewers[*number];
            let has_more = viewer.read(&mut buffer, DATAGRAMS, shared, &mut tally);
            timers.set(*number, viewer.deadline);
            has_more
        });
        let connected = viewers.iter().filter(|it| it.has_connected()).count();
        common.connected.store(connected, Relaxed);
    }
    let playing = viewers.iter().filter(|it| it.is_playing()).count();
    for viewer in &mut viewers {
        viewer.leave();
    }
    Ok(ViewersReport {
        asked: viewers.len(),
        connected: viewers.iter().filter(|it| it.has_connected()).count(),
        playing,
        packets: tally.group.packets,
        access_units: tally.access_units,
        bytes: tally.group.bytes,
        checking: viewers.iter().filter(|it| it.checks).count(),
        checked: tally.group.units,
        latency_ms: tally.group.latency.distribution(),
        cpu_seconds: meter.seconds(),
        findings: tally.findings.into_sorted(),
    })
}
