//! The way from the media threads to whoever decides: a bounded queue and a socket that becomes readable.

use crate::decision::Request;
use crate::journey::Journey;
use crate::paths::StreamChange;
use crate::pull::{PullChange, PullId};
use crate::session::SessionInfo;
use crate::signal::Signal;
use crate::stream::Stream;
use std::borrow::Cow;
use std::collections::VecDeque;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Something that the deciding side should know.
#[derive(Debug)]
pub enum Event {
    /// A decision is asked for; see [`crate::Engine::answer`].
    Request(Request),
    /// A session was set up.
    SessionStarted(Arc<SessionInfo>),
    /// A session ended, with the reason.
    SessionEnded(Arc<SessionInfo>, Cow<'static, str>),
    /// Something became of a stream that sources feed.
    Stream(Arc<Stream>, StreamChange),
    /// Something became of a pull.
    Pull {
        /// Which one.
        pull: PullId,
        /// The path that it feeds.
        path: String,
        /// What became of it.
        change: PullChange,
    },
    /// A reader of this process has something to take; not said again until it was emptied.
    ReaderReady(u64),
    /// An attempt to read ended without a session; see [`crate::Engine::tell_journeys`].
    Journey(Box<Journey>),
    /// A connection whose first request is one of HTTP; see [`crate::Engine::accept_http`].
    Http(HttpConnection),
}

/// A connection that left the engine because it speaks HTTP. Whoever takes it owns its socket, which does not block.
#[derive(Debug)]
pub struct HttpConnection {
    /// The socket.
    pub socket: TcpStream,
    /// All that was read of it: the head of the first request, and perhaps what follows.
    pub data: Vec<u8>,
    /// Address of the client.
    pub peer: SocketAddr,
    /// Address that the client reached.
    pub local: SocketAddr,
    /// Whether the client's bytes are encrypted; the socket is a local one then, and gives and takes what is within.
    pub is_secure: bool,
}

/// Attempts that wait to be told. They have a place of their own: strangers make as many as they like, and nothing else
/// may have to wait for that.
const MOST_JOURNEYS: usize = 1024;

/// The queue. A media thread never waits for room: what does not fit is refused and counted.
#[derive(Debug)]
pub(crate) struct EventQueue {
    state: Mutex<State>,
    capacity: usize,
}

#[derive(Debug, Default)]
struct State {
    /// `None` once the last events were taken.
    signal: Option<Arc<Signal>>,
    /// Whether the engine has ended.
    is_ended: bool,
    events: VecDeque<Event>,
    discarded: u64,
    journeys: Vec<Journey>,
    discarded_journeys: u64,
}

impl State {
    fn is_empty(&self) -> bool {
        self.events.is_empty() && self.journeys.is_empty()
    }

    /// What is to be raised behind the lock for something that comes now.
    fn signal_of_next(&self) -> Option<Arc<Signal>> {
        match self.is_empty() {
            true => self.signal.clone(),
            false => None,
        }
    }
}

impl EventQueue {
    /// A queue for at most `capacity` events.
    pub(crate) fn new(capacity: usize) -> io::Result<Self> {
        let state = State {
            signal: Some(Arc::new(Signal::new()?)),
            ..State::default()
        };
        Ok(Self {
            state: Mutex::new(state),
            capacity,
        })
    }

    /// Adds an event; `false` when the queue is full. Only questions and what comes of attempts to pull are refused: what
    /// happens to sessions, streams and readers is always told. Their number bounds what comes on top, and no session
    /// begins while the queue is full.
    pub(crate) fn push(&self, event: Event) -> bool {
        let mut state = self.state();
        let bounded = match &event {
            Event::Request(_) => true,
            Event::Pull { change, .. } => *change != PullChange::Ended,
            _ => false,
        };
        if bounded && state.events.len() >= self.capacity {
            state.discarded += 1;
            return false;
        }
        let signal = state.signal_of_next();
        state.events.push_back(event);
        drop(state);
        if let Some(signal) = signal {
            signal.raise();
        }
        true
    }

    /// Adds an attempt that has ended, or counts it where too many wait.
    pub(crate) fn push_journey(&self, journey: Journey) {
        let mut state = self.state();
        if state.journeys.len() >= MOST_JOURNEYS {
            state.discarded_journeys += 1;
            return;
        }
        let signal = state.signal_of_next();
        state.journeys.push(journey);
        drop(state);
        if let Some(signal) = signal {
            signal.raise();
        }
    }

    /// Whether an event more would be refused.
    pub(crate) fn is_full(&self) -> bool {
        let state = self.state();
        state.events.len() >= self.capacity
    }

    /// The engine has ended: who takes what is there by now needs no signal any more.
    pub(crate) fn end(&self) {
        let mut state = self.state();
        state.is_ended = true;
    }

    /// Takes everything that is there. Gives the signal up with the last events, behind [`EventQueue::end`].
    pub(crate) fn take(&self) -> VecDeque<Event> {
        let signal = self.state().signal.clone();
        if let Some(signal) = signal {
            // Cleared before it is emptied: an event that comes in between raises the signal again.
            signal.clear();
        }
        let mut state = self.state();
        if state.is_ended {
            state.signal = None;
        }
        let mut events = std::mem::take(&mut state.events);
        let journeys = std::mem::take(&mut state.journeys);
        drop(state);
        events.extend(journeys.into_iter().map(|it| Event::Journey(Box::new(it))));
        events
    }

    /// How many attempts were not told since the start.
    pub(crate) fn discarded_journeys(&self) -> u64 {
        self.state().discarded_journeys
    }

    /// How many events were refused since the start.
    pub(crate) fn discarded(&self) -> u64 {
        self.state().discarded
    }

    /// The socket that is readable while there are events; `None` once the last ones were taken.
    pub(crate) fn handle(&self) -> Option<u64> {
        let state = self.state();
        state.signal.as_ref().map(|signal| signal.handle())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // What a panic may have left is whole after each statement.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::Action;
    use crate::journey::Attempt;
    use crate::session::Protocol;

    /// An event that may be refused.
    fn question(id: u64) -> Event {
        Event::Request(Request {
            id,
            action: Action::Read,
            method: "DESCRIBE".to_owned(),
            path: "cam".to_owned(),
            uri: "rtsp://127.0.0.1/cam".to_owned(),
            query: None,
            authorization: None,
            user_agent: None,
            peer: ([127, 0, 0, 1], 5000).into(),
            session: None,
            is_secure: false,
            handshake: None,
        })
    }

    #[test]
    fn a_full_queue_refuses_and_counts() {
        let queue = EventQueue::new(2).unwrap();
        assert!(queue.push(question(1)) && queue.push(question(2)));
        assert!(!queue.push(question(3)));
        assert!(queue.push(Event::ReaderReady(4)), "readers are always told");
        assert_eq!((queue.take().len(), queue.discarded()), (3, 1));
        assert!(queue.push(question(5)) && queue.take().len() == 1);
    }

    #[test]
    fn the_signal_is_given_up_with_the_last_events() {
        let queue = EventQueue::new(2).unwrap();
        let handle = queue.handle();
        assert!(handle.is_some() && queue.take().is_empty() && queue.handle() == handle);
        queue.push(Event::ReaderReady(1));
        queue.end();
        assert_eq!(queue.handle(), handle, "there is still something to take");
        assert_eq!((queue.take().len(), queue.handle()), (1, None));
        // A stream of this process that ends later still tells its readers.
        queue.push(Event::ReaderReady(2));
        assert_eq!(queue.take().len(), 1);
    }

    #[test]
    fn attempts_have_a_bound_of_their_own() {
        let queue = EventQueue::new(2).unwrap();
        let journey = || Attempt::new(1).ended(Protocol::Rtsp, false, "idle");
        (0..MOST_JOURNEYS + 3).for_each(|_| queue.push_journey(journey()));
        assert!(!queue.is_full() && queue.push(question(1)));
        assert_eq!(queue.take().len(), MOST_JOURNEYS + 1);
        assert_eq!((queue.discarded_journeys(), queue.discarded()), (3, 0));
        queue.push_journey(journey());
        assert_eq!(queue.take().len(), 1);
    }
}
