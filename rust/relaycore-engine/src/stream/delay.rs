//! Bursts that come late on purpose: one thread for all of them, which runs as long as there are any.

use super::lock;
use super::mirror::Mirror;
use crate::burst::Burst;
use crate::clock::now_ns;
use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Most bursts that wait; more are not late.
const WAITING: usize = 65_536;

/// How long the thread waits for another burst.
const LINGER: Duration = Duration::from_secs(5);

/// The bursts of mirrors that are late. See the module.
#[derive(Default)]
pub(crate) struct Delays(Arc<Inner>);

#[derive(Default)]
struct Inner {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    /// By the time that they are due, and by their order where that is the same.
    waiting: BTreeMap<(u64, u64), (Arc<Mirror>, Arc<Burst>)>,
    count: u64,
    runs: bool,
}

impl Delays {
    /// Gives the burst to the mirror at `due`. `false` when it cannot wait.
    pub(super) fn add(&self, due: u64, mirror: Arc<Mirror>, burst: Arc<Burst>) -> bool {
        let mut queue = lock(&self.0.queue);
        if !queue.runs {
            let inner = Arc::clone(&self.0);
            let thread = std::thread::Builder::new().name("relaycore-late".to_owned());
            queue.runs = thread.spawn(move || inner.run()).is_ok();
        }
        if !queue.runs || queue.waiting.len() >= WAITING {
            return false;
        }
        let number = queue.count;
        queue.count += 1;
        queue.waiting.insert((due, number), (mirror, burst));
        self.0.changed.notify_one();
        true
    }
}

impl Inner {
    fn run(&self) {
        let mut queue = lock(&self.queue);
        loop {
            let now = now_ns();
            let next = queue.waiting.first_key_value().map(|(key, _)| key.0);
            let patience = match next {
                Some(due) if due <= now => {
                    if let Some((_, (mirror, burst))) = queue.waiting.pop_first() {
                        drop(queue);
                        mirror.relay_late(&burst);
                        queue = lock(&self.queue);
                    }
                    continue;
                }
                Some(due) => Duration::from_nanos(due - now),
                None => LINGER,
            };
            let (waited, result) = self
                .changed
                .wait_timeout(queue, patience)
                .unwrap_or_else(PoisonError::into_inner);
            queue = waited;
            if result.timed_out() && queue.waiting.is_empty() {
                queue.runs = false;
                return;
            }
        }
    }
}
