//! An engine on a free port, with a thread that answers its questions and passes on its events.

use super::PATIENCE;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token, Waker};
use relaycore_engine::decision::{Answer, Request};
use relaycore_engine::session::SessionInfo;
use relaycore_engine::{Engine, Event};
use relaycore_proto::limits::Limits;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// Limits at which a test waits for little.
pub(crate) fn small_limits() -> Limits {
    Limits {
        reader_age_ms: 100,
        decision_timeout_ms: 100,
        ..Limits::default()
    }
}

/// See the module.
pub(crate) struct Server {
    pub(crate) engine: Arc<Engine>,
    pub(crate) address: SocketAddr,
    events: Mutex<Receiver<Event>>,
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
        Self::deciding(limits, |_| Some(Answer::Allow { user: None }))
    }

    /// As [`Server::with`], but with one shard: what connections do meets in one thread.
    pub(crate) fn narrow(limits: Limits) -> Self {
        Self::start(1, limits, |_| Some(Answer::Allow { user: None }))
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
        let signal = engine.signal_handle() as i32;
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
            events: Mutex::new(events),
            stop,
            waker,
            decider: Some(decider),
        }
    }

    /// URL of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("rtsp://{}/{path}", self.address)
    }

    /// The next event that `choose` takes; others are dropped.
    pub(crate) fn wait<T>(&self, mut choose: impl FnMut(Event) -> Option<T>) -> T {
        let events = self.events.lock().unwrap();
        loop {
            if let Some(chosen) = choose(events.recv_timeout(PATIENCE).unwrap()) {
                return chosen;
            }
        }
    }

    /// The next session that ended, and why.
    pub(crate) fn ended(&self) -> (Arc<SessionInfo>, &'static str) {
        self.wait(|event| match event {
            Event::SessionEnded(session, reason) => Some((session, reason)),
            _ => None,
        })
    }

    /// A session that ended, if one does within a moment.
    pub(crate) fn ended_by_now(&self) -> Option<Arc<SessionInfo>> {
        let moment = Duration::from_millis(20);
        match self.events.lock().unwrap().recv_timeout(moment) {
            Ok(Event::SessionEnded(session, _)) => Some(session),
            _ => None,
        }
    }

    /// The next question.
    pub(crate) fn asked(&self) -> Request {
        self.wait(|event| match event {
            Event::Request(request) => Some(request),
            _ => None,
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
