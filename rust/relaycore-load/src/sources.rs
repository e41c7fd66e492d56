//! The thread that publishes: an event loop over all sources.

use crate::plan::{Plan, PlanError, Source, SourceKind};
use crate::publisher::{Context, Destination, Publisher, SourceTally};
use crate::sessions::{NAP_NS, Timers};
use crate::shared::Shared;
use crate::tally::{Findings, MILLISECOND, SECOND, Window};
use crate::target::Resolver;
use crate::worker::CpuMeter;
use mio::{Events, Poll};
use std::io;
use std::time::Duration;

/// Bytes that are read of one connection at a time: servers have little to say to a publisher.
const BUFFER_BYTES: usize = 16 * 1024;

/// So many sources are sent for to the moment.
const FEW: usize = 8;

/// What the thread found.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// For each entry of the plan, and the sources that published at the end.
    pub(crate) entries: Vec<(SourceTally, u64)>,
    pub(crate) findings: Findings,
    pub(crate) cpu_seconds: f64,
}

/// A source of an entry of the plan.
struct Member<'a> {
    entry: usize,
    /// When it begins, from the start of the run; `None` when it is there before.
    after_ns: Option<u64>,
    publisher: Publisher<'a>,
}

/// Nanoseconds until number `number` of a ramp begins.
pub(crate) fn ramp_ns(number: usize, per_second: Option<f64>) -> u64 {
    per_second.map_or(0, |rate| (number as f64 / rate * SECOND as f64) as u64)
}

/// Publishes until the readers are done.
pub(crate) fn run(
    plan: &Plan,
    destinations: Vec<Vec<Destination>>,
    shared: &Shared,
) -> io::Result<Outcome> {
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(1024);
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut findings = Findings::default();
    let mut tallies: Vec<_> = plan.sources.iter().map(|_| SourceTally::new()).collect();
    let mut meter = CpuMeter::default();
    let mut members = members(plan, destinations, shared);
    let mut timers = Timers::new(members.len());
    for (index, member) in members.iter().enumerate() {
        timers.set(index, member.publisher.deadline());
    }
    let mut has_begun = false;
    let mut is_over = false;
    loop {
        let now = shared.now();
        let begun = shared.begun();
        let window = begun.map_or(Window::NONE, |(_, window)| window);
        meter.look(now, window);
        if let (Some((began, _)), false) = (begun, has_begun) {
            has_begun = true;
            for (index, member) in members.iter_mut().enumerate() {
                if let Some(after) = member.after_ns {
                    member.publisher.begin_at(began + after);
                    timers.set(index, member.publisher.deadline());
                }
            }
        }
        let ends = shared.is_stopped() || (has_begun && now >= window.to);
        if ends && !is_over {
            is_over = true;
            members.iter_mut().for_each(|it| it.publisher.pause());
        }
        if shared.are_readers_done() {
            let mut entries: Vec<_> = tallies.into_iter().map(|tally| (tally, 0)).collect();
            for member in &mut members {
                entries[member.entry].1 += u64::from(member.publisher.is_publishing());
                member.publisher.finish(now, &mut findings);
            }
            return Ok(Outcome {
                entries,
                findings,
                cpu_seconds: meter.seconds(),
            });
        }
        let mut context = Context {
            registry: poll.registry(),
            shared,
            buffer: &mut buffer,
            tallies: &mut tallies,
            entry: 0,
            findings: &mut findings,
            window,
        };
        while let Some(index) = timers.due(now) {
            let member = &mut members[index];
            context.entry = member.entry;
            member.publisher.wake(now, &mut context);
            timers.set(index, member.publisher.deadline());
        }
        if !has_begun {
            let first = members.iter().filter(|it| it.after_ns.is_none());
            if first.clone().all(|it| it.publisher.is_settled) {
                shared.sources_are_ready();
            }
        }
        let nap = timers.next().saturating_sub(shared.now()).min(NAP_NS);
        // The rest of a millisecond, which the system does not wait for, is spent awake: a picture is not to be late.
        // Many sources would keep the thread awake always, so theirs go out up to a millisecond late, several at once.
        let nap = if members.len() <= FEW {
            nap / MILLISECOND
        } else {
            nap.div_ceil(MILLISECOND)
        };
        let nap = Duration::from_millis(nap);
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
            tallies: &mut tallies,
            entry: 0,
            findings: &mut findings,
            window,
        };
        for event in &events {
            let index = event.token().0;
            let Some(member) = members.get_mut(index) else {
                continue;
            };
            context.entry = member.entry;
            let is_readable = event.is_readable() || event.is_read_closed() || event.is_error();
            member
                .publisher
                .connection_ready(now, is_readable, &mut context);
            timers.set(index, member.publisher.deadline());
        }
    }
}

fn members<'a>(
    plan: &'a Plan,
    destinations: Vec<Vec<Destination>>,
    shared: &Shared,
) -> Vec<Member<'a>> {
    let now = shared.now();
    let mut members = Vec::new();
    for (entry, (source, destinations)) in plan.sources.iter().zip(destinations).enumerate() {
        for (number, destination) in destinations.into_iter().enumerate() {
            let ramp = ramp_ns(number, source.ramp_per_second);
            let is_first = source.start_ms == 0;
            let begins_at = if is_first { now + ramp } else { u64::MAX };
            let stream = members.len();
            members.push(Member {
                entry,
                after_ns: (!is_first).then(|| source.start_ms * MILLISECOND + ramp),
                publisher: Publisher::new(
                    source,
                    destination,
                    stream as u32,
                    shared.run,
                    begins_at,
                    stream,
                ),
            });
        }
    }
    members
}

/// Where the sources of a plan send to.
pub(crate) fn destinations(
    plan: &Plan,
    resolver: &mut Resolver,
) -> Result<Vec<Vec<Destination>>, PlanError> {
    let mut of = |source: &Source| match source.kind {
        SourceKind::Publish => {
            let targets = resolver.source(source)?;
            Ok(targets.into_iter().map(Destination::Server).collect())
        }
        SourceKind::RtpUdp => {
            let ports = resolver.plain(source)?;
            Ok(ports.into_iter().map(Destination::Port).collect())
        }
    };
    plan.sources.iter().map(&mut of).collect()
}
