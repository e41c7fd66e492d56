//! A run: its threads, and what can be asked of it meanwhile.

use crate::plan::{Group, Plan, ReaderTransport};
use crate::platform;
use crate::publisher::Destination;
use crate::reader::{Reader, Role, TOKENS};
use crate::report::{Fairness, Generator, GroupReport, Machine, Report, Snapshot, SourceReport};
use crate::shared::Shared;
use crate::sources::{self, ramp_ns};
use crate::tally::{Findings, GroupTally, MILLISECOND, ReaderTally, SECOND, Window};
use crate::target::{Resolver, Target};
use crate::worker::{self, Member};
use std::io;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How long the readers wait for the sources that are there from the beginning, beside the time of their ramp.
const SOURCES_NS: u64 = 10 * SECOND;

/// How often that is looked at.
const LOOK: Duration = Duration::from_millis(5);

/// Longest time from one random access point to the next of streams that are not of this run: cameras seldom have more.
const FOREIGN_GOP_MS: u64 = 10_000;

/// Descriptors beside those of sessions.
const DESCRIPTORS_BESIDE: u64 = 64;

/// Carries out a plan.
#[derive(Debug)]
pub struct Run {
    plan: Arc<Plan>,
    shared: Arc<Shared>,
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    New,
    Running(JoinHandle<Report>),
    Over(Box<Report>),
}

impl Run {
    /// A run that has not started.
    #[must_use]
    pub fn new(plan: Plan) -> Self {
        let periods = plan
            .sources
            .iter()
            .flat_map(|source| std::iter::repeat_n(source.period_ns(), source.count))
            .collect();
        // Enough to tell the marks of one run from those of another on the same machine.
        let unique = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |time| time.as_nanos() as u64);
        let run = (unique ^ unique >> 32 ^ u64::from(std::process::id()) << 7) as u32;
        let shared = Shared::new(run, periods, gop_ns(&plan), plan.total_ms());
        Self {
            plan: Arc::new(plan),
            shared: Arc::new(shared),
            state: Mutex::new(State::New),
        }
    }

    /// Starts its threads, once; another call does nothing.
    ///
    /// # Errors
    /// When a host of the plan cannot be found, or the system has no threads left.
    pub fn start(&self) -> io::Result<()> {
        let mut state = self.lock();
        if !matches!(*state, State::New) {
            return Ok(());
        }
        let mut resolver = Resolver::default();
        let destinations =
            sources::destinations(&self.plan, &mut resolver).map_err(io::Error::other)?;
        let groups = self.plan.groups.iter().map(|group| resolver.group(group));
        let targets: Vec<_> = groups.collect::<Result<_, _>>().map_err(io::Error::other)?;
        let (plan, shared) = (Arc::clone(&self.plan), Arc::clone(&self.shared));
        let thread = thread::Builder::new()
            .name("load".into())
            .spawn(move || carry_out(&plan, destinations, &targets, &shared))?;
        *state = State::Running(thread);
        Ok(())
    }

    /// Where it is.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let shared = &self.shared;
        let began = shared.began();
        let elapsed = began.map_or(0, |began| shared.now().saturating_sub(began));
        let finished = match &*self.lock() {
            State::New => false,
            State::Running(thread) => thread.is_finished(),
            State::Over(_) => true,
        };
        let totals = &shared.totals;
        Snapshot {
            elapsed_ms: (elapsed / MILLISECOND).min(shared.total_ms),
            total_ms: shared.total_ms,
            finished,
            playing: totals.playing.load(Relaxed),
            failed: totals.failed.load(Relaxed),
            publishing: totals.publishing.load(Relaxed),
            bytes: totals.bytes.load(Relaxed),
            access_units: totals.access_units.load(Relaxed),
            lost: totals.lost.load(Relaxed),
            last_second: shared.series.last(elapsed),
        }
    }

    /// Ends it, if it has not come to its end, and says what it found.
    #[must_use]
    pub fn stop(&self) -> Report {
        self.shared.stop();
        let mut state = self.lock();
        let report = match std::mem::replace(&mut *state, State::New) {
            State::New => Report {
                machine: Machine::this(),
                ..Report::default()
            },
            State::Running(thread) => thread.join().unwrap_or_else(|_| {
                let mut findings = Findings::default();
                let example =
                    || "a thread of the load generator failed: this is a mistake of its own".into();
                findings.add("generator_failed", 0, example);
                Report {
                    machine: Machine::this(),
                    findings: findings.into_sorted(),
                    ..Report::default()
                }
            }),
            State::Over(report) => *report,
        };
        *state = State::Over(Box::new(report.clone()));
        report
    }

    /// What its threads share, for those who read beside them.
    pub(crate) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(|broken| broken.into_inner())
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // Its threads end by themselves, soon.
        self.shared.stop();
    }
}

/// Longest time from one random access point to the next, in nanoseconds.
fn gop_ns(plan: &Plan) -> u64 {
    let longest = plan.sources.iter().map(|source| source.gop_ms).max();
    longest.unwrap_or(FOREIGN_GOP_MS) * MILLISECOND
}

/// The whole run, in a thread of its own.
fn carry_out(
    plan: &Plan,
    destinations: Vec<Vec<Destination>>,
    targets: &[Vec<Target>],
    shared: &Shared,
) -> Report {
    let mut findings = Findings::default();
    note_descriptors(plan, &mut findings);
    let pin = |index: usize| {
        let cpu = plan.cpus.as_ref().map(|cpus| cpus[index % cpus.len()]);
        cpu.map_or(Ok(()), platform::pin_current_thread)
    };
    let outcomes = thread::scope(|scope| {
        let publishing = scope.spawn(move || {
            pin(plan.threads)?;
            sources::run(plan, destinations, shared)
        });
        let ramps = plan.sources.iter();
        let ramps = ramps.map(|source| ramp_ns(source.count, source.ramp_per_second));
        let patience = SOURCES_NS + ramps.max().unwrap_or(0);
        while !shared.are_sources_ready() && !shared.is_stopped() && shared.now() < patience {
            thread::sleep(LOOK);
        }
        let began = shared.now();
        let from = began + plan.warm_up_ms * MILLISECOND;
        let to = began + plan.total_ms() * MILLISECOND;
        shared.begin(Window { from, to }, began);
        let reading: Vec<_> = share(plan, targets, began)
            .into_iter()
            .enumerate()
            .map(|(index, members)| {
                scope.spawn(move || {
                    pin(index)?;
                    worker::run(members, plan.groups.len(), shared)
                })
            })
            .collect();
        let read: Vec<_> = reading.into_iter().map(|thread| thread.join()).collect();
        let ended = shared.now();
        shared.readers_are_done();
        (read, publishing.join(), ended)
    });
    let (read, published, ended) = outcomes;
    let window = shared.window();
    let seconds = ended.min(window.to).saturating_sub(window.from) as f64 / SECOND as f64;
    let mut report = Report {
        machine: Machine::this(),
        seconds,
        seconds_series: shared.series.all(),
        ..Report::default()
    };
    let mut busy = Vec::new();
    let mut groups: Vec<_> = plan.groups.iter().map(|_| GroupTally::new()).collect();
    let mut readers: Vec<Vec<(usize, bool, ReaderTally)>> = vec![Vec::new(); groups.len()];
    for outcome in read {
        match outcome {
            Ok(Ok(outcome)) => {
                for (group, more) in groups.iter_mut().zip(&outcome.groups) {
                    group.merge(more);
                }
                for (group, number, is_playing, tally) in outcome.readers {
                    readers[group].push((number, is_playing, tally));
                }
                findings.merge(outcome.findings);
                busy.push(outcome.cpu_seconds);
            }
            Ok(Err(error)) => note_thread(&mut findings, &error),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
    match published {
        Ok(Ok(outcome)) => {
            busy.push(outcome.cpu_seconds);
            findings.merge(outcome.findings);
            let entries = plan.sources.iter().zip(outcome.entries);
            report.sources = entries
                .map(|(source, (tally, publishing))| SourceReport {
                    url: source.url.clone(),
                    count: source.count as u64,
                    publishing,
                    failed: tally.failed,
                    restarts: tally.restarts,
                    access_units: tally.access_units,
                    skipped: tally.skipped,
                    bytes: tally.bytes,
                    setup_ms: tally.setup.distribution(),
                    late_ms: tally.late.distribution(),
                })
                .collect();
        }
        Ok(Err(error)) => note_thread(&mut findings, &error),
        Err(panic) => std::panic::resume_unwind(panic),
    }
    report.generator = Generator {
        threads: busy.len(),
        cpu_seconds: busy.iter().sum(),
        busiest_thread: busy.iter().copied().fold(0.0, f64::max) / seconds.max(1e-9),
    };
    report.groups = plan
        .groups
        .iter()
        .zip(groups)
        .zip(readers)
        .map(|((group, tally), readers)| group_report(group, &tally, readers))
        .collect();
    report.findings = findings.into_sorted();
    report
}

/// The readers of each thread.
fn share<'a>(plan: &'a Plan, targets: &'a [Vec<Target>], began: u64) -> Vec<Vec<Member<'a>>> {
    let mut threads: Vec<Vec<Member<'a>>> = Vec::new();
    threads.resize_with(plan.threads, Vec::new);
    let mut turn = 0;
    for (index, (group, targets)) in plan.groups.iter().zip(targets).enumerate() {
        for number in 0..group.count {
            let members = &mut threads[turn % plan.threads];
            turn += 1;
            let role = Role {
                plan: group,
                target: &targets[number % group.paths % targets.len()],
                is_udp: match group.transport {
                    ReaderTransport::Tcp => false,
                    ReaderTransport::Udp => true,
                    ReaderTransport::Mixed => number % 2 == 1,
                },
                sums: number % plan.check_one_in == 0,
                seed: plan.seed ^ turn as u64,
            };
            let begins = group.start_ms * MILLISECOND + ramp_ns(number, group.ramp_per_second);
            members.push(Member {
                group: index,
                number,
                reader: Reader::new(role, members.len() * TOKENS, began + begins),
            });
        }
    }
    threads
}

fn group_report(
    group: &Group,
    tally: &GroupTally,
    mut readers: Vec<(usize, bool, ReaderTally)>,
) -> GroupReport {
    readers.sort_by_key(|(number, ..)| *number);
    let playing = readers.iter().filter(|(_, is_playing, _)| *is_playing);
    GroupReport {
        name: group.name.clone(),
        asked: tally.asked,
        playing: playing.count() as u64,
        failed: tally.failed,
        left: tally.left,
        refused: tally.refused,
        setup_ms: tally.setup.distribution(),
        first_packet_ms: tally.first_packet.distribution(),
        first_picture_ms: tally.first_picture.distribution(),
        latency_ms: tally.latency.distribution(),
        gap_ms: tally.gap.distribution(),
        access_units: tally.units,
        packets: tally.packets,
        bytes: tally.bytes,
        fairness: fairness(readers.iter().map(|(.., tally)| tally.complete)),
        readers: readers
            .iter()
            .map(|(_, is_playing, tally)| tally.report(*is_playing))
            .collect(),
    }
}

fn fairness(complete: impl Iterator<Item = u64> + Clone) -> Fairness {
    let count = complete.clone().count() as f64;
    let sum: u64 = complete.clone().sum();
    let squares: f64 = complete.clone().map(|it| (it as f64).powi(2)).sum();
    Fairness {
        jain: if squares > 0.0 {
            (sum as f64).powi(2) / (count * squares)
        } else {
            0.0
        },
        least: complete.clone().min().unwrap_or(0),
        most: complete.max().unwrap_or(0),
    }
}

/// Says at once when the plan wants more sockets than this process may have.
fn note_descriptors(plan: &Plan, findings: &mut Findings) {
    let readers = plan.groups.iter().map(|group| {
        let each = match group.transport {
            ReaderTransport::Tcp => 1,
            ReaderTransport::Udp => 3,
            ReaderTransport::Mixed => 2,
        };
        each * group.count as u64
    });
    let sources: usize = plan.sources.iter().map(|source| source.count).sum();
    let wanted = readers.sum::<u64>() + sources as u64 + DESCRIPTORS_BESIDE;
    if let Some(limit) = platform::descriptor_limit().filter(|limit| *limit < wanted) {
        findings.add("too_few_descriptors", 0, || {
            format!("the plan needs about {wanted} descriptors, and the system allows {limit}: raise it with ulimit -n")
        });
    }
}

fn note_thread(findings: &mut Findings, error: &io::Error) {
    findings.add("generator_failed", 0, || {
        format!("a thread of the load generator could not go on: {error}")
    });
}
