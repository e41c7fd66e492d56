//! The threads that write to viewers; they start with the first rendition.

use super::worker::{self, Command, Worker};
use crate::clock::MILLISECOND;
use crate::engine::{Shared, lock};
use crate::mailbox::Mailbox;
use mio::{Poll, Waker};
use std::io;
use std::sync::Mutex;
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

/// Sends commands to a thread; counts its viewers.
pub(super) type Handle = Mailbox<Command>;

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
    let (handle, receiver) = Handle::new(waker);
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
