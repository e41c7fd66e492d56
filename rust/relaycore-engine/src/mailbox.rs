//! How other threads speak to one that has an event loop: commands through a channel, and a waker that is used once for any
//! number of them. The waker is a descriptor of the system, and belongs to the thread: whoever knows a thread that has ended
//! keeps none.

use mio::Waker;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Weak};

/// Sends commands of type `C` to a thread and wakes it. Also counts what the thread serves, so that others can choose the
/// one with the least, or keep to a limit.
pub(crate) struct Mailbox<C> {
    commands: Sender<C>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// `None` once the thread has ended.
    waker: Weak<Waker>,
    woken: AtomicBool,
    served: AtomicUsize,
}

/// Where a thread takes its commands out.
#[derive(Debug)]
pub(crate) struct Inbox<C> {
    commands: Receiver<C>,
    /// What mailboxes wake by, as long as this exists.
    _waker: Arc<Waker>,
}

impl<C> Inbox<C> {
    /// The next command, if there is one.
    pub(crate) fn take(&self) -> Option<C> {
        self.commands.try_recv().ok()
    }
}

/// One of those that a thread serves or is about to, until it is dropped.
#[derive(Debug)]
pub(crate) struct Seat(Arc<Shared>);

impl<C> Mailbox<C> {
    /// A mailbox whose thread polls `waker`, and the other end, where that thread takes the commands out.
    pub(crate) fn new(waker: Waker) -> (Self, Inbox<C>) {
        let (commands, receiver) = channel();
        let waker = Arc::new(waker);
        let shared = Arc::new(Shared {
            waker: Arc::downgrade(&waker),
            woken: AtomicBool::new(false),
            served: AtomicUsize::new(0),
        });
        let inbox = Inbox {
            commands: receiver,
            _waker: waker,
        };
        (Self { commands, shared }, inbox)
    }

    /// Sends a command; `false` when the thread has ended, which ignores it.
    pub(crate) fn send(&self, command: C) -> bool {
        let is_sent = self.commands.send(command).is_ok();
        if is_sent
            && !self.shared.woken.swap(true, Ordering::AcqRel)
            && let Some(waker) = self.shared.waker.upgrade()
        {
            // A waker that fails belongs to a thread that ends.
            let _ = waker.wake();
        }
        is_sent
    }

    /// Called by the thread when it has woken up: until it looks at its commands, none has to wake it.
    pub(crate) fn attend(&self) {
        self.shared.woken.store(true, Ordering::Release);
    }

    /// Called by the thread before it looks at its commands: what comes from now on wakes it again.
    pub(crate) fn awake(&self) {
        // An exchange, not a store: whoever found the flag set has sent its command before, and that is seen from here.
        self.shared.woken.swap(false, Ordering::AcqRel);
    }

    /// How many the thread serves or is about to.
    pub(crate) fn served(&self) -> usize {
        self.shared.served.load(Ordering::Relaxed)
    }

    /// The thread is about to serve one more.
    pub(crate) fn count_in(&self) {
        self.shared.served.fetch_add(1, Ordering::Relaxed);
    }

    /// One that the thread served is gone.
    pub(crate) fn count_out(&self) {
        self.shared.served.fetch_sub(1, Ordering::Relaxed);
    }

    /// A place for one more, where fewer than `limit` are served or about to be.
    pub(crate) fn reserve(&self, limit: usize) -> Option<Seat> {
        let one_more = |count| (count < limit).then_some(count + 1);
        let (served, order) = (&self.shared.served, Ordering::Relaxed);
        served.fetch_update(order, order, one_more).ok()?;
        Some(Seat(Arc::clone(&self.shared)))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.served.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<C> Clone for Mailbox<C> {
    fn clone(&self) -> Self {
        Self {
            commands: self.commands.clone(),
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<C> fmt::Debug for Mailbox<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Mailbox").field(&self.shared).finish()
    }
}
