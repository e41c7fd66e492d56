//! A burst: the RTP packets that entered a stream together, laid out once and shared by every reader.

use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Bytes before each RTP packet on an interleaved connection: `$`, channel, length (RFC 2326 §10.12).
pub const FRAME_HEADER: usize = 4;

/// Most copies with unusual channel numbers that a burst keeps; more are made anew for each reader, so that clients
/// which all choose other channels cannot multiply the ring.
const REMAPPED_MAX: usize = 4;

/// When a burst passed each stage on its way, in nanoseconds of [`crate::clock::now_ns`]; 0 where it did not pass one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stages {
    /// The picture was taken, as the device says.
    pub captured: u64,
    /// The capture thread got it from the device.
    pub received: u64,
    /// The access unit of the camera was decoded.
    pub decoded: u64,
    /// The encoder took the frame out of the handoff.
    pub taken: u64,
    /// The encoder gave the access unit.
    pub encoded: u64,
    /// The RTP packets were made.
    pub packetised: u64,
}

/// RTP packets that belong together, immutable.
///
/// `bytes` holds them back to back, each behind its four-byte interleaved frame with the usual channel number
/// (twice the track's index), so that one write sends the whole burst to a TCP reader.
#[derive(Debug)]
pub struct Burst {
    /// Place in the stream, rising by one a burst.
    pub index: u64,
    /// Index of the track.
    pub track: usize,
    /// The framed packets.
    pub bytes: Box<[u8]>,
    /// Where each packet ends in `bytes`.
    pub ends: Box<[u32]>,
    /// RTP timestamp of the first packet.
    pub timestamp: u32,
    /// Sequence number of the first packet.
    pub sequence: u16,
    /// How many packets of its track came before it.
    pub packets_before: u64,
    /// Media time in ticks of the track's clock rate, counted from the zero of the engine's clock.
    pub pts: i64,
    /// Whether a reader can start here.
    pub random_access: bool,
    /// When it passed the stages before.
    pub stages: Stages,
    datagrams: OnceLock<Datagrams>,
    remapped: Mutex<Vec<(u8, Arc<[u8]>)>>,
}

/// The packets of a burst without their interleaved frames, back to back, for datagram sockets.
#[derive(Debug)]
pub struct Datagrams {
    /// The packets.
    pub bytes: Box<[u8]>,
    /// Runs of packets of equal size (the last of a run may be shorter), as segmentation offload wants them.
    pub runs: Vec<Run>,
}

/// Packets of equal size that one system call can send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Where they lie in [`Datagrams::bytes`].
    pub bytes: Range<usize>,
    /// Size of each packet but the last.
    pub segment: usize,
}

/// What a burst is made of.
#[derive(Debug)]
pub struct Parts {
    /// See [`Burst::index`].
    pub index: u64,
    /// See [`Burst::track`].
    pub track: usize,
    /// See [`Burst::bytes`].
    pub bytes: Vec<u8>,
    /// See [`Burst::ends`].
    pub ends: Vec<u32>,
    /// See [`Burst::pts`].
    pub pts: i64,
    /// See [`Burst::packets_before`].
    pub packets_before: u64,
    /// See [`Burst::random_access`].
    pub random_access: bool,
    /// See [`Burst::stages`].
    pub stages: Stages,
}

impl Burst {
    /// A burst of the framed packets in `parts`.
    pub fn new(parts: Parts) -> Self {
        let field = |at: usize, length: usize| {
            let at = FRAME_HEADER + at;
            parts.bytes.get(at..at + length).map_or(0, |bytes| {
                bytes.iter().fold(0u32, |n, byte| n << 8 | u32::from(*byte))
            })
        };
        Self {
            index: parts.index,
            track: parts.track,
            timestamp: field(4, 4),
            sequence: field(2, 2) as u16,
            packets_before: parts.packets_before,
            bytes: parts.bytes.into_boxed_slice(),
            ends: parts.ends.into_boxed_slice(),
            pts: parts.pts,
            random_access: parts.random_access,
            stages: parts.stages,
            datagrams: OnceLock::new(),
            remapped: Mutex::new(Vec::new()),
        }
    }

    /// How many RTP packets it holds.
    pub fn packet_count(&self) -> usize {
        self.ends.len()
    }

    /// Where packet `number` lies in `bytes`, its interleaved frame included.
    pub fn packet(&self, number: usize) -> Range<usize> {
        let start = if number == 0 {
            0
        } else {
            self.ends[number - 1] as usize
        };
        start..self.ends[number] as usize
    }

    /// The RTP packets, without their interleaved frames.
    pub fn rtp_packets(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.packet_count()).map(|number| {
            let range = self.packet(number);
            &self.bytes[range.start + FRAME_HEADER..range.end]
        })
    }

    /// Bytes of the first `count` packets, without their interleaved frames.
    pub fn packets_bytes(&self, count: usize) -> usize {
        let end = count
            .checked_sub(1)
            .and_then(|last| self.ends.get(last))
            .map_or(0, |end| *end as usize);
        end - (FRAME_HEADER * count).min(end)
    }

    /// The packets for datagram sockets, laid out at the first call.
    pub fn datagrams(&self) -> &Datagrams {
        self.datagrams.get_or_init(|| {
            let mut bytes = Vec::with_capacity(self.bytes.len());
            let mut runs: Vec<Run> = Vec::new();
            let mut closed = true;
            for packet in self.rtp_packets() {
                let start = bytes.len();
                bytes.extend_from_slice(packet);
                match runs.last_mut() {
                    Some(run) if !closed && packet.len() <= run.segment => {
                        run.bytes.end = bytes.len();
                        closed = packet.len() < run.segment;
                    }
                    _ => {
                        runs.push(Run {
                            bytes: start..bytes.len(),
                            segment: packet.len(),
                        });
                        closed = false;
                    }
                }
            }
            Datagrams {
                bytes: bytes.into_boxed_slice(),
                runs,
            }
        })
    }

    /// The framed packets with another channel number, for a reader that chose an unusual one. Made once a
    /// channel, for the first few channels.
    pub fn on_channel(&self, channel: u8) -> Arc<[u8]> {
        let mut remapped = self.remapped.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, bytes)) = remapped.iter().find(|(known, _)| *known == channel) {
            return Arc::clone(bytes);
        }
        let mut bytes = self.bytes.to_vec();
        for number in 0..self.packet_count() {
            bytes[self.packet(number).start + 1] = channel;
        }
        let bytes: Arc<[u8]> = bytes.into();
        if remapped.len() < REMAPPED_MAX {
            remapped.push((channel, Arc::clone(&bytes)));
        }
        bytes
    }

    /// A private copy for a reader that catches up: its RTP timestamps are changed by `map`, and it is numbered as if
    /// `ahead` more packets of its track had come before it.
    pub fn caught_up(&self, map: impl Fn(u32) -> u32, ahead: u64) -> Self {
        let mut copy = self.rewritten(ahead as u16, map);
        copy.packets_before += ahead;
        copy
    }

    /// A private copy whose sequence numbers are `shift` further, for a reader whose numbering is its own.
    pub fn renumbered(&self, shift: u16) -> Self {
        self.rewritten(shift, |timestamp| timestamp)
    }

    /// A copy with sequence numbers that are `shift` further and timestamps changed by `map` (RFC 3550 §5.1).
    fn rewritten(&self, shift: u16, map: impl Fn(u32) -> u32) -> Self {
        let mut bytes = self.bytes.to_vec();
        for number in 0..self.packet_count() {
            let header = self.packet(number).start + FRAME_HEADER;
            let fields = bytes
                .get_mut(header + 2..header + 8)
                .and_then(|fields| <&mut [u8; 6]>::try_from(fields).ok());
            if let Some([s0, s1, t0, t1, t2, t3]) = fields {
                let sequence = u16::from_be_bytes([*s0, *s1]).wrapping_add(shift);
                let timestamp = map(u32::from_be_bytes([*t0, *t1, *t2, *t3]));
                [*s0, *s1] = sequence.to_be_bytes();
                [*t0, *t1, *t2, *t3] = timestamp.to_be_bytes();
            }
        }
        Self::new(Parts {
            index: self.index,
            track: self.track,
            bytes,
            ends: self.ends.to_vec(),
            pts: self.pts,
            packets_before: self.packets_before,
            random_access: self.random_access,
            stages: self.stages,
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A burst of RTP packets with payloads of the given sizes.
    pub(crate) fn burst(
        index: u64,
        track: usize,
        timestamp: u32,
        random_access: bool,
        sizes: &[usize],
    ) -> Burst {
        let (mut bytes, mut ends) = (Vec::new(), Vec::new());
        for (number, size) in sizes.iter().enumerate() {
            bytes.extend([b'$', track as u8 * 2]);
            bytes.extend((*size as u16 + 12).to_be_bytes());
            bytes.extend([0x80, 96]);
            bytes.extend((number as u16 + 7).to_be_bytes());
            bytes.extend(timestamp.to_be_bytes());
            bytes.extend([0, 0, 0, 1]);
            bytes.extend(std::iter::repeat_n(number as u8, *size));
            ends.push(bytes.len() as u32);
        }
        let stages = Stages::default();
        Burst::new(Parts {
            index,
            track,
            bytes,
            ends,
            pts: i64::from(timestamp),
            packets_before: 0,
            random_access,
            stages,
        })
    }

    #[test]
    fn the_first_header_is_read() {
        let burst = burst(3, 0, 0x0102_0304, true, &[10, 20]);
        assert_eq!(
            (burst.sequence, burst.timestamp, burst.packet_count()),
            (7, 0x0102_0304, 2)
        );
        assert_eq!(
            burst.rtp_packets().map(<[u8]>::len).collect::<Vec<_>>(),
            [22, 32]
        );
    }

    #[test]
    fn runs_are_of_equal_size_with_a_shorter_last_packet() {
        let burst = burst(0, 0, 0, true, &[30, 100, 100, 100, 60, 80, 80]);
        let runs: Vec<_> = burst
            .datagrams()
            .runs
            .iter()
            .map(|run| (run.bytes.len(), run.segment))
            .collect();
        assert_eq!(runs, [(42, 42), (112 * 3 + 72, 112), (92 * 2, 92)]);
        assert_eq!(burst.datagrams().bytes.len(), burst.packets_bytes(7));
    }

    #[test]
    fn another_channel_changes_nothing_else() {
        let burst = burst(0, 1, 9, true, &[5, 6]);
        let copy = burst.on_channel(7);
        assert_eq!((copy[1], copy[burst.packet(1).start + 1]), (7, 7));
        assert_eq!(copy[2..20], burst.bytes[2..20]);
        assert!(
            Arc::ptr_eq(&copy, &burst.on_channel(7)),
            "made once a channel"
        );
        let made: Vec<_> = (8..20).map(|channel| burst.on_channel(channel)).collect();
        assert!(
            made.iter()
                .zip(8..)
                .all(|(copy, channel)| copy[1] == channel)
        );
        assert_eq!(burst.remapped.lock().unwrap().len(), REMAPPED_MAX);
    }

    #[test]
    fn renumbering_moves_every_packet_across_the_wrap() {
        let copy = burst(0, 0, 100, true, &[5, 6]).renumbered(65_528);
        assert_eq!((copy.sequence, copy.timestamp), (65_535, 100));
        let second = copy.rtp_packets().nth(1).unwrap();
        assert_eq!(second[2..4], 0u16.to_be_bytes());
    }

    #[test]
    fn catching_up_moves_every_packet_in_time_and_in_its_track() {
        let copy = burst(0, 0, 100, true, &[5, 6]).caught_up(|timestamp| timestamp + 50, 3);
        assert_eq!(
            (copy.timestamp, copy.sequence, copy.packets_before),
            (150, 10, 3)
        );
        for (packet, sequence) in copy.rtp_packets().zip(10u16..) {
            assert_eq!(packet[2..4], sequence.to_be_bytes());
            assert_eq!(packet[4..8], 150u32.to_be_bytes());
        }
    }
}
