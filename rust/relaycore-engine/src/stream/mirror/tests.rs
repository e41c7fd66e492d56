//! Mirrors: their numbers, what they cost without readers, and what is made to go wrong.

use super::Faults;
use crate::burst::{Burst, Stages};
use crate::clock::{MILLISECOND, SECOND, now_ns};
use crate::engine::{AddStreamError, Engine};
use crate::stream::{JoinPolicy, Stream, StreamId, Subscriber, WriteError, Written};
use relaycore_proto::limits::Limits;
use relaycore_proto::rtp::RtpPacket;
use relaycore_proto::track::{Codec, Track};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Gives on what comes; `None` is the end.
struct Collector(Mutex<Sender<Option<Arc<Burst>>>>);

impl Subscriber for Collector {
    fn burst(&self, _: StreamId, burst: &Arc<Burst>) {
        let _ = self.0.lock().unwrap().send(Some(Arc::clone(burst)));
    }
    fn ended(&self, _: StreamId) {
        let _ = self.0.lock().unwrap().send(None);
    }
}

fn collector() -> (Arc<dyn Subscriber>, Receiver<Option<Arc<Burst>>>) {
    let (to, from) = channel();
    (Arc::new(Collector(Mutex::new(to))), from)
}

fn with_source() -> (Engine, Arc<Stream>) {
    let engine = Engine::new(1, Limits::default(), String::new()).unwrap();
    let tracks = vec![Track::new(Codec::H264, 90_000, 0, &[])];
    let source = engine
        .add_stream("scene", tracks, JoinPolicy::default(), true)
        .unwrap();
    (engine, source)
}

/// Writes a picture of some packets, a key frame every tenth time.
fn write(stream: &Stream, number: i64) {
    let is_key = number % 10 == 0;
    let mut data = vec![0, 0, 0, 1, if is_key { 0x65 } else { 0x41 }];
    data.extend(std::iter::repeat_n(0xAB, 4000));
    let unit = Written {
        data: &data,
        pts: number * 3000,
        random_access: Some(is_key),
        stages: Stages {
            captured: now_ns(),
            ..Stages::default()
        },
    };
    stream.write(0, unit).unwrap();
}

fn next(from: &Receiver<Option<Arc<Burst>>>) -> Arc<Burst> {
    let got = from.recv_timeout(Duration::from_secs(10)).unwrap();
    got.expect("it has not ended")
}

#[test]
fn a_mirror_has_numbers_of_its_own_and_the_same_pictures() {
    let (engine, source) = with_source();
    let (to_source, from_source) = collector();
    source.subscribe(to_source).unwrap();
    let mirrors = ["one", "two"].map(|path| engine.mirror(path, "scene").unwrap());
    let readers = mirrors.each_ref().map(|mirror| {
        let (to, from) = collector();
        mirror.subscribe(to).unwrap();
        from
    });
    let mut followed = [None, None];
    for number in 0..30 {
        write(&source, number);
        let original = next(&from_source);
        for (which, reader) in readers.iter().enumerate() {
            let copy = next(reader);
            assert_eq!(
                (copy.pts, copy.random_access, &copy.ends),
                (original.pts, original.random_access, &original.ends)
            );
            for (ours, theirs) in copy.rtp_packets().zip(original.rtp_packets()) {
                assert_eq!((&ours[..2], &ours[12..]), (&theirs[..2], &theirs[12..]));
                let (ours, theirs) = (
                    RtpPacket::parse(ours).unwrap().header,
                    RtpPacket::parse(theirs).unwrap().header,
                );
                assert_eq!(ours.ssrc, mirrors[which].ssrc(0).unwrap());
                assert_ne!(ours.ssrc, theirs.ssrc);
                let last: &mut Option<_> = &mut followed[which];
                let shift = ours.timestamp.wrapping_sub(theirs.timestamp);
                if let Some((sequence, same)) = last.replace((ours.sequence.next(), shift)) {
                    assert_eq!((ours.sequence, shift), (sequence, same));
                }
            }
        }
    }
    let shift = |which: usize| followed[which].unwrap().1;
    assert_ne!(shift(0), shift(1));
    let (ntp, timestamp) = source.sender_clock(0, now_ns()).unwrap();
    let (_, of_mirror) = mirrors[0].sender_clock(0, now_ns()).unwrap();
    assert!(ntp > 0 && of_mirror.wrapping_sub(timestamp).wrapping_sub(shift(0)) < 90_000);
}

#[test]
fn a_mirror_without_readers_hears_nothing() {
    let (engine, source) = with_source();
    let mirror = engine.mirror("one", "scene").unwrap();
    (0..15).for_each(|number| write(&source, number));
    assert_eq!(mirror.ring_size(), (0, 0));
    let (to, from) = collector();
    let ring = mirror.subscribe(Arc::clone(&to)).unwrap();
    assert_eq!(ring.len(), 5, "from the key frame on");
    assert!(ring.newest_start().is_some());
    write(&source, 15);
    assert_eq!(next(&from).pts, 15 * 3000);
    mirror.unsubscribe(&to);
    assert_eq!(mirror.ring_size(), (0, 0));
    (16..30).for_each(|number| write(&source, number));
    assert!(from.try_recv().is_err());
    assert_eq!(mirror.ring_size(), (0, 0));
    assert_eq!(mirror.subscribe(to).unwrap().len(), 10);
}

#[test]
fn a_key_frame_is_asked_of_the_source() {
    let (engine, source) = with_source();
    let mirror = engine.mirror("one", "scene").unwrap();
    for _ in 0..2 {
        mirror.want_key_frame();
        assert!(source.key_frame_wanted());
        assert!(!source.key_frame_wanted());
    }
}

#[test]
fn a_mirror_ends_with_its_source_and_not_the_other_way_round() {
    let (engine, source) = with_source();
    let (first, second) = (
        engine.mirror("one", "scene").unwrap(),
        engine.mirror("two", "one").unwrap(),
    );
    let (to, from) = collector();
    second.subscribe(to).unwrap();
    assert!(engine.remove_stream("one"));
    assert!(first.end_reason().is_some());
    write(&source, 0);
    assert_eq!(next(&from).pts, 0, "a mirror of a mirror shows the source");
    assert!(engine.remove_stream("scene"));
    assert!(from.recv().unwrap().is_none());
    assert!(second.end_reason().is_some());
    let refused = engine.mirror("three", "scene").unwrap_err();
    assert_eq!(refused, AddStreamError::NothingToShow("scene".to_owned()));
}

#[test]
fn nothing_is_written_to_a_mirror() {
    let (engine, _source) = with_source();
    let mirror = engine.mirror("one", "scene").unwrap();
    let unit = Written {
        data: &[0, 0, 0, 1, 0x65, 1],
        pts: 0,
        random_access: None,
        stages: Stages::default(),
    };
    assert!(matches!(mirror.write(0, unit), Err(WriteError::Shows)));
    assert!(!with_source().1.set_faults(Faults::default()));
}

#[test]
fn lost_packets_leave_gaps() {
    let (engine, source) = with_source();
    let mirror = engine.mirror("one", "scene").unwrap();
    let (to, from) = collector();
    mirror.subscribe(to).unwrap();
    let packets = |loss: f64| {
        assert!(mirror.set_faults(Faults {
            loss,
            ..Faults::default()
        }));
        (0..200).for_each(|number| write(&source, number));
        let mut sequences = Vec::new();
        while let Ok(Some(burst)) = from.try_recv() {
            sequences.extend(
                burst
                    .rtp_packets()
                    .map(|packet| RtpPacket::parse(packet).unwrap().header.sequence),
            );
        }
        sequences
    };
    let all = packets(0.0);
    assert!(all.is_sorted_by(|one, two| two.distance(*one) == 1));
    let some = packets(0.25);
    assert!(some.is_sorted_by(|one, two| two.distance(*one) >= 1));
    // 0.25 of about 600, by more than ten times its deviation.
    assert!((all.len() / 2..all.len()).contains(&some.len()));
    assert!(packets(1.0).is_empty());
}

#[test]
fn a_frozen_mirror_goes_on_with_a_key_frame() {
    let (engine, source) = with_source();
    let mirror = engine.mirror("one", "scene").unwrap();
    let (to, from) = collector();
    mirror.subscribe(to).unwrap();
    write(&source, 0);
    assert_eq!(next(&from).pts, 0);
    mirror.set_faults(Faults {
        frozen: true,
        ..Faults::default()
    });
    (1..15).for_each(|number| write(&source, number));
    source.key_frame_wanted();
    mirror.set_faults(Faults::default());
    assert!(source.key_frame_wanted());
    (15..21).for_each(|number| write(&source, number));
    assert_eq!(next(&from).pts, 20 * 3000);
}

#[test]
fn late_packets_keep_their_order() {
    let (engine, source) = with_source();
    let mirror = engine.mirror("one", "scene").unwrap();
    let (to, from) = collector();
    mirror.subscribe(to).unwrap();
    let jitter = |jitter_ns| {
        mirror.set_faults(Faults {
            jitter_ns,
            ..Faults::default()
        })
    };
    jitter(20 * MILLISECOND);
    (0..20).for_each(|number| write(&source, number));
    jitter(0);
    (20..30).for_each(|number| write(&source, number));
    for number in 0..30 {
        assert_eq!(next(&from).pts, number * 3000);
    }
}

#[test]
fn a_wrong_clock_shows_in_sender_reports() {
    let (engine, source) = with_source();
    let mirror = engine.mirror("one", "scene").unwrap();
    let (to, from) = collector();
    mirror.subscribe(to).unwrap();
    write(&source, 0);
    next(&from);
    let now = now_ns();
    let (right, _) = mirror.sender_clock(0, now).unwrap();
    mirror.set_faults(Faults {
        clock_offset_ns: -(3600 * SECOND as i64),
        ..Faults::default()
    });
    let (wrong, _) = mirror.sender_clock(0, now).unwrap();
    assert_eq!((right >> 32) - (wrong >> 32), 3600);
}
