//! An engine on a free port, with a thread that answers its questions and passes on its events.

use super::PATIENCE;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token, Waker};
use relaycore_engine::decision::{Answer, Request};
use relaycore_engine::session::SessionInfo;
use relaycore_engine::{Engine, Event};
use relaycore_proto::limits::Limits;
use std::borrow::Cow;
use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Limits at which a test waits for little.
pub(crate) fn small_limits() -> Limits {
    Limits {
        reader_age_ms: 100,
        decision_timeout_ms: 1000,
        ..Limits::default()
    }
}

/// The events that came: connections are served by several threads, so that those of different ones may come in any order.
struct Pending {
    events: Receiver<Event>,
    /// What came while something else was waited for, the oldest first.
    passed_over: VecDeque<Event>,
}

impl Pending {
    /// The first event that `choose` takes, among those that are here and those that come within `patience`.
    fn next<T>(
        &mut self,
        patience: Duration,
        mut choose: impl FnMut(Event) -> ControlFlow<T, Event>,
    ) -> Option<T> {
        let give_up = Instant::now() + patience;
        for place in 0..self.passed_over.len() {
            match choose(self.passed_over.remove(place)?) {
                ControlFlow::Break(chosen) => return Some(chosen),
                ControlFlow::Continue(other) => self.passed_over.insert(place, other),
            }
        }
        loop {
            let left = give_up.saturating_duration_since(Instant::now());
            match choose(self.events.recv_timeout(left).ok()?) {
                ControlFlow::Break(chosen) => return Some(chosen),
                ControlFlow::Continue(other) => self.passed_over.push_back(other),
            }
        }
    }
}

/// See the module.
pub(crate) struct Server {
    pub(crate) engine: Arc<Engine>,
    pub(crate) address: SocketAddr,
    events: Mutex<Pending>,
    stop: Arc<AtomicBool>,
    waker: Arc<Waker>,
    decider: Option<JoinHandle<()>>,
}

impl Server {
    /// An engine that lets everybody read.
    pub(crate) fn open() -> Self {
        Self::with(Limits::default())
    }

    /// As [`Server::open`], with these limits.
    pub(crate) fn with(limits: Limits) -> Self {
        Self::deciding(limits, |_| {
            Some(Answer::Allow {
                user: None,
                ticket: 0,
            })
        })
    }

    /// As [`Server::open`], but for who has not logged in, which takes the header `Authorization: right`.
    pub(crate) fn with_login() -> Self {
        Self::deciding(Limits::default(), |request| {
            Some(match request.authorization.as_deref() {
                Some("right") => Answer::Allow {
                    user: None,
                    ticket: 0,
                },
                _ => Answer::Challenge(vec!["Digest realm=\"x\"".to_owned()]),
            })
        })
    }

    /// As [`Server::with`], but with one shard: what connections do meets in one thread.
    pub(crate) fn narrow(limits: Limits) -> Self {
        Self::start(1, limits, |_| {
            Some(Answer::Allow {
                user: None,
                ticket: 0,
            })
        })
    }

    /// An engine whose questions are answered by `decide`; `None` leaves one open.
    pub(crate) fn deciding(
        limits: Limits,
        decide: impl Fn(&Request) -> Option<Answer> + Send + 'static,
    ) -> Self {
        Self::start(2, limits, decide)
    }

    fn start(
        shards: usize,
        limits: Limits,
        decide: impl Fn(&Request) -> Option<Answer> + Send + 'static,
    ) -> Self {
        let engine = Engine::new(shards, limits, "relaycore/test".to_owned());
        let engine = Arc::new(engine.unwrap());
        let address = engine.listen((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let mut poll = Poll::new().unwrap();
        let waker = Arc::new(Waker::new(poll.registry(), Token(0)).unwrap());
        let signal = engine.signal_handle().unwrap() as i32;
        poll.registry()
            .register(&mut SourceFd(&signal), Token(1), Interest::READABLE)
            .unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let (sender, events) = channel();
        let (stopped, asked) = (Arc::clone(&stop), Arc::clone(&engine));
        let decider = std::thread::spawn(move || {
            let mut ready = Events::with_capacity(4);
            while !stopped.load(Ordering::Acquire) {
                poll.poll(&mut ready, None).unwrap();
                for event in asked.poll() {
                    let answer = match &event {
                        Event::Request(request) => {
                            decide(request).map(|answer| (request.id, answer))
                        }
                        _ => None,
                    };
                    // Nobody may be interested in the events any more.
                    let _ = sender.send(event);
                    if let Some((id, answer)) = answer {
                        asked.answer(id, answer);
                    }
                }
            }
        });
        Self {
            engine,
            address,
            events: Mutex::new(Pending {
                events,
                passed_over: VecDeque::new(),
            }),
            stop,
            waker,
            decider: Some(decider),
        }
    }

    /// Returns when something of the published stream at a path has arrived.
    pub(crate) fn wait_begun(&self, path: &str) {
        let give_up = Instant::now() + PATIENCE;
        let has_begun = || self.engine.stream(path).is_some_and(|it| it.has_begun());
        while !has_begun() {
            assert!(Instant::now() < give_up, "nothing of {path} has arrived");
            std::thread::yield_now();
        }
    }

    /// URL of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("rtsp://{}/{path}", self.address)
    }

    /// The next event that `choose` takes; those that it gives back wait for whoever asks for them.
    pub(crate) fn wait<T>(&self, choose: impl FnMut(Event) -> ControlFlow<T, Event>) -> T {
        let chosen = self.events.lock().unwrap().next(PATIENCE, choose);
        chosen.expect("the event comes")
    }

    /// The next session that ended, and why.
    pub(crate) fn ended(&self) -> (Arc<SessionInfo>, Cow<'static, str>) {
        self.wait(|event| match event {
            Event::SessionEnded(session, reason) => ControlFlow::Break((session, reason)),
            other => ControlFlow::Continue(other),
        })
    }

    /// A session that ended, if one does within a moment.
    pub(crate) fn ended_by_now(&self) -> Option<Arc<SessionInfo>> {
        let moment = Duration::from_millis(20);
        let mut events = self.events.lock().unwrap();
        events.next(moment, |event| match event {
            Event::SessionEnded(session, _) => ControlFlow::Break(session),
            other => ControlFlow::Continue(other),
        })
    }

    /// The next question.
    pub(crate) fn asked(&self) -> Request {
        self.wait(|event| match event {
            Event::Request(request) => ControlFlow::Break(request),
            other => ControlFlow::Continue(other),
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        self.waker.wake().unwrap();
        let result = self.decider.take().map(JoinHandle::join);
        if !std::thread::panicking() {
            assert!(result.is_none_or(|result| result.is_ok()));
        }
    }
}
