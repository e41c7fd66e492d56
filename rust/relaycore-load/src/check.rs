//! What one reader makes of the packets of its session: their order, and whether each access unit came whole.
//!
//! An access unit is whole when the bytes of its slices are as many as its [mark](crate::mark) says, in whatever
//! packets a server sends them; some readers also sum up their content. Streams without marks are judged by sequence
//! numbers alone, and have no latency.

use crate::mark::Mark;
use crate::order::{Order, Place};
use crate::tally::{Findings, GroupTally, ReaderTally, SecondTally, Window};
use relaycore_proto::h264::{is_slice, nal_type, type_of};
use relaycore_proto::rtp::RtpPacket;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

/// Where a check counts.
pub(crate) struct Sink<'a> {
    pub(crate) group: &'a mut GroupTally,
    pub(crate) reader: &'a mut ReaderTally,
    pub(crate) second: &'a mut SecondTally,
    pub(crate) findings: &'a mut Findings,
    pub(crate) window: Window,
    /// Random number of the run.
    pub(crate) run: u32,
    /// Number of the next access unit of each source of the run: none of a later one was sent.
    pub(crate) next_numbers: &'a [AtomicU64],
}

/// Whose access unit a mark is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// One of this run.
    Own,
    /// One of another run, where this one has no sources: the stream is that of somebody else.
    Unknown,
    /// None that the sources of this run have sent.
    Foreign,
}

impl Sink<'_> {
    fn origin(&self, mark: &Mark) -> Origin {
        let next = self.next_numbers.get(mark.stream as usize);
        let was_sent = next.is_some_and(|next| mark.number < next.load(Relaxed));
        match mark.run == self.run {
            true if was_sent => Origin::Own,
            false if self.next_numbers.is_empty() => Origin::Unknown,
            _ => Origin::Foreign,
        }
    }
}

/// What a packet brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Brought {
    /// It is the first packet of the session.
    pub(crate) first_packet: bool,
    /// It completes the first random access point of the session.
    pub(crate) first_picture: bool,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Check {
    payload_type: u8,
    /// Whether content is summed up.
    sums: bool,
    /// Whether access units are those of H.264, which are looked into.
    is_h264: bool,
    /// When PLAY was answered: what was sent before is of the past, and has no latency.
    playing_at: u64,
    order: Order,
    current: Unit,
    previous: Unit,
    /// Highest number of a measured access unit.
    number: Option<u64>,
    /// Which of the 64 access units up to that number came.
    seen_numbers: u64,
    /// Access units that count as missing.
    missing: u64,
    /// Number of the newest access unit, measured or not.
    newest: Option<u64>,
    /// Whether packets come over a made-up bad link, whose faults are not the server's.
    has_link: bool,
    /// Access units of which the made-up link took the mark.
    unmarked: u64,
    stream: Option<u32>,
    had_picture: bool,
    last_whole_at: u64,
}

/// An access unit of which packets come.
#[derive(Debug, Default)]
struct Unit {
    timestamp: u32,
    state: State,
    bytes: u32,
    sum: Option<crc32fast::Hasher>,
    mark: Option<Mark>,
    /// Whether a packet is missing in it, as far as sequence numbers tell.
    has_gap: bool,
    /// Whether its packets came in their order: the sum is of no use otherwise.
    is_out_of_order: bool,
    /// Whether the made-up link took a packet of it.
    is_impaired: bool,
    /// Whether its mark is of none that was sent.
    is_foreign: bool,
    /// Whether it came before.
    is_repeated: bool,
    had_marker: bool,
    is_key: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// There is none.
    #[default]
    None,
    Open,
    Whole,
}

impl Check {
    pub(crate) fn new(payload_type: u8, is_h264: bool, sums: bool, has_link: bool) -> Self {
        Self {
            payload_type,
            sums,
            is_h264,
            playing_at: 0,
            order: Order::default(),
            current: Unit::default(),
            previous: Unit::default(),
            number: None,
            seen_numbers: 0,
            missing: 0,
            newest: None,
            has_link,
            unmarked: 0,
            stream: None,
            had_picture: false,
            last_whole_at: 0,
        }
    }

    /// PLAY was answered.
    pub(crate) fn playing(&mut self, now: u64) {
        self.playing_at = now;
    }

    /// The stream, and the number of its newest access unit.
    pub(crate) fn newest(&self) -> Option<(u32, u64)> {
        self.stream.zip(self.newest)
    }

    /// Takes a packet that arrived at `now`; `is_dropped` when the made-up link takes it away.
    pub(crate) fn packet(
        &mut self,
        now: u64,
        data: &[u8],
        is_dropped: bool,
        sink: &mut Sink<'_>,
    ) -> Brought {
        let is_measured = sink.window.holds(now);
        let packet = match RtpPacket::parse(data) {
            Ok(packet) => packet,
            Err(error) => {
                sink.group.packets.malformed += u64::from(is_measured);
                sink.findings
                    .add("malformed_rtp", now, || error.to_string());
                return Brought::default();
            }
        };
        if packet.header.payload_type.0 != self.payload_type {
            sink.group.packets.malformed += u64::from(is_measured);
            sink.findings.add("wrong_payload_type", now, || {
                let (found, wanted) = (packet.header.payload_type.0, self.payload_type);
                format!("payload type {found} where the description has {wanted}")
            });
            return Brought::default();
        }
        sink.group.packets.received += u64::from(is_measured);
        let first_packet = self.order.is_new();
        let Some(place) = self.order.place(packet.header.sequence.0) else {
            sink.group.packets.duplicate += u64::from(is_measured);
            return Brought::default();
        };
        match place {
            Place::Next { missing } => {
                if is_measured && missing > 0 {
                    let missing = u64::from(missing);
                    sink.group.packets.lost += missing;
                    sink.reader.lost += missing;
                    sink.second.lost += missing;
                    if !self.has_link {
                        sink.findings.add("lost_packets", now, || {
                            format!(
                                "{missing} RTP packets are missing before sequence number {}",
                                packet.header.sequence.0
                            )
                        });
                    }
                }
                self.open(packet.header.timestamp, missing > 0, sink, now);
            }
            Place::Late => {
                if is_measured {
                    sink.group.packets.reordered += 1;
                    // It counted as lost when a later one came; within the time that is measured, or just before.
                    sink.group.packets.lost = sink.group.packets.lost.saturating_sub(1);
                    sink.reader.lost = sink.reader.lost.saturating_sub(1);
                    sink.second.lost = sink.second.lost.saturating_sub(1);
                }
            }
        }
        let unit = if self.current.timestamp == packet.header.timestamp {
            &mut self.current
        } else if self.previous.state != State::None
            && self.previous.timestamp == packet.header.timestamp
        {
            &mut self.previous
        } else {
            return Brought::default();
        };
        if matches!(place, Place::Late) {
            unit.is_out_of_order = true;
        }
        if is_dropped {
            sink.group.packets.impaired += u64::from(is_measured);
            self.unmarked += u64::from(unit.mark.is_none() && !unit.is_impaired);
            unit.is_impaired = true;
            return Brought {
                first_packet: false,
                first_picture: false,
            };
        }
        unit.had_marker |= packet.header.marker;
        if self.is_h264 {
            let mark = unit.payload(packet.payload).filter(|_| !unit.has_mark());
            if let Some(mark) = mark {
                self.take_mark(mark, packet.header.timestamp, now, sink);
            }
        }
        let is_current = self.current.timestamp == packet.header.timestamp;
        let first_picture = self.settle(is_current, now, sink);
        Brought {
            first_packet,
            first_picture,
        }
    }

    /// Begins another access unit where the packet belongs to none that is open.
    fn open(&mut self, timestamp: u32, has_gap: bool, sink: &mut Sink<'_>, now: u64) {
        if self.current.state != State::None && self.current.timestamp == timestamp {
            self.current.has_gap |= has_gap;
            return;
        }
        if has_gap && !self.current.had_marker {
            self.current.has_gap = true;
        }
        self.close(now, sink);
        std::mem::swap(&mut self.previous, &mut self.current);
        self.current = Unit {
            timestamp,
            state: State::Open,
            has_gap,
            sum: self.sums.then(crc32fast::Hasher::new),
            ..Unit::default()
        };
    }

    /// The previous access unit gets nothing more.
    fn close(&mut self, now: u64, sink: &mut Sink<'_>) {
        let unit = &self.previous;
        if unit.state != State::Open {
            return;
        }
        let is_measured = match (unit.mark, self.number) {
            (Some(mark), _) => !unit.is_repeated && self.is_measured(&mark, sink.window),
            // Nothing but its number tells of it, which the next mark shows to be missing.
            (None, Some(_)) => unit.is_impaired && sink.window.holds(now),
            (None, None) => self.stream.is_none() && sink.window.holds(now),
        };
        if !is_measured {
            return;
        }
        if unit.is_impaired {
            sink.group.units.impaired += 1;
        } else {
            sink.group.units.expected += 1;
            sink.group.units.incomplete += 1;
            sink.reader.broken += 1;
        }
    }

    /// Whether an access unit was sent in the time that is measured, and while this session played.
    fn is_measured(&self, mark: &Mark, window: Window) -> bool {
        window.holds(mark.sent_ns) && mark.sent_ns >= self.playing_at && self.playing_at > 0
    }

    /// The mark of the access unit with this timestamp came.
    fn take_mark(&mut self, mark: Mark, timestamp: u32, now: u64, sink: &mut Sink<'_>) {
        let origin = sink.origin(&mark);
        let unit = if self.current.timestamp == timestamp {
            &mut self.current
        } else {
            &mut self.previous
        };
        match origin {
            Origin::Unknown => {}
            Origin::Foreign => {
                unit.is_foreign = true;
                sink.findings.add("foreign_stream", now, || {
                    let what = if mark.run == sink.run {
                        format!("access unit {} of source {}", mark.number, mark.stream)
                    } else {
                        "an access unit of another run".into()
                    };
                    format!("{what} came, which was not sent")
                });
            }
            Origin::Own => {
                unit.mark = Some(mark);
                self.unmarked -= u64::from(unit.is_impaired).min(self.unmarked);
                let is_repeated = self.marked(mark, now, sink);
                let unit = if self.current.timestamp == timestamp {
                    &mut self.current
                } else {
                    &mut self.previous
                };
                unit.is_repeated = is_repeated;
            }
        }
    }

    /// The mark of an access unit came: counts those that are missing before it. Whether it came before.
    fn marked(&mut self, mark: Mark, now: u64, sink: &mut Sink<'_>) -> bool {
        if self.stream.is_some_and(|stream| stream != mark.stream) {
            sink.findings.add("other_stream", now, || {
                format!(
                    "access units of source {} came among those of another",
                    mark.stream
                )
            });
            self.number = None;
            self.newest = None;
        }
        self.stream = Some(mark.stream);
        self.newest = self.newest.max(Some(mark.number));
        let unmarked = std::mem::take(&mut self.unmarked);
        if !self.is_measured(&mark, sink.window) {
            return false;
        }
        match self.number {
            Some(number) if mark.number > number => {
                let ahead = u32::try_from(mark.number - number).unwrap_or(u32::MAX);
                self.seen_numbers = self.seen_numbers.checked_shl(ahead).unwrap_or(0) | 1;
                let missing = (mark.number - number - 1).saturating_sub(unmarked);
                self.missing += missing;
                sink.group.units.expected += missing;
                sink.group.units.missing += missing;
                sink.reader.broken += missing;
                if missing > 0 {
                    sink.findings.add("missing_access_units", now, || {
                        format!(
                            "{missing} access units are missing before number {}",
                            mark.number
                        )
                    });
                }
                self.number = Some(mark.number);
            }
            Some(number) => {
                let back = u32::try_from(number - mark.number).unwrap_or(u32::MAX);
                let bit = 1u64.checked_shl(back).unwrap_or(0);
                if bit == 0 || self.seen_numbers & bit != 0 {
                    sink.findings.add("repeated_access_unit", now, || {
                        format!("access unit {} came again", mark.number)
                    });
                    return true;
                }
                self.seen_numbers |= bit;
                // It comes late, and was counted as missing, if it is not from before the first.
                let was_missing = u64::from(self.missing > 0);
                self.missing -= was_missing;
                sink.group.units.expected -= was_missing;
                sink.group.units.missing -= was_missing;
                sink.reader.broken -= was_missing;
            }
            None => {
                self.number = Some(mark.number);
                self.seen_numbers = 1;
            }
        }
        false
    }

    /// Looks whether an access unit has become whole; `true` when it is the first that a decoder can start with.
    fn settle(&mut self, is_current: bool, now: u64, sink: &mut Sink<'_>) -> bool {
        let unit = if is_current {
            &self.current
        } else {
            &self.previous
        };
        if unit.state != State::Open || !unit.had_marker {
            return false;
        }
        let is_whole = match unit.mark {
            Some(mark) => unit.bytes >= mark.bytes,
            // The first access unit of a session may have begun before it.
            None => self.stream.is_none() && !unit.has_gap && !unit.is_impaired,
        };
        if !is_whole {
            return false;
        }
        let checked = unit.mark.map(|mark| {
            let sum = unit.sum.clone().filter(|_| !unit.is_out_of_order);
            let sum = sum.map(crc32fast::Hasher::finalize);
            let is_right = unit.bytes == mark.bytes && sum.is_none_or(|sum| sum == mark.checksum);
            (mark, sum.is_some(), is_right)
        });
        let is_key = unit.is_key || !self.is_h264;
        let (is_foreign, is_repeated) = (unit.is_foreign, unit.is_repeated);
        let unit = if is_current {
            &mut self.current
        } else {
            &mut self.previous
        };
        unit.state = State::Whole;
        let first_picture = is_key && !self.had_picture;
        self.had_picture |= is_key;
        let is_measured = match checked {
            Some((mark, ..)) => self.is_measured(&mark, sink.window),
            None => self.number.is_none() && sink.window.holds(now),
        };
        if !is_measured || is_repeated {
            return first_picture;
        }
        let units = &mut sink.group.units;
        units.expected += 1;
        if is_foreign {
            units.corrupt += 1;
            sink.reader.broken += 1;
            return first_picture;
        }
        if let Some((mark, summed, is_right)) = checked {
            units.marked += 1;
            units.content_checked += u64::from(summed);
            if !is_right {
                units.corrupt += 1;
                sink.reader.broken += 1;
                sink.findings.add("corrupt_access_unit", now, || {
                    format!(
                        "access unit {} has other content than was sent",
                        mark.number
                    )
                });
                return first_picture;
            }
            let latency = now.saturating_sub(mark.sent_ns);
            sink.group.latency.add(latency);
            sink.second.latency.add(latency);
            sink.reader.latency_sum_ns += latency;
            sink.reader.latency_max_ns = sink.reader.latency_max_ns.max(latency);
            sink.reader.latencies += 1;
        }
        units.complete += 1;
        sink.reader.complete += 1;
        sink.second.access_units += 1;
        if self.last_whole_at > 0 {
            sink.group.gap.add(now.saturating_sub(self.last_whole_at));
        }
        self.last_whole_at = now;
        first_picture
    }
}

/// Packet types of RFC 6184 section 5.4 that hold several NAL units, or a part of one.
const STAP_A: u8 = 24;
const FU_A: u8 = 28;

/// First bit of a fragment's own header: it begins its NAL unit.
const FRAGMENT_START: u8 = 0x80;

impl Unit {
    /// Whether a mark was found, whosever it is.
    fn has_mark(&self) -> bool {
        self.mark.is_some() || self.is_foreign
    }

    /// Takes the payload of an RTP packet; a mark that is in it.
    fn payload(&mut self, payload: &[u8]) -> Option<Mark> {
        let mut mark = None;
        match payload {
            &[indicator, header, ref fragment @ ..] if type_of(indicator) == FU_A => {
                let kind = type_of(header);
                if !is_slice(kind) {
                    return None;
                }
                if header & FRAGMENT_START != 0 {
                    self.slice(&[indicator & 0xe0 | kind]);
                }
                self.slice(fragment);
                self.is_key |= kind == nal_type::IDR;
            }
            &[indicator, ref rest @ ..] if type_of(indicator) == STAP_A => {
                let mut rest = rest;
                while let Some((size, after)) = rest.split_first_chunk::<2>() {
                    let size = usize::from(u16::from_be_bytes(*size));
                    let Some((nal, after)) = after.split_at_checked(size) else {
                        break;
                    };
                    mark = mark.or(self.nal(nal));
                    rest = after;
                }
            }
            nal => mark = self.nal(nal),
        }
        mark
    }

    fn nal(&mut self, nal: &[u8]) -> Option<Mark> {
        match type_of(*nal.first()?) {
            nal_type::SEI => return Mark::read(nal),
            kind if is_slice(kind) => {
                self.slice(nal);
                self.is_key |= kind == nal_type::IDR;
            }
            _ => {}
        }
        None
    }

    fn slice(&mut self, bytes: &[u8]) {
        self.bytes = self.bytes.saturating_add(bytes.len() as u32);
        if let Some(sum) = &mut self.sum {
            sum.update(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synth::{Shape, Synth};
    use relaycore_proto::burst::{BurstBuilder, RtpWriter};
    use relaycore_proto::payload::h264::packetise;
    use relaycore_proto::rtp::{PayloadType, SequenceNumber, Ssrc};

    const SHAPE: Shape = Shape {
        bitrate: 1_000_000,
        fps: 30.0,
        gop_ms: 1000,
        key_frame_times: 1.0,
    };

    /// The packets of some access units, which are sent at 1, 2, 3...
    fn packets(units: usize) -> Vec<Vec<Vec<u8>>> {
        let mut synth = Synth::new(&SHAPE, 5, 0);
        let mut rtp = RtpWriter {
            channel: 0,
            payload_type: PayloadType(96),
            ssrc: Ssrc(1),
            next_sequence: SequenceNumber(65_530),
        };
        let mut unit = Vec::new();
        (0..units)
            .map(|index| {
                synth.write(index as u64 + 1, &mut unit);
                let mut out = BurstBuilder::new();
                packetise(&unit, index as u32 * 3000, 1200, &mut rtp, &mut out).unwrap();
                out.packets().map(<[u8]>::to_vec).collect()
            })
            .collect()
    }

    struct Bench {
        check: Check,
        group: GroupTally,
        reader: ReaderTally,
        second: SecondTally,
        findings: Findings,
        run: u32,
        /// As many as can be of two sources.
        next_numbers: Vec<AtomicU64>,
    }

    impl Bench {
        fn new() -> Self {
            let mut check = Check::new(96, true, true, false);
            check.playing(1);
            Self {
                check,
                group: GroupTally::new(),
                reader: ReaderTally::default(),
                second: SecondTally::new(),
                findings: Findings::default(),
                run: 5,
                next_numbers: vec![AtomicU64::new(1 << 32), AtomicU64::new(1 << 32)],
            }
        }

        fn take(&mut self, packet: &[u8], is_dropped: bool) -> Brought {
            let mut sink = Sink {
                group: &mut self.group,
                reader: &mut self.reader,
                second: &mut self.second,
                findings: &mut self.findings,
                window: Window {
                    from: 0,
                    to: u64::MAX,
                },
                run: self.run,
                next_numbers: &self.next_numbers,
            };
            self.check.packet(1000, packet, is_dropped, &mut sink)
        }

        /// Takes access units with these numbers, as if they had been sent in this order.
        fn take_units(&mut self, order: &[usize]) {
            let units = packets(80);
            let mut sequence = 100u16;
            for (time, number) in order.iter().enumerate() {
                for packet in &units[*number] {
                    let mut packet = packet.clone();
                    packet[2..4].copy_from_slice(&sequence.to_be_bytes());
                    packet[4..8].copy_from_slice(&(time as u32 * 3000).to_be_bytes());
                    sequence += 1;
                    self.take(&packet, false);
                }
            }
        }

        /// Complete, incomplete, corrupt, missing.
        fn units(&self) -> [u64; 4] {
            let units = &self.group.units;
            let found = [
                units.complete,
                units.incomplete,
                units.corrupt,
                units.missing,
            ];
            assert_eq!(units.expected, found.iter().sum::<u64>());
            found
        }

        fn kinds(self) -> Vec<String> {
            let all = self.findings.into_sorted();
            all.into_iter().map(|finding| finding.kind).collect()
        }
    }

    #[test]
    fn a_good_stream_is_whole() {
        let mut bench = Bench::new();
        let all = packets(40).concat();
        let brought: Vec<_> = all.iter().map(|packet| bench.take(packet, false)).collect();
        assert!(brought[0].first_packet);
        assert_eq!(brought.iter().filter(|it| it.first_packet).count(), 1);
        assert_eq!(brought.iter().filter(|it| it.first_picture).count(), 1);
        assert_eq!(bench.units(), [40, 0, 0, 0]);
        assert_eq!(bench.group.units.content_checked, 40);
        assert_eq!(bench.group.latency.distribution().count, 40);
        assert_eq!(bench.check.newest(), Some((0, 39)));
        assert!(bench.kinds().is_empty());
    }

    #[test]
    fn a_lost_packet_costs_its_access_unit() {
        for lost in 0..4 {
            let mut bench = Bench::new();
            for (number, unit) in packets(6).iter().enumerate() {
                for (index, packet) in unit.iter().enumerate() {
                    if (number, index) != (2, lost) {
                        bench.take(packet, false);
                    }
                }
            }
            // Without its mark, in the first packet, it is missing.
            let expected = if lost == 0 {
                [5, 0, 0, 1]
            } else {
                [5, 1, 0, 0]
            };
            assert_eq!(bench.units(), expected, "{lost}");
            assert_eq!(bench.group.packets.lost, 1);
        }
    }

    #[test]
    fn lost_access_units_are_missing() {
        let mut bench = Bench::new();
        let all = packets(8);
        for unit in all[..3].iter().chain(&all[6..]) {
            unit.iter().for_each(|packet| {
                bench.take(packet, false);
            });
        }
        assert_eq!(bench.units(), [5, 0, 0, 3]);
        assert_eq!(bench.kinds(), ["lost_packets", "missing_access_units"]);
    }

    #[test]
    fn packets_in_another_order_are_no_loss() {
        let mut bench = Bench::new();
        let mut all = packets(6).concat();
        let count = all.len();
        for pair in all.chunks_exact_mut(2) {
            pair.swap(0, 1);
        }
        all.iter().for_each(|packet| {
            bench.take(packet, false);
            assert_eq!(bench.take(packet, false), Brought::default());
        });
        assert_eq!(bench.units(), [6, 0, 0, 0]);
        let packets = &bench.group.packets;
        assert_eq!((packets.lost, packets.reordered), (0, count as u64 / 2));
        assert_eq!(packets.duplicate, count as u64);
    }

    #[test]
    fn a_server_that_counts_anew_has_lost_nothing() {
        let mut bench = Bench::new();
        for (number, packet) in packets(4).concat().iter_mut().enumerate() {
            if number == 8 {
                bench.check.order.place(30_000);
            }
            bench.take(packet, false);
        }
        assert_eq!(bench.units(), [4, 0, 0, 0]);
        assert_eq!(bench.group.packets.lost, 0);
    }

    #[test]
    fn other_content_is_noticed() {
        let mut bench = Bench::new();
        let mut all = packets(3);
        let last = all[1].last_mut().unwrap();
        let place = last.len() - 5;
        last[place] ^= 1;
        all.concat().iter().for_each(|packet| {
            bench.take(packet, false);
        });
        assert_eq!(bench.units(), [2, 0, 1, 0]);
        assert_eq!(bench.kinds(), ["corrupt_access_unit"]);
    }

    #[test]
    fn what_the_link_takes_is_not_held_against_the_server() {
        for taken in 0..4 {
            let mut bench = Bench::new();
            for (number, unit) in packets(6).iter().enumerate() {
                for (index, packet) in unit.iter().enumerate() {
                    bench.take(packet, number == 2 && index == taken);
                }
            }
            assert_eq!(bench.units(), [5, 0, 0, 0], "{taken}");
            assert_eq!(bench.group.units.impaired, 1);
            let packets = &bench.group.packets;
            assert_eq!((packets.lost, packets.impaired), (0, 1));
            assert!(bench.kinds().is_empty());
        }
    }

    #[test]
    fn marks_of_another_run_are_none_where_this_one_publishes_nothing() {
        let mut bench = Bench::new();
        bench.run = 6;
        bench.next_numbers.clear();
        packets(4).concat().iter().for_each(|packet| {
            bench.take(packet, false);
        });
        assert_eq!(bench.units(), [4, 0, 0, 0]);
        assert_eq!(bench.group.units.marked, 0);
        assert_eq!(bench.group.latency.distribution().count, 0);
        assert!(bench.kinds().is_empty());
    }

    #[test]
    fn access_units_that_were_not_sent_are_not_those_of_this_run() {
        let setups: [fn(&mut Bench); 3] = [
            |bench| bench.run = 6,
            |bench| bench.next_numbers = vec![AtomicU64::new(0)],
            |bench| {
                bench.run = 6;
                bench.next_numbers.truncate(1);
            },
        ];
        for setup in setups {
            let mut bench = Bench::new();
            setup(&mut bench);
            packets(4).concat().iter().for_each(|packet| {
                bench.take(packet, false);
            });
            assert_eq!(bench.units(), [0, 0, 4, 0]);
            assert_eq!(bench.check.newest(), None);
            assert_eq!(bench.group.latency.distribution().count, 0);
            assert_eq!(bench.kinds(), ["foreign_stream"]);
        }
    }

    #[test]
    fn an_access_unit_from_before_the_first_was_not_missing() {
        let mut bench = Bench::new();
        bench.take_units(&[3, 1, 2, 6, 5, 7]);
        assert_eq!(bench.units(), [6, 0, 0, 1]);
    }

    #[test]
    fn an_access_unit_that_comes_again_counts_once() {
        let mut bench = Bench::new();
        bench.take_units(&[0, 1, 2, 1, 0, 3, 79, 79, 3, 1]);
        assert_eq!(bench.units(), [5, 0, 0, 75]);
        let all = bench.findings.into_sorted();
        let repeated = all.iter().find(|it| it.kind == "repeated_access_unit");
        assert_eq!(repeated.unwrap().count, 5);
    }

    #[test]
    fn what_is_no_packet_of_the_stream_is_counted() {
        let mut bench = Bench::new();
        let mut packet = packets(1)[0][0].clone();
        bench.take(&[], false);
        bench.take(&[0x40; 20], false);
        packet[1] ^= 1;
        bench.take(&packet, false);
        assert_eq!(bench.group.packets.malformed, 3);
        assert_eq!(bench.kinds(), ["malformed_rtp", "wrong_payload_type"]);
    }

    #[test]
    fn any_payload_is_taken() {
        let mut bench = Bench::new();
        let header = packets(1)[0][0][..12].to_vec();
        let mut state = 1u32;
        for sequence in 0..20_000u16 {
            let mut packet = header.clone();
            packet[2..4].copy_from_slice(&sequence.to_be_bytes());
            packet[7] = (sequence / 5) as u8;
            for _ in 0..sequence % 40 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                packet.push((state >> 24) as u8);
            }
            bench.take(&packet, sequence % 97 == 0);
        }
        assert_eq!(bench.group.packets.received, 20_000);
    }
}
