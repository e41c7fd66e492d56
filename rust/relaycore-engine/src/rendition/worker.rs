//! A thread that writes to viewers.

use super::chunk::Chunk;
use super::viewer::{ChunkRing, Read, Viewer};
use super::workers::Handle;
use crate::clock::now_ns;
use crate::mailbox::Inbox;
use mio::{Events, Interest, Poll, Token};
use slab::Slab;
use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Wakes the thread for its commands.
pub(super) const WAKER: Token = Token(0);

/// Viewers are the tokens from here on.
const VIEWERS: usize = 1;

/// How often it looks for sessions that others have ended, and for viewers that are not there any more.
const SWEEP: Duration = Duration::from_millis(100);

/// How long viewers get to take their goodbye when the engine ends.
const FAREWELL: Duration = Duration::from_millis(200);

/// What the thread is told.
pub(super) enum Command {
    /// Serve this viewer.
    Serve(Box<Viewer>),
    /// A rendition has a new chunk.
    Chunk(u64, Arc<Chunk>),
    /// A rendition is gone.
    Remove(u64),
    /// Say goodbye to everybody and end.
    Close,
}

/// Bounds of what is kept and of who is waited for.
pub(super) struct Bounds {
    /// Age from which chunks are given up for a viewer, in nanoseconds.
    pub(super) reader_age: u64,
    /// Age and bytes of what is kept of a rendition.
    pub(super) ring_age: u64,
    pub(super) ring_bytes: usize,
}

/// See the module.
pub(super) struct Worker {
    bounds: Bounds,
    poll: Poll,
    commands: Inbox<Command>,
    handle: Handle,
    viewers: Slab<Viewer>,
    renditions: HashMap<u64, Local>,
    /// Renditions with new chunks.
    touched: Vec<u64>,
    /// Viewers of whom more may have come.
    unread: Vec<usize>,
    next_sweep: Instant,
    closes_at: Option<Instant>,
}

#[derive(Default)]
struct Local {
    ring: ChunkRing,
    viewers: Vec<usize>,
    is_gone: bool,
}

impl Worker {
    pub(super) fn new(
        bounds: Bounds,
        poll: Poll,
        commands: Inbox<Command>,
        handle: Handle,
    ) -> Self {
        Self {
            bounds,
            poll,
            commands,
            handle,
            viewers: Slab::new(),
            renditions: HashMap::new(),
            touched: Vec::new(),
            unread: Vec::new(),
            next_sweep: Instant::now() + SWEEP,
            closes_at: None,
        }
    }

    /// Serves until told to close.
    pub(super) fn run(mut self) {
        let mut events = Events::with_capacity(1024);
        while !self.has_ended() {
            // Without viewers nothing has to be looked for.
            let timeout = (!self.viewers.is_empty()).then(|| {
                let next = self.next_sweep.saturating_duration_since(Instant::now());
                if self.unread.is_empty() {
                    next
                } else {
                    Duration::ZERO
                }
            });
            if let Err(error) = self.poll.poll(&mut events, timeout) {
                if error.kind() == io::ErrorKind::Interrupted {
                    continue;
                }
                // Only a closed event queue fails otherwise, and nobody closes it but this thread.
                break;
            }
            for event in &events {
                let Some(key) = event.token().0.checked_sub(VIEWERS) else {
                    continue;
                };
                if let Some(viewer) = self.viewers.get_mut(key)
                    && event.is_writable()
                {
                    viewer.is_blocked = false;
                }
                if event.is_readable() || event.is_read_closed() || event.is_error() {
                    self.read(key);
                }
                self.feed(key);
            }
            // What is not read at once is read after the others.
            for key in std::mem::take(&mut self.unread) {
                self.read(key);
                self.feed(key);
            }
            self.take_commands();
            for rendition in std::mem::take(&mut self.touched) {
                let local = self.renditions.get(&rendition);
                let viewers = local.map(|local| local.viewers.clone());
                for key in viewers.unwrap_or_default() {
                    self.feed(key);
                }
            }
            self.sweep();
        }
        let keys: Vec<_> = self.viewers.iter().map(|(key, _)| key).collect();
        for key in keys {
            self.end(key, "the server was stopped");
        }
    }

    fn read(&mut self, key: usize) {
        match self.viewers.get_mut(key).map(Viewer::read) {
            Some(Ok(Read::Some)) if !self.unread.contains(&key) => self.unread.push(key),
            Some(Ok(_)) | None => {}
            Some(Err(reason)) => self.end(key, reason),
        }
    }

    fn has_ended(&self) -> bool {
        self.closes_at
            .is_some_and(|at| self.viewers.is_empty() || Instant::now() >= at)
    }

    fn take_commands(&mut self) {
        self.handle.awake();
        while let Some(command) = self.commands.take() {
            match command {
                Command::Serve(viewer) => self.serve(*viewer),
                Command::Chunk(rendition, chunk) => {
                    let local = self.renditions.entry(rendition).or_default();
                    let Bounds {
                        ring_age,
                        ring_bytes,
                        ..
                    } = self.bounds;
                    local.ring.push(chunk, ring_age, ring_bytes);
                    if !local.viewers.is_empty() && !self.touched.contains(&rendition) {
                        self.touched.push(rendition);
                    }
                }
                Command::Remove(rendition) => {
                    if let Some(local) = self.renditions.get_mut(&rendition) {
                        local.is_gone = true;
                        if local.viewers.is_empty() {
                            self.renditions.remove(&rendition);
                        } else {
                            self.next_sweep = Instant::now();
                        }
                    }
                }
                Command::Close => {
                    self.closes_at = Some(Instant::now() + FAREWELL);
                    let keys: Vec<_> = self.viewers.iter().map(|(key, _)| key).collect();
                    for key in keys {
                        self.say_goodbye(key, "the server was stopped");
                    }
                }
            }
        }
    }

    fn serve(&mut self, viewer: Viewer) {
        let rendition = viewer.rendition;
        let entry = self.viewers.vacant_entry();
        let key = entry.key();
        let viewer = entry.insert(viewer);
        let interest = Interest::READABLE | Interest::WRITABLE;
        let token = Token(VIEWERS + key);
        if self
            .poll
            .registry()
            .register(&mut viewer.socket, token, interest)
            .is_err()
        {
            return self.end(key, "the connection was lost");
        }
        self.renditions
            .entry(rendition)
            .or_default()
            .viewers
            .push(key);
        self.feed(key);
    }

    /// Gives a viewer what it can take now.
    fn feed(&mut self, key: usize) {
        let Some(viewer) = self.viewers.get_mut(key) else {
            return;
        };
        let Some(local) = self.renditions.get(&viewer.rendition) else {
            return;
        };
        if viewer.feed(&local.ring, self.bounds.reader_age).is_err() {
            self.end(key, "the connection was lost");
        }
    }

    fn sweep(&mut self) {
        if Instant::now() < self.next_sweep {
            return;
        }
        self.next_sweep = Instant::now() + SWEEP;
        let now = now_ns();
        let keys: Vec<_> = self.viewers.iter().map(|(key, _)| key).collect();
        for key in keys {
            let Some(viewer) = self.viewers.get_mut(key) else {
                continue;
            };
            let is_gone = self
                .renditions
                .get(&viewer.rendition)
                .is_none_or(|it| it.is_gone);
            if !viewer.is_there(now) {
                self.end(key, "nothing was heard of the client until its timeout");
            } else if viewer.session.has_ended() || is_gone {
                self.say_goodbye(key, "the stream has ended");
            } else if viewer.has_answers() {
                self.feed(key);
            }
        }
    }

    /// Ends a session, and its connection when the client has heard of it, or takes nothing.
    fn say_goodbye(&mut self, key: usize, reason: &'static str) {
        let Some(viewer) = self.viewers.get_mut(key) else {
            return;
        };
        viewer.session.end(reason);
        viewer.say_goodbye();
        let is_blocked = viewer.is_blocked;
        self.feed(key);
        if is_blocked && self.viewers.contains(key) {
            self.end(key, reason);
        }
    }

    /// Closes a connection; the session ends for this reason where nobody has given another one.
    fn end(&mut self, key: usize, reason: &'static str) {
        let Some(mut viewer) = self.viewers.try_remove(key) else {
            return;
        };
        let _ = self.poll.registry().deregister(&mut viewer.socket);
        let _ = viewer.socket.shutdown(std::net::Shutdown::Both);
        self.handle.count_out();
        if let Some(local) = self.renditions.get_mut(&viewer.rendition) {
            local.viewers.retain(|known| *known != key);
            if local.is_gone && local.viewers.is_empty() {
                self.renditions.remove(&viewer.rendition);
            }
        }
        viewer.session.end(reason);
    }
}
