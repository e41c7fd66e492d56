//! A thread that reads: an event loop over its share of the readers.

use crate::platform;
use crate::reader::{Context, Reader, TOKENS};
use crate::sessions::{NAP_NS, Timers};
use crate::shared::Shared;
use crate::tally::{Findings, GroupTally, MILLISECOND, ReaderTally, SECOND, SecondTally, Window};
use mio::{Events, Poll};
use relaycore_engine::datagrams::INLET_BYTES;
use std::io;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// How long access units may take that were sent at the end of the run, before they count as missing.
const GRACE_NS: u64 = SECOND;

/// Events that one call of the system brings.
const EVENTS: usize = 1024;

/// A reader, with the index of its group and its number in it.
pub(crate) struct Member<'a> {
    pub(crate) group: usize,
    pub(crate) number: usize,
    pub(crate) reader: Reader<'a>,
}

/// What a worker found.
pub(crate) struct Outcome {
    pub(crate) groups: Vec<GroupTally>,
    /// Group, number, whether it played at the end, and what it counted.
    pub(crate) readers: Vec<(usize, usize, bool, ReaderTally)>,
    pub(crate) findings: Findings,
    /// Processor time of the thread while it was measured, in seconds.
    pub(crate) cpu_seconds: f64,
}

/// Processor time of this thread between the two ends of the window.
#[derive(Debug, Default)]
pub(crate) struct CpuMeter {
    from: Option<f64>,
    to: Option<f64>,
}

impl CpuMeter {
    /// Looks at the time, which has to be done now and then.
    pub(crate) fn look(&mut self, now: u64, window: Window) {
        if self.from.is_none() && now >= window.from && window.to > 0 {
            self.from = platform::thread_cpu_seconds();
        }
        if self.to.is_none() && now >= window.to && window.to > 0 {
            self.to = platform::thread_cpu_seconds();
        }
    }

    pub(crate) fn seconds(&self) -> f64 {
        let Some(from) = self.from else { return 0.0 };
        let to = self.to.or_else(platform::thread_cpu_seconds);
        to.map_or(0.0, |to| to - from)
    }
}

/// Reads until the run is over.
pub(crate) fn run(
    mut members: Vec<Member<'_>>,
    groups: usize,
    shared: &Shared,
) -> io::Result<Outcome> {
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(EVENTS);
    let mut timers = Timers::new(members.len());
    let mut buffer = vec![0; INLET_BYTES];
    let mut tallies: Vec<_> = std::iter::repeat_with(GroupTally::new)
        .take(groups)
        .collect();
    let mut findings = Findings::default();
    let mut second = SecondTally::new();
    let window = shared.window();
    let began = shared.began().unwrap_or_default();
    let mut meter = CpuMeter::default();
    let mut second_ends = began + SECOND;
    let mut told = [0; 3];
    for (index, member) in members.iter().enumerate() {
        timers.set(index, member.reader.deadline());
    }
    loop {
        let now = shared.now();
        meter.look(now, window);
        if now >= second_ends {
            let playing = members.iter().filter(|it| it.reader.is_playing()).count();
            let t = (second_ends - began) / SECOND;
            shared.series.add(t, &second, playing as u64);
            second = SecondTally::new();
            told = [0; 3];
            second_ends += SECOND;
        }
        tell(shared, &second, &mut told);
        let mut context = Context {
            registry: poll.registry(),
            shared,
            buffer: &mut buffer,
            groups: &mut tallies,
            index: 0,
            second: &mut second,
            findings: &mut findings,
            window,
        };
        if shared.is_stopped() || now >= window.to {
            let waits = |member: &Member<'_>| {
                let is_good = member.reader.role.plan.behaviour == crate::plan::Behaviour::Good;
                let behind = member.reader.behind(&context);
                is_good && behind.is_some_and(|(units, _)| units > 0)
            };
            let is_late = shared.is_stopped() || now >= window.to + GRACE_NS;
            if is_late || !members.iter().any(waits) {
                let readers = members.iter_mut().map(|member| {
                    let is_playing = member.reader.is_playing();
                    context.index = member.group;
                    member.reader.finish(now, &mut context);
                    (member.group, member.number, is_playing, member.reader.tally)
                });
                let readers = readers.collect();
                return Ok(Outcome {
                    groups: tallies,
                    readers,
                    findings,
                    cpu_seconds: meter.seconds(),
                });
            }
        }
        // Not all that are due at once: what has come meanwhile is not to wait for a thousand that begin.
        for _ in 0..EVENTS {
            let Some(index) = timers.due(now) else { break };
            let member = &mut members[index];
            context.index = member.group;
            member.reader.wake(now, &mut context);
            timers.set(index, member.reader.deadline());
        }
        let nap = timers.next().saturating_sub(now).min(NAP_NS);
        // The event loop counts in milliseconds and rounds up.
        let nap = Duration::from_millis(nap / MILLISECOND);
        match poll.poll(&mut events, Some(nap)) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        }
        let now = shared.now();
        let mut context = Context {
            registry: poll.registry(),
            shared,
            buffer: &mut buffer,
            groups: &mut tallies,
            index: 0,
            second: &mut second,
            findings: &mut findings,
            window,
        };
        for event in &events {
            let (index, kind) = (event.token().0 / TOKENS, event.token().0 % TOKENS);
            let Some(member) = members.get_mut(index) else {
                continue;
            };
            context.index = member.group;
            if kind == 0 {
                let is_readable = event.is_readable() || event.is_read_closed() || event.is_error();
                member
                    .reader
                    .connection_ready(now, is_readable, &mut context);
            } else {
                member.reader.read_datagrams(&mut context);
            }
            timers.set(index, member.reader.deadline());
        }
    }
}

/// Adds what was counted since the last time to the totals.
fn tell(shared: &Shared, second: &SecondTally, told: &mut [u64; 3]) {
    let totals = &shared.totals;
    let counters = [&totals.bytes, &totals.access_units, &totals.lost];
    let counts = [second.bytes, second.access_units, second.lost];
    for ((counter, count), told) in counters.into_iter().zip(counts).zip(told) {
        // What came late may no longer count as lost.
        counter.fetch_add(count.wrapping_sub(*told), Relaxed);
        *told = count;
    }
}
