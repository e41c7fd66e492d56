use super::*;
use crate::burst::tests::burst;
use crate::ring::RingLimits;

const INTERVAL: u64 = 33 * MILLISECOND;

/// Video on track 0 with a random access point every `gop` pictures, one sound burst after each picture.
fn stream(pictures: u64, gop: u64) -> Ring {
    let mut ring = Ring::new(RingLimits {
        bytes: usize::MAX,
        age_ns: u64::MAX,
    });
    for index in 0..pictures * 2 {
        let (picture, track) = (index / 2, (index % 2) as usize);
        let key = track == 1 || picture % gop == 0;
        let mut burst = burst(index, track, picture as u32 * 3000, key, &[100, 100]);
        burst.stages.packetised = picture * INTERVAL;
        burst.packets_before = picture * 2;
        ring.push(Arc::new(burst), track == 0 && key);
    }
    ring
}

fn both() -> Selection {
    Selection::new([0, 1], 0)
}

fn joining(policy: JoinPolicy, can_force_key_frames: bool, pictures: u64) -> Joining {
    Joining {
        policy,
        can_force_key_frames,
        now: pictures * INTERVAL,
    }
}

fn drain(cursor: &mut Cursor, ring: &Ring) -> Vec<(u64, u32)> {
    let mut got = Vec::new();
    while let Some(burst) = cursor.take(ring) {
        got.push((burst.index, burst.timestamp));
    }
    got
}

#[test]
fn where_key_frames_can_be_made_an_old_one_is_not_used() {
    let ring = stream(35, 30);
    let ask = joining(JoinPolicy::Squeeze, true, 60);
    let mut cursor = Cursor::join(both(), &ring, ask);
    assert!(cursor.is_waiting() && cursor.peek(&ring).is_none());
    let ring = stream(61, 30);
    assert!(cursor.try_start(&ring));
    assert_eq!(
        cursor.first_packets(&ring),
        [(0, 7, 60 * 3000), (1, 7, 59 * 3000)]
    );
    assert_eq!(
        drain(&mut cursor, &ring),
        [(119, 59 * 3000), (120, 60 * 3000), (121, 60 * 3000)]
    );
}

#[test]
fn a_foreign_group_is_squeezed_up_to_the_live_edge() {
    let ring = stream(35, 30);
    let mut cursor = Cursor::join(both(), &ring, joining(JoinPolicy::Squeeze, false, 35));
    let got = drain(&mut cursor, &ring);
    let video: Vec<_> = got
        .iter()
        .filter(|(index, _)| index % 2 == 0)
        .map(|(_, timestamp)| *timestamp)
        .collect();
    let newest = 34 * 3000;
    assert_eq!(
        video,
        [
            newest - 360,
            newest - 270,
            newest - 180,
            newest - 90,
            newest
        ]
    );
    assert_eq!(
        got[0].0, 69,
        "one burst of sound, so that its first packet is known"
    );
}

/// The first `count` bursts of two packets of I0, P3, then I6 with 4 and 5 behind it, P9, then I12 with 10 and 11 behind
/// it, P15: of open groups, which are shown in another order than they are sent.
fn open_groups(count: usize) -> Ring {
    let mut ring = Ring::new(RingLimits {
        bytes: usize::MAX,
        age_ns: u64::MAX,
    });
    let shown = [0u32, 3, 6, 4, 5, 9, 12, 10, 11, 15];
    for (index, at) in (0..).zip(shown).take(count) {
        let key = at % 6 == 0;
        let mut burst = burst(index, 0, at * 3000, key, &[100, 100]);
        burst.stages.packetised = index * INTERVAL;
        burst.packets_before = index * 2;
        ring.push(Arc::new(burst), key);
    }
    ring
}

fn join_open_group(policy: JoinPolicy, ring: &Ring) -> Cursor {
    Cursor::join(Selection::new([0], 0), ring, joining(policy, false, 9))
}

/// Takes all there is: of each burst its index, and its sequence number for the reader, which for the stream is 7.
fn numbers(cursor: &mut Cursor, ring: &Ring) -> Vec<(u64, u16)> {
    let mut got = Vec::new();
    while let Some(burst) = cursor.take(ring) {
        got.push((burst.index, burst.sequence.wrapping_add(cursor.ahead(0))));
    }
    got
}

#[test]
fn leading_pictures_of_the_start_are_left_out_and_those_of_the_next_are_not() {
    let ring = open_groups(6);
    let mut cursor = join_open_group(JoinPolicy::Raw, &ring);
    assert_eq!(drain(&mut cursor, &ring), [(2, 18_000), (5, 27_000)]);
    let mut cursor = join_open_group(JoinPolicy::Squeeze, &ring);
    let first = drain(&mut cursor, &ring);
    assert_eq!(first.last(), Some(&(5, 27_000)));
    assert_eq!(first.len(), 2);

    let ring = open_groups(10);
    let mut cursor = join_open_group(JoinPolicy::Raw, &ring);
    cursor.start(&ring, 2);
    let got: Vec<_> = drain(&mut cursor, &ring)
        .into_iter()
        .map(|(index, _)| index)
        .collect();
    assert_eq!(got, [2, 5, 6, 7, 8, 9]);
}

#[test]
fn numbers_go_on_where_leading_pictures_are_left_out_and_nobody_misses_them() {
    for policy in [JoinPolicy::Raw, JoinPolicy::Squeeze] {
        // All that leads is known: the numbers before it are higher, those behind it the stream's.
        let ring = open_groups(6);
        let mut cursor = join_open_group(policy, &ring);
        let first = cursor.first_packets(&ring);
        assert_eq!((first.len(), first[0].1), (1, 11));
        assert_eq!(numbers(&mut cursor, &ring), [(2, 11), (5, 7)]);
        // Those of the next group are none of its business.
        let next = [(6, 7), (7, 7), (8, 7), (9, 7)];
        assert_eq!(numbers(&mut cursor, &open_groups(10)), next);
        assert_eq!(cursor.missed(), 0);

        // Half of it is known: what comes is lower by the other half.
        let ring = open_groups(4);
        let mut cursor = join_open_group(policy, &ring);
        assert_eq!(numbers(&mut cursor, &ring), [(2, 9)]);
        let rest = [(5, 5), (6, 5), (7, 5), (8, 5), (9, 5)];
        assert_eq!(numbers(&mut cursor, &open_groups(10)), rest);
        assert_eq!(cursor.missed(), 0);
    }
}

#[test]
fn a_reader_that_skips_to_an_open_group_gets_nothing_that_leads() {
    let ring = open_groups(3);
    let mut cursor = join_open_group(JoinPolicy::Raw, &ring);
    assert_eq!(numbers(&mut cursor, &ring), [(2, 7)]);
    let ring = open_groups(8);
    assert_eq!(
        cursor.skip(&ring, 9 * INTERVAL),
        2,
        "P9: what leads I6 was not for it"
    );
    assert!(!cursor.is_waiting());
    let ring = open_groups(10);
    assert_eq!(numbers(&mut cursor, &ring), [(6, 9), (9, 5)]);
    assert_eq!(cursor.missed(), 0);
}

#[test]
fn a_source_whose_clock_is_set_back_is_read_on_from_its_next_random_access_point() {
    let mut ring = Ring::new(RingLimits {
        bytes: usize::MAX,
        age_ns: u64::MAX,
    });
    let mut push = |index, timestamp, key| {
        ring.push(Arc::new(burst(index, 0, timestamp, key, &[100])), key);
    };
    push(0, 900_000, true);
    push(1, 903_000, false);
    push(2, 3000, false);
    push(3, 6000, true);
    push(4, 9000, false);
    let mut cursor = join_open_group(JoinPolicy::Raw, &ring);
    cursor.start(&ring, 0);
    let got = drain(&mut cursor, &ring);
    assert_eq!(got, [(0, 900_000), (1, 903_000), (3, 6000), (4, 9000)]);
}

#[test]
fn who_leaves_the_pictures_keeps_the_numbers_of_the_sound() {
    let mut ring = open_groups(3);
    let mut sound = burst(3, 1, 0, true, &[100]);
    sound.stages.packetised = 3 * INTERVAL;
    ring.push(Arc::new(sound), false);
    let mut cursor = Cursor::join(both(), &ring, joining(JoinPolicy::Raw, false, 4));
    assert_eq!(cursor.take(&ring).map(|burst| burst.index), Some(2));
    cursor.ahead = -2;
    cursor.leave(0);
    assert_eq!(cursor.ahead(1), 0);
}

#[test]
fn a_track_that_is_left_does_not_come_any_more_and_the_rest_goes_on() {
    let ring = stream(35, 30);
    let mut cursor = Cursor::join(both(), &ring, joining(JoinPolicy::Raw, false, 35));
    assert_eq!(cursor.take(&ring).map(|burst| burst.track), Some(1));
    assert_eq!(cursor.take(&ring).map(|burst| burst.track), Some(0));
    cursor.leave(0);
    assert_eq!(cursor.started, None, "sound is not measured by pictures");
    let rest = drain(&mut cursor, &ring);
    assert!(rest.len() > 3 && rest.iter().all(|(index, _)| index % 2 == 1));
    assert_eq!(cursor.missed(), 0);
    // Every burst of sound is one to start from.
    assert_eq!(cursor.skip(&stream(40, 30), 40 * INTERVAL), 4 * 2);
    assert!(!cursor.is_waiting());
}

#[test]
fn raw_keeps_the_timestamps() {
    let ring = stream(35, 30);
    let mut cursor = Cursor::join(
        Selection::new([0], 0),
        &ring,
        joining(JoinPolicy::Raw, false, 35),
    );
    assert_eq!(drain(&mut cursor, &ring)[0], (60, 30 * 3000));
}

#[test]
fn wait_takes_nothing_from_the_past() {
    let ring = stream(35, 30);
    let cursor = Cursor::join(both(), &ring, joining(JoinPolicy::Wait, false, 35));
    assert!(cursor.is_waiting());
}

#[test]
fn a_reader_of_sound_alone_starts_at_sound() {
    let ring = stream(35, 30);
    let selection = Selection::new([1], 0);
    let mut cursor = Cursor::join(selection, &ring, joining(JoinPolicy::Squeeze, true, 34));
    assert_eq!(drain(&mut cursor, &ring), [(69, 34 * 3000)]);
}

#[test]
fn a_slow_reader_skips_to_the_newest_random_access_point() {
    let ring = stream(35, 30);
    let mut cursor = Cursor::join(both(), &ring, joining(JoinPolicy::Raw, false, 35));
    assert_eq!(cursor.age(&ring, 36 * INTERVAL), INTERVAL, "it joined late");
    assert_eq!(cursor.take(&ring).map(|burst| burst.index), Some(59));
    assert_eq!(cursor.take(&ring).map(|burst| burst.index), Some(60));
    assert_eq!(
        cursor.skip(&ring, 36 * INTERVAL),
        9 * 2,
        "no newer one: all is given up"
    );
    assert!(cursor.is_waiting());
    let ring = stream(62, 30);
    assert!(cursor.try_start(&ring));
    assert_eq!(cursor.missed(), 0, "what was skipped was told");
    assert_eq!(
        cursor.take(&ring).map(|burst| burst.index),
        Some(119),
        "the newest sound before the picture"
    );
    cursor.take(&ring);
    assert_eq!(cursor.missed(), (59 - 35) * 2 + (60 - 35) * 2);
}

#[test]
fn a_reader_that_skips_gets_nothing_twice() {
    let ring = stream(1, 1);
    let mut cursor = Cursor::join(both(), &ring, joining(JoinPolicy::Raw, false, 1));
    assert_eq!(drain(&mut cursor, &ring).len(), 2);
    assert_eq!(cursor.skip(&ring, INTERVAL), 0);
    let mut ring = ring;
    let mut key = burst(2, 0, 3000, true, &[100, 100]);
    key.stages.packetised = INTERVAL;
    ring.push(Arc::new(key), true);
    assert!(cursor.try_start(&ring));
    assert_eq!(drain(&mut cursor, &ring), [(2, 3000)]);
}

#[test]
fn a_burst_that_has_left_the_ring_is_infinitely_old() {
    let mut cursor = Cursor::join(both(), &stream(1, 1), joining(JoinPolicy::Raw, false, 1));
    drain(&mut cursor, &stream(1, 1));
    let mut ring = Ring::new(RingLimits {
        bytes: 1,
        age_ns: 0,
    });
    for burst in stream(9, 3).from(0) {
        ring.push(Arc::clone(burst), false);
    }
    assert_eq!(cursor.age(&ring, 0), u64::MAX);
    assert_eq!(
        cursor.skip(&ring, 0),
        8 * 2,
        "of the one track that is still known"
    );
    assert!(cursor.is_waiting());
}

#[test]
fn those_who_join_between_two_bursts_share_the_squeezed_group() {
    let mut ring = stream(35, 30);
    let ask = joining(JoinPolicy::Squeeze, false, 35);
    let first = |ring: &Ring, selection| {
        let mut cursor = Cursor::join(selection, ring, ask);
        std::iter::from_fn(|| cursor.take(ring)).find(|burst| burst.index == 60)
    };
    let shared = first(&ring, both()).unwrap();
    assert!(Arc::ptr_eq(&shared, &first(&ring, both()).unwrap()));
    let alone = Selection::new([0], 0);
    assert!(!Arc::ptr_eq(&shared, &first(&ring, alone).unwrap()));
    let mut next = burst(70, 0, 35 * 3000, false, &[100]);
    next.stages.packetised = 35 * INTERVAL;
    next.packets_before = 70;
    ring.push(Arc::new(next), false);
    let later = first(&ring, both()).unwrap();
    assert!(
        later.timestamp > shared.timestamp,
        "squeezed up to the new edge"
    );
}
