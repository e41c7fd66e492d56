//! What fuzz targets call: whatever a server sends, a reader comes to an end or goes on, and its counts agree.

use crate::check::{Check, Sink};
use crate::plan::Plan;
use crate::reader::{Context, Reader, Role};
use crate::shared::Shared;
use crate::tally::{Findings, GroupTally, MILLISECOND, ReaderTally, SecondTally, Window};
use crate::target::Resolver;
use mio::Poll;
use relaycore_engine::datagrams::INLET_BYTES;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

/// Number of the run, which marks in inputs may have.
pub const RUN: u32 = 5;

/// Access units that each of two sources has sent.
pub const SENT: u64 = 1000;

/// Bytes of the input at which the time passes to the next deadline, or the connection is lost if they come twice.
const TIME_PASSES: [u8; 2] = [0x1e, 0x1e];

/// How the readers of an input are, by its first byte.
const GROUPS: [&str; 4] = [
    r#""behaviour": "good""#,
    r#""behaviour": "stalled""#,
    r#""user": "ali", "password": "open-sesame", "stay_ms": 1000"#,
    r#""impairment": {"loss": 0.1, "delay_ms": 5, "reorder": 0.1}"#,
];

/// Lets a reader read of a server that sends the input, in pieces as long as the second byte says; how many access units
/// came whole.
pub fn reader(data: &[u8]) -> u64 {
    let [group, piece, bytes @ ..] = data else {
        return 0;
    };
    let more = GROUPS[usize::from(*group) % GROUPS.len()];
    let plan = format!(
        r#"{{"duration_ms": 1000, "groups": [
            {{"name": "a", "url": "rtsp://127.0.0.1:1/cam", "count": 1, {more}}}]}}"#
    );
    let plan = Plan::parse(plan.as_bytes()).expect("the plan is one");
    let plan = &plan.groups[0];
    let targets = Resolver::default()
        .group(plan)
        .expect("an address needs no name service");
    let shared = Shared::new(RUN, vec![MILLISECOND; 2], MILLISECOND, 1000);
    for next in &shared.next_numbers {
        next.store(SENT, Relaxed);
    }
    let poll = Poll::new().expect("an event loop");
    let mut buffer = vec![0; INLET_BYTES];
    let mut groups = [GroupTally::new()];
    let mut second = SecondTally::new();
    let mut findings = Findings::default();
    let role = Role {
        plan,
        target: &targets[0],
        is_udp: false,
        sums: true,
        seed: 1,
    };
    let mut reader = Reader::new(role, 0, 0);
    let mut context = Context {
        registry: poll.registry(),
        shared: &shared,
        buffer: &mut buffer,
        groups: &mut groups,
        index: 0,
        second: &mut second,
        findings: &mut findings,
        window: EVER,
    };
    let mut now = 1;
    reader.begin_made_up(now, &mut context);
    for (index, part) in parts(bytes).enumerate() {
        if index > 0 && part.is_empty() {
            reader.hang_up(now, &mut context);
        } else if index > 0 {
            now = now.max(reader.deadline().min(now + 60_000 * MILLISECOND));
            reader.wake(now, &mut context);
        }
        for piece in part.chunks(usize::from(*piece).max(1)) {
            now += 1;
            if !reader.feed(piece, now, &mut context) {
                reader.begin_made_up(now, &mut context);
            }
        }
    }
    reader.finish(now, &mut context);
    let tally = reader.tally;
    check_counts(&groups[0], &tally, findings);
    tally.complete
}

/// Gives a check the packets of the input, each behind its length in two bytes; the first byte says what kind of stream
/// and of link it is. Of the length the highest bit says that the made-up link takes the packet away.
pub fn packets(data: &[u8]) {
    let [kind, packets @ ..] = data else { return };
    let [is_h264, sums, has_link] = [1, 2, 4].map(|bit| kind & bit != 0);
    let mut check = Check::new(96, is_h264, sums, has_link);
    let mut group = GroupTally::new();
    let mut reader = ReaderTally::default();
    let mut second = SecondTally::new();
    let mut findings = Findings::default();
    let next_numbers = [const { AtomicU64::new(SENT) }; 2];
    let mut rest = packets;
    let mut now = 0;
    check.playing(1);
    while let Some((&[high, low], after)) = rest.split_first_chunk() {
        let length = usize::from(high & 0x7f) << 8 | usize::from(low);
        let (packet, after) = after.split_at(length.min(after.len()));
        rest = after;
        now += 1;
        let mut sink = Sink {
            group: &mut group,
            reader: &mut reader,
            second: &mut second,
            findings: &mut findings,
            window: EVER,
            run: RUN,
            next_numbers: &next_numbers,
        };
        check.packet(now, packet, has_link && high & 0x80 != 0, &mut sink);
    }
    check_counts(&group, &reader, findings);
}

/// What lies between the places at which time passes.
fn parts(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(bytes);
    std::iter::from_fn(move || {
        let bytes = rest?;
        let place = bytes.windows(2).position(|pair| pair == TIME_PASSES);
        rest = place.map(|place| &bytes[place + 2..]);
        Some(&bytes[..place.unwrap_or(bytes.len())])
    })
}

const EVER: Window = Window {
    from: 0,
    to: u64::MAX,
};

/// Checks that the counts agree with each other.
fn check_counts(group: &GroupTally, reader: &ReaderTally, findings: Findings) {
    let units = &group.units;
    let whole = units.complete + units.incomplete + units.corrupt + units.missing;
    assert_eq!(units.expected, whole, "{units:?}");
    assert_eq!(reader.complete, units.complete);
    assert_eq!(reader.broken, whole - units.complete);
    assert_eq!(reader.lost, group.packets.lost);
    assert!(units.content_checked <= units.marked);
    for finding in findings.into_sorted() {
        assert!(finding.count > 0);
        assert!(!finding.example.contains(char::is_control), "{finding:?}");
        assert!(!finding.example.contains("open-sesame"), "{finding:?}");
    }
}
