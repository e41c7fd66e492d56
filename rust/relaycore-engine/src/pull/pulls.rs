//! The pulls of a shard: which there are, when each goes on, and what the program is told of them.

use super::attempt::{Attempt, Step, Surroundings, TOKENS};
use super::failure::Failure;
use super::retry::Retry;
use super::{PullChange, PullId, PullOptions, ServerUrl};
use crate::clock::now_ns;
use crate::engine::Shared;
use crate::events::Event;
use crate::ingest::Upstream;
use crate::inlet::INLET_BYTES;
use crate::paths::OpenSourceError;
use crate::random::random_u64;
use crate::shard::wheel::Wheel;
use crate::shard::{Command, ShardHandle};
use mio::Registry;
use slab::Slab;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

/// What the pulls of a shard are told.
#[derive(Debug)]
pub(crate) enum PullCommand {
    /// Pull this.
    Start {
        /// Its name.
        pull: PullId,
        /// The path that it feeds.
        path: String,
        /// The server.
        url: Box<ServerUrl>,
        /// How.
        options: PullOptions,
    },
    /// Pull it no more.
    Stop(PullId),
    /// The system answered a question for addresses, with none when it knows none.
    Resolved {
        /// Who asked.
        pull: PullId,
        /// Number of the question.
        question: u64,
        /// The answer.
        addresses: Vec<SocketAddr>,
    },
    /// Readers wait for a key frame.
    KeyFrame(PullId),
    /// Another source feeds the path than that of this attempt.
    Superseded {
        /// Who fed it.
        pull: PullId,
        /// Number of the attempt.
        attempt: u64,
    },
}

/// See the module.
pub(crate) struct Pulls {
    shared: Arc<Shared>,
    shard: ShardHandle,
    first_token: usize,
    pulls: Slab<Pull>,
    keys: HashMap<PullId, usize>,
    wheel: Wheel<(usize, PullId)>,
    /// Sockets that may have more to read, by their tokens.
    unread: Vec<usize>,
    /// Pulls that are in the middle of an access unit, whose packets wait for the rest.
    held: Vec<usize>,
    /// Kept to be filled again; nothing while there is no pull.
    buffer: Vec<u8>,
}

/// One pull.
struct Pull {
    id: PullId,
    path: String,
    url: ServerUrl,
    options: PullOptions,
    retry: Retry,
    /// `None` in a pause.
    attempt: Option<Attempt>,
    /// Number of the attempts so far.
    attempts: u64,
    /// When the pause ends.
    pause_ends: u64,
    /// The last failure that was told.
    told: Option<String>,
    is_stopping: bool,
    /// When the wheel looks at it next.
    looked_at: u64,
}

/// What a stream tells the pull that feeds it.
struct ToPull {
    pull: PullId,
    attempt: u64,
    shard: ShardHandle,
}

impl Upstream for ToPull {
    fn key_frame_wanted(&self) {
        self.shard
            .send(Command::Pull(PullCommand::KeyFrame(self.pull)));
    }

    fn superseded(&self) {
        let (pull, attempt) = (self.pull, self.attempt);
        self.shard
            .send(Command::Pull(PullCommand::Superseded { pull, attempt }));
    }
}

impl Pulls {
    /// No pulls. Their tokens are those from `first_token` on; `shard` is how this shard is told what they ask for.
    pub(crate) fn new(shared: Arc<Shared>, shard: ShardHandle, first_token: usize) -> Self {
        Self {
            shared,
            shard,
            first_token,
            pulls: Slab::new(),
            keys: HashMap::new(),
            wheel: Wheel::new(now_ns()),
            unread: Vec::new(),
            held: Vec::new(),
            buffer: Vec::new(),
        }
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.pulls.is_empty()
    }

    /// When to call [`Pulls::turn`], in nanoseconds from `now`; `None` when nothing is due.
    pub(crate) fn until_next(&self, now: u64) -> Option<u64> {
        if !self.unread.is_empty() {
            return Some(0);
        }
        let held = self.held.iter().filter_map(|key| self.flush_at(*key)).min();
        let held = held.map(|at| at.saturating_sub(now));
        [self.wheel.until_next(now), held]
            .into_iter()
            .flatten()
            .min()
    }

    /// Until when packets of a pull may wait for the rest of their access unit, if some do.
    fn flush_at(&self, key: usize) -> Option<u64> {
        self.pulls.get(key)?.attempt.as_ref()?.flush_at
    }

    /// Does what it is told.
    pub(crate) fn command(&mut self, command: PullCommand, registry: &Registry) {
        match command {
            PullCommand::Start {
                pull,
                path,
                url,
                options,
            } => {
                let key = self.pulls.insert(Pull {
                    id: pull,
                    path,
                    url: *url,
                    options,
                    retry: Retry::new(self.shared.limits.pull_retry_ms),
                    attempt: None,
                    attempts: 0,
                    pause_ends: 0,
                    told: None,
                    is_stopping: false,
                    looked_at: u64::MAX,
                });
                self.keys.insert(pull, key);
                self.due(key, registry);
            }
            PullCommand::Stop(pull) => self.stop(pull, registry),
            PullCommand::Resolved {
                pull,
                question,
                addresses,
            } => {
                self.with_attempt(pull, registry, |it, around| {
                    it.resolved(question, addresses, around)
                });
            }
            PullCommand::KeyFrame(pull) => {
                self.with_attempt(pull, registry, Attempt::want_key_frame);
            }
            PullCommand::Superseded { pull, attempt } => {
                let key = self.keys.get(&pull).copied();
                let is_current = |key: &usize| {
                    self.pulls
                        .get(*key)
                        .is_some_and(|pull| pull.attempts == attempt)
                };
                if let Some(key) = key.filter(is_current) {
                    self.step(key, registry, Attempt::superseded);
                }
            }
        }
    }

    /// The socket of `token` is ready.
    pub(crate) fn ready(&mut self, token: usize, is_writable: bool, registry: &Registry) {
        let (key, index) = (
            (token - self.first_token) / TOKENS,
            (token - self.first_token) % TOKENS,
        );
        let act = |attempt: &mut Attempt, around: &mut Surroundings<'_>| {
            attempt.ready(index, is_writable, around)
        };
        if self.step(key, registry, act) {
            self.unread.push(token);
        }
    }

    /// Goes on with what is due and what was not read to its end.
    pub(crate) fn turn(&mut self, registry: &Registry) {
        for token in std::mem::take(&mut self.unread) {
            self.ready(token, false, registry);
        }
        let now = now_ns();
        for key in std::mem::take(&mut self.held) {
            match self.flush_at(key) {
                Some(at) if at <= now => {
                    self.step(key, registry, Attempt::go_on);
                }
                Some(_) => self.held.push(key),
                None => {}
            }
        }
        let mut due = Vec::new();
        self.wheel.turn(now, &mut due);
        for (key, id) in due {
            let is_due = |pull: &&mut Pull| pull.id == id && pull.looked_at <= now;
            if let Some(pull) = self.pulls.get_mut(key).filter(is_due) {
                pull.looked_at = u64::MAX;
                self.due(key, registry);
            }
        }
    }

    /// Takes all of them back.
    pub(crate) fn close(&mut self, registry: &Registry) {
        for pull in self.keys.keys().copied().collect::<Vec<_>>() {
            self.stop(pull, registry);
        }
    }

    fn stop(&mut self, pull: PullId, registry: &Registry) {
        let Some(key) = self.keys.get(&pull).copied() else {
            return;
        };
        let Some(pull) = self.pulls.get_mut(key) else {
            return;
        };
        pull.is_stopping = true;
        if pull.attempt.is_some() {
            self.step(key, registry, Attempt::stop);
        } else {
            self.remove(key);
        }
    }

    /// Goes on with an attempt, or begins one.
    fn due(&mut self, key: usize, registry: &Registry) {
        let Some(pull) = self.pulls.get_mut(key) else {
            return;
        };
        let now = now_ns();
        if pull.attempt.is_some() || now < pull.pause_ends {
            self.step(key, registry, Attempt::go_on);
            return;
        }
        if let Err(error) = is_free(&self.shared, &pull.path) {
            return self.failed(key, Failure::Path(error.to_string()));
        }
        pull.attempts += 1;
        let upstream = Arc::new(ToPull {
            pull: pull.id,
            attempt: pull.attempts,
            shard: self.shard.clone(),
        });
        self.with(key, registry, |pull, around| {
            let (path, url) = (pull.path.clone(), pull.url.clone());
            pull.attempt = Some(Attempt::new(
                pull.id,
                path,
                url,
                pull.options,
                upstream,
                around,
            ));
        });
        self.step(key, registry, Attempt::go_on);
    }

    fn with_attempt(
        &mut self,
        pull: PullId,
        registry: &Registry,
        act: impl FnOnce(&mut Attempt, &mut Surroundings<'_>) -> Step,
    ) {
        if let Some(key) = self.keys.get(&pull).copied() {
            self.step(key, registry, act);
        }
    }

    /// Lets an attempt act, and takes note of what came of it; whether there is more to read.
    fn step(
        &mut self,
        key: usize,
        registry: &Registry,
        act: impl FnOnce(&mut Attempt, &mut Surroundings<'_>) -> Step,
    ) -> bool {
        let mut step = Step::Waits;
        let mut begins_to_play = false;
        self.with(key, registry, |pull, around| {
            let Some(attempt) = &mut pull.attempt else {
                return;
            };
            let was_playing = attempt.playing_since.is_some();
            step = act(attempt, around);
            begins_to_play = !was_playing && attempt.playing_since.is_some();
            if begins_to_play {
                pull.told = None;
            }
        });
        if begins_to_play {
            self.tell(key, PullChange::Connected);
        }
        if self.flush_at(key).is_some() && !self.held.contains(&key) {
            self.held.push(key);
        }
        let has_more = matches!(step, Step::HasMore);
        match step {
            Step::Ended(failure) => self.failed(key, failure),
            Step::Waits | Step::HasMore => self.schedule(key),
        }
        has_more
    }

    fn with(
        &mut self,
        key: usize,
        registry: &Registry,
        act: impl FnOnce(&mut Pull, &mut Surroundings<'_>),
    ) {
        let Some(pull) = self.pulls.get_mut(key) else {
            return;
        };
        if self.buffer.is_empty() {
            self.buffer = vec![0; INLET_BYTES];
        }
        let mut around = Surroundings {
            shared: &self.shared,
            shard: &self.shard,
            registry,
            token: self.first_token + key * TOKENS,
            buffer: &mut self.buffer,
            now: now_ns(),
        };
        act(pull, &mut around);
    }

    /// An attempt is over: tells why, once, and begins the pause before the next.
    fn failed(&mut self, key: usize, failure: Failure) {
        let Some(pull) = self.pulls.get_mut(key) else {
            return;
        };
        let now = now_ns();
        let attempt = pull.attempt.take();
        if pull.is_stopping {
            return self.remove(key);
        }
        if let Some(since) = attempt.and_then(|attempt| attempt.playing_since) {
            pull.retry.played(now.saturating_sub(since));
        }
        if matches!(&failure, Failure::Client(error) if error.is_lasting()) {
            pull.retry.give_time();
        }
        let pause = match failure {
            Failure::Path(_) => pull.retry.glance(),
            _ => pull.retry.pause(random_u64()),
        };
        pull.pause_ends = now.saturating_add(pause);
        let reason = failure.to_string();
        if pull.told.as_ref() != Some(&reason) {
            pull.told = Some(reason.clone());
            self.tell(key, PullChange::Failed(reason));
        }
        self.schedule(key);
    }

    fn remove(&mut self, key: usize) {
        self.tell(key, PullChange::Ended);
        if let Some(pull) = self.pulls.try_remove(key) {
            self.keys.remove(&pull.id);
        }
        if self.pulls.is_empty() {
            self.buffer = Vec::new();
        }
    }

    fn tell(&self, key: usize, change: PullChange) {
        if let Some(pull) = self.pulls.get(key) {
            let path = pull.path.clone();
            self.shared.events.push(Event::Pull {
                pull: pull.id,
                path,
                change,
            });
        }
    }

    /// Lets the wheel look at a pull at its next deadline, unless it looks sooner.
    fn schedule(&mut self, key: usize) {
        let Some(pull) = self.pulls.get_mut(key) else {
            return;
        };
        let deadline = match &pull.attempt {
            Some(attempt) => attempt.deadline(),
            None => pull.pause_ends,
        };
        if deadline < pull.looked_at {
            pull.looked_at = deadline;
            self.wheel.add(deadline, (key, pull.id));
        }
    }
}

/// Whether a pull may feed a path now. It never takes one over, as a publisher may: the two would take turns for ever.
fn is_free(shared: &Shared, path: &str) -> Result<(), OpenSourceError> {
    shared.is_open(path)?;
    let is_fed = shared
        .stream(path)
        .is_some_and(|stream| stream.source().is_some());
    if is_fed && shared.path_options(path).takeover {
        return Err(OpenSourceError::Busy);
    }
    Ok(())
}
