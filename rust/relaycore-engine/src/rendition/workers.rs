//! The threads that write to viewers; they start with the first rendition.

use super::worker::{self, Command, Worker};
use crate::clock::MILLISECOND;
use crate::engine::{Shared, lock};
use mio::{Poll, Waker};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// Threads at most; each is good for some thousand viewers.
const MOST_THREADS: usize = 8;

/// Those of an engine.
#[derive(Default)]
pub(crate) struct Workers(Mutex<State>);

#[derive(Default)]
struct State {
    handles: Vec<Handle>,
    threads: Vec<JoinHandle<()>>,
    is_closed: bool,
}

/// Sends commands to a thread and wakes it, once for any number.
#[derive(Clone)]
pub(super) struct Handle {
    commands: Sender<Command>,
    shared: Arc<HandleShared>,
}

struct HandleShared {
    waker: Waker,
    woken: AtomicBool,
    viewers: AtomicUsize,
}

impl Workers {
    /// The threads, started where they do not run yet.
    pub(super) fn get(&self, shared: &Shared) -> io::Result<Vec<Handle>> {
        let mut state = lock(&self.0);
        if state.is_closed {
            return Err(io::Error::other("the server is being stopped"));
        }
        if state.handles.is_empty() {
            let cores = std::thread::available_parallelism().map_or(1, usize::from);
            for number in 0..cores.min(MOST_THREADS) {
                let (handle, thread) = start(number, shared)?;
                state.handles.push(handle);
                state.threads.push(thread);
            }
        }
        Ok(state.handles.clone())
    }

    /// Ends all viewers and the threads.
    pub(crate) fn close(&self) {
        let (handles, threads) = {
            let mut state = lock(&self.0);
            state.is_closed = true;
            (
                std::mem::take(&mut state.handles),
                std::mem::take(&mut state.threads),
            )
        };
        for handle in handles {
            handle.send(Command::Close);
        }
        for thread in threads {
            // One that panicked has said so on standard error.
            let _ = thread.join();
        }
    }
}

fn start(number: usize, shared: &Shared) -> io::Result<(Handle, JoinHandle<()>)> {
    let poll = Poll::new()?;
    let waker = Waker::new(poll.registry(), worker::WAKER)?;
    let (commands, receiver) = channel();
    let handle = Handle {
        commands,
        shared: Arc::new(HandleShared {
            waker,
            woken: AtomicBool::new(false),
            viewers: AtomicUsize::new(0),
        }),
    };
    let limits = &shared.limits;
    let bounds = worker::Bounds {
        reader_age: limits.reader_age_ms * MILLISECOND,
        ring_age: limits.ring_age_ms * MILLISECOND,
        ring_bytes: limits.ring_bytes,
    };
    let worker = Worker::new(bounds, poll, receiver, handle.clone());
    let thread = std::thread::Builder::new()
        .name(format!("relaycore-view-{number}"))
        .spawn(move || worker.run())?;
    Ok((handle, thread))
}

impl Handle {
    /// Sends a command; a thread that has ended ignores it.
    pub(super) fn send(&self, command: Command) {
        if matches!(command, Command::Serve(_)) {
            self.shared.viewers.fetch_add(1, Ordering::Relaxed);
        }
        if self.commands.send(command).is_ok() && !self.shared.woken.swap(true, Ordering::AcqRel) {
            // A waker that fails belongs to a thread that has ended.
            let _ = self.shared.waker.wake();
        }
    }

    /// Called by the thread before it looks at its commands: what comes from now on wakes it again.
    pub(super) fn awake(&self) {
        self.shared.woken.swap(false, Ordering::AcqRel);
    }

    /// How many viewers the thread has or is about to have.
    pub(super) fn viewers(&self) -> usize {
        self.shared.viewers.load(Ordering::Relaxed)
    }

    /// A viewer is gone.
    pub(super) fn count_out(&self) {
        self.shared.viewers.fetch_sub(1, Ordering::Relaxed);
    }
}
