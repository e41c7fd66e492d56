//! Sources that send anything at all: what reaches the readers keeps its promises.

use super::{Source, Upstream};
use crate::burst::Burst;
use crate::clock::{MILLISECOND, now_ns};
use crate::engine::Engine;
use crate::stream::{StreamId, Subscriber};
use relaycore_proto::limits::Limits;
use relaycore_proto::rtp::{PayloadType, RtpHeader, RtpPacket, SequenceNumber, Ssrc};
use relaycore_proto::track::{Codec, Track};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

struct Nobody;

impl Upstream for Nobody {
    fn key_frame_wanted(&self) {}
    fn superseded(&self) {}
}

#[derive(Default)]
struct Collector(Mutex<Vec<Arc<Burst>>>);

impl Subscriber for Collector {
    fn burst(&self, _: StreamId, burst: &Arc<Burst>) {
        self.0.lock().unwrap().push(Arc::clone(burst));
    }
    fn ended(&self, _: StreamId) {}
}

/// The same numbers in each run (xorshift64*).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32
    }

    /// One time in `of`.
    fn once_in(&mut self, of: u64) -> bool {
        self.next().is_multiple_of(of)
    }
}

/// A sender that mostly does what it should.
struct Sender {
    header: RtpHeader,
}

impl Sender {
    fn next(&mut self, numbers: &mut Numbers) -> Vec<u8> {
        let header = &mut self.header;
        header.sequence = header.sequence.next();
        header.marker = numbers.once_in(3);
        if numbers.once_in(3) {
            header.timestamp = header.timestamp.wrapping_add(3000);
        }
        if numbers.once_in(40) {
            header.sequence = SequenceNumber(numbers.next() as u16);
        }
        if numbers.once_in(60) {
            header.timestamp = numbers.next() as u32;
        }
        if numbers.once_in(80) {
            header.ssrc = Ssrc(numbers.next() as u32);
        }
        let mut sent = *header;
        if numbers.once_in(10) {
            sent.sequence = sent.sequence.wrapping_add((numbers.next() % 7) as u16);
        }
        let mut packet = sent.to_bytes().to_vec();
        let length = (numbers.next() % 40) as usize;
        packet.extend((0..length).map(|_| numbers.next() as u8));
        if numbers.once_in(20) {
            packet[0] = numbers.next() as u8;
            packet.truncate((numbers.next() % 52) as usize);
        }
        packet
    }
}

/// Numbers of a track rise, whatever its sources do; every packet is the stream's own; a burst has one timestamp.
fn check(bursts: &[Arc<Burst>], tracks: &[(Ssrc, PayloadType)]) {
    let mut last: HashMap<usize, SequenceNumber> = HashMap::new();
    for burst in bursts {
        for packet in burst.rtp_packets() {
            let packet = RtpPacket::parse(packet).unwrap().header;
            assert_eq!((packet.ssrc, packet.payload_type), tracks[burst.track]);
            assert_eq!(packet.timestamp, burst.timestamp);
            if let Some(last) = last.insert(burst.track, packet.sequence) {
                assert!(
                    packet.sequence.distance(last) > 0,
                    "{last:?} then {packet:?}"
                );
            }
        }
    }
    assert!(bursts.len() > 100, "something passes");
}

fn run(codec: Codec, ordered: bool, seed: u64) {
    let engine = Engine::new(1, Limits::default(), String::new()).unwrap();
    let mut numbers = Numbers(seed);
    let rate = codec.fixed_clock_rate().unwrap_or(90_000);
    let sets = [0, 0, 0, 1, 0x67, 1, 2, 3, 0, 0, 0, 1, 0x68, 4];
    let tracks = || {
        vec![
            Track::new(codec, rate, 0, &sets),
            Track::new(Codec::Pcmu, 8000, 1, &[]),
        ]
    };
    let collector = Arc::new(Collector::default());
    let mut known = Vec::new();
    let mut now = now_ns();
    for round in 0..3 {
        let upstream = Arc::new(Nobody);
        let shared = &engine.shared;
        let mut source = shared
            .open_source("any", tracks(), ordered, upstream)
            .unwrap();
        if round == 0 {
            let stream = Arc::clone(source.stream());
            let subscriber: Arc<dyn Subscriber> = Arc::clone(&collector) as Arc<dyn Subscriber>;
            stream.subscribe(subscriber).unwrap();
            let own = stream.tracks();
            known.extend((0..2).map(|it| (stream.ssrc(it).unwrap(), own[it].payload_type)));
        }
        let mut senders = [0, 1].map(|track| Sender {
            header: RtpHeader {
                marker: false,
                payload_type: PayloadType(96 + track),
                sequence: SequenceNumber(numbers.next() as u16),
                timestamp: numbers.next() as u32,
                ssrc: Ssrc(numbers.next() as u32),
            },
        });
        for _ in 0..1000 {
            let track = (numbers.next() % 2) as usize;
            now += numbers.next() % (20 * MILLISECOND);
            let packet = senders[track].next(&mut numbers);
            source.packet(track, &packet, now);
            source.rtcp(track, &packet, now);
            if numbers.once_in(3) {
                source.flush(now);
            }
            if numbers.once_in(50) {
                assert!(source.report(track, now, true).is_some());
            }
        }
    }
    check(&collector.0.lock().unwrap(), &known);
}

#[test]
fn whatever_a_source_sends_the_numbers_of_the_stream_rise() {
    for (seed, codec) in (1u64..).zip(Codec::ALL) {
        for ordered in [true, false] {
            run(codec, ordered, seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        }
    }
}

#[test]
fn a_source_goes_on_later_than_the_one_before() {
    let engine = Engine::new(1, Limits::default(), String::new()).unwrap();
    let collector = Arc::new(Collector::default());
    let mut now = now_ns();
    for round in 0..3u32 {
        let tracks = vec![Track::new(Codec::Pcmu, 8000, 1, &[])];
        let upstream = Arc::new(Nobody);
        let opened = engine.shared.open_source("any", tracks, true, upstream);
        let mut source: Source = opened.unwrap();
        if round == 0 {
            let subscriber: Arc<dyn Subscriber> = Arc::clone(&collector) as Arc<dyn Subscriber>;
            source.stream().subscribe(subscriber).unwrap();
        }
        // Each sender is ahead of the clock: what it has sent already must not be said again by the next.
        for block in 0..100u32 {
            let header = RtpHeader {
                marker: false,
                payload_type: PayloadType(0),
                sequence: SequenceNumber(block as u16),
                timestamp: round.wrapping_mul(1 << 30).wrapping_add(block * 160),
                ssrc: Ssrc(round),
            };
            now += MILLISECOND;
            source.packet(0, &[&header.to_bytes()[..], &[1; 160]].concat(), now);
        }
        source.flush(now);
    }
    let bursts = collector.0.lock().unwrap();
    let times: Vec<_> = bursts.iter().map(|burst| burst.pts).collect();
    assert_eq!(times.len(), 300);
    assert!(times.is_sorted_by(|one, next| one < next));
}

/// A source of VP8, and what its stream hands to readers.
fn collected_vp8() -> (Engine, Source, Arc<Collector>) {
    collected(Track::new(Codec::Vp8, 90_000, 0, &[]))
}

/// A source of one track, and what its stream hands to readers.
fn collected(track: Track) -> (Engine, Source, Arc<Collector>) {
    let engine = Engine::new(1, Limits::default(), String::new()).unwrap();
    let collector = Arc::new(Collector::default());
    let opened = engine
        .shared
        .open_source("any", vec![track], true, Arc::new(Nobody));
    let source: Source = opened.unwrap();
    let subscriber: Arc<dyn Subscriber> = Arc::clone(&collector) as Arc<dyn Subscriber>;
    source.stream().subscribe(subscriber).unwrap();
    (engine, source, collector)
}

#[test]
fn packets_wait_for_the_rest_of_their_picture_while_readers_are_many() {
    let (_engine, mut source, collector) = collected_vp8();
    let now = now_ns();
    let mut header = RtpHeader {
        marker: false,
        payload_type: PayloadType(96),
        sequence: SequenceNumber(0),
        timestamp: 7,
        ssrc: Ssrc(1),
    };
    let mut push = |source: &mut Source, marker: bool| {
        header.marker = marker;
        header.sequence = header.sequence.next();
        source.packet(0, &[&header.to_bytes()[..], &[0x10, 1]].concat(), now);
        header.timestamp += u32::from(marker);
    };
    let counts = || -> Vec<usize> {
        let bursts = collector.0.lock().unwrap();
        bursts.iter().map(|burst| burst.packet_count()).collect()
    };

    push(&mut source, false);
    assert_eq!(source.flush(now), None, "readers are few");
    assert_eq!(counts(), [1]);
    push(&mut source, true);
    assert_eq!(source.flush(now), None);

    source.stream().walked(MILLISECOND);
    push(&mut source, false);
    assert_eq!(source.flush(now), Some(now + MILLISECOND));
    push(&mut source, true);
    assert_eq!(source.flush(now), None, "it is whole");
    assert_eq!(counts(), [1, 1, 2]);

    source.stream().walked(60 * MILLISECOND);
    push(&mut source, false);
    let until = source.flush(now).expect("it waits");
    assert_eq!(until, now + 2 * MILLISECOND, "not for long");
    assert_eq!(source.flush(until), None);
    assert_eq!(counts(), [1, 1, 2, 1]);
}

#[test]
fn pictures_without_times_of_their_own_are_told_apart_by_their_markers() {
    let (_engine, mut source, collector) = collected_vp8();
    let now = now_ns();
    for picture in 0..6u16 {
        let header = RtpHeader {
            marker: true,
            payload_type: PayloadType(96),
            sequence: SequenceNumber(picture),
            timestamp: 7,
            ssrc: Ssrc(1),
        };
        // The start of a frame; the lowest bit of its first byte says that it is no key frame.
        let payload = [0x10, u8::from(picture % 3 != 0)];
        source.packet(0, &[&header.to_bytes()[..], &payload].concat(), now);
    }
    source.flush(now);
    let bursts = collector.0.lock().unwrap();
    let points: Vec<_> = bursts.iter().map(|burst| burst.random_access).collect();
    assert_eq!(points, [true, false, false, true, false, false]);
}

/// RFC 6184 section 5.7, with all that may be around a payload: contributing sources, an extension, padding.
#[test]
fn aggregations_go_on_with_the_importance_of_their_units() {
    let (_engine, mut source, collector) = collected(Track::new(Codec::H264, 90_000, 0, &[]));
    let now = now_ns();
    let header = RtpHeader {
        marker: true,
        payload_type: PayloadType(96),
        sequence: SequenceNumber(1),
        timestamp: 7,
        ssrc: Ssrc(1),
    };
    let around: [u8; 12] = [9, 9, 9, 9, 0xab, 0xac, 0, 1, 8, 8, 8, 8];
    let units = [0, 2, 0x67, 1, 0, 2, 0x68, 2, 0, 2, 0x65, 3];
    let mut sent = [&header.to_bytes()[..], &around, &[24], &units, &[0, 2]].concat();
    sent[0] |= 0x31;
    source.packet(0, &sent, now);
    source.flush(now);

    let bursts = collector.0.lock().unwrap();
    let packet = bursts[0].rtp_packets().next().unwrap();
    assert_eq!(
        packet[12..],
        [&around[..], &[0x78], &units, &[0, 2]].concat()
    );
    assert_eq!(packet[0], sent[0]);
}
