//! Renditions that the program makes: chunks of bytes, such as fragments of MP4, that many viewers get over connections of
//! their own, framed once for all of them.
//!
//! The program pushes a chunk once; threads of the engine write it to the sockets of all viewers. A viewer begins at a
//! chunk where that is possible, with the header that belongs to it. Who is too slow skips to the newest such chunk:
//! it loses whole groups, never pieces, and nobody else notices.

mod chunk;
mod viewer;
mod worker;
mod workers;

pub(crate) use workers::Workers;

use crate::clock::now_ns;
use crate::engine::{Engine, lock};
use crate::web_session::WebSession;
use chunk::{Chunk, Header, framed};
use std::io;
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use viewer::Viewer;
use worker::Command;
use workers::Handle;

/// How chunks are laid out on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// As binary messages of a WebSocket (RFC 6455), whose control frames are answered.
    WebSocket,
    /// As they are, in the body of an answer that ends with its connection.
    Plain,
}

/// A rendition; its viewers leave with it. See the module.
pub struct Rendition {
    id: u64,
    framing: Framing,
    workers: Vec<Handle>,
    viewers: Arc<AtomicUsize>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Index of the next chunk.
    next: u64,
    header: Option<Arc<Header>>,
}

impl Engine {
    /// A rendition without chunks and viewers.
    ///
    /// # Errors
    /// When the operating system gives no threads or event queues.
    pub fn add_rendition(&self, framing: Framing) -> io::Result<Rendition> {
        let workers = self.shared.renditions.get(&self.shared)?;
        Ok(Rendition {
            id: self.shared.next_number(),
            framing,
            workers,
            viewers: Arc::default(),
            state: Mutex::default(),
        })
    }
}

impl Rendition {
    /// What a viewer gets before the next chunk where it begins there, and before it if it has another one; until the next
    /// call.
    pub fn set_header(&self, header: &[u8]) {
        let bytes = framed(self.framing, header);
        lock(&self.state).header = Some(Arc::new(Header { bytes }));
    }

    /// Gives all viewers a chunk; `is_start` says whether one may begin there.
    pub fn push(&self, data: &[u8], is_start: bool) {
        let bytes = framed(self.framing, data);
        let mut state = lock(&self.state);
        let chunk = Arc::new(Chunk {
            index: state.next,
            bytes,
            payload: data.len(),
            is_start,
            header: state.header.clone(),
            at: now_ns(),
        });
        state.next += 1;
        // Under the lock, so that all threads get chunks in their order.
        for worker in &self.workers {
            worker.send(Command::Chunk(self.id, Arc::clone(&chunk)));
        }
    }

    /// Serves a viewer on its connection, which is the engine's from now on, and does not block: first `greeting`, the end of
    /// what was said by HTTP, then chunks. `session` has begun.
    ///
    /// # Errors
    /// When the operating system says so.
    pub fn add_viewer(
        &self,
        socket: TcpStream,
        session: &WebSession,
        greeting: &[u8],
    ) -> io::Result<()> {
        socket.set_nonblocking(true)?;
        // Not of a local one, as encrypted connections have.
        let _ = socket.set_nodelay(true);
        let worker = self.workers.iter().min_by_key(|worker| worker.served());
        let worker = worker.ok_or_else(|| io::Error::other("the server is being stopped"))?;
        let viewer = Viewer::new(
            self.id,
            self.framing,
            socket,
            session.share(),
            greeting,
            Arc::clone(&self.viewers),
        );
        worker.count_in();
        worker.send(Command::Serve(Box::new(viewer)));
        Ok(())
    }

    /// How many viewers it has.
    pub fn viewers(&self) -> usize {
        self.viewers.load(Ordering::Relaxed)
    }
}

impl Drop for Rendition {
    fn drop(&mut self) {
        for worker in &self.workers {
            worker.send(Command::Remove(self.id));
        }
    }
}
