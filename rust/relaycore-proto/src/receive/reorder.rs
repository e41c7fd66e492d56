//! Datagrams that overtook each other, put in order again.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use core::mem;

use crate::rtp::{RtpHeader, SequenceNumber, Ssrc};

/// Most packets that wait for an earlier one.
const HELD_MAX: usize = 64;

/// Longest wait for an earlier packet, in nanoseconds.
const WAIT_NS: u64 = 50_000_000;

/// A packet further ahead or behind belongs to a new count.
const RESTART: i16 = 1000;

/// Puts the packets of one track in order. A packet that comes in order waits for nothing; one that is ahead waits for
/// those before it, until [`expire`](Self::expire) or too many others give them up; one whose place was given up is
/// dropped.
#[derive(Clone, Debug, Default)]
pub struct Reorder {
    next: Option<(Ssrc, SequenceNumber)>,
    /// Packets ahead, by their distance from `origin`, with their time of arrival.
    held: BTreeMap<u16, (u64, Box<[u8]>)>,
    origin: u16,
}

impl Reorder {
    /// Takes a packet that arrived at `now`, in nanoseconds of a steady clock, and gives to `out` what is in order.
    pub fn push(
        &mut self,
        header: &RtpHeader,
        packet: &[u8],
        now: u64,
        mut out: impl FnMut(&[u8]),
    ) {
        self.give_up_old(now, &mut out);
        let ahead = match self.next {
            Some((ssrc, next)) if ssrc == header.ssrc => header.sequence.distance(next),
            Some(_) => RESTART,
            None => 0,
        };
        match ahead {
            0 => {
                out(packet);
                self.next = Some((header.ssrc, header.sequence.next()));
                self.release(&mut out);
            }
            ahead if ahead.unsigned_abs() >= RESTART.unsigned_abs() => {
                self.drain(&mut out);
                out(packet);
                self.next = Some((header.ssrc, header.sequence.next()));
            }
            ahead if ahead < 0 => {}
            _ => {
                if self.held.is_empty() {
                    self.origin = header.sequence.0.wrapping_sub(ahead.unsigned_abs());
                }
                let place = header.sequence.0.wrapping_sub(self.origin);
                self.held
                    .entry(place)
                    .or_insert_with(|| (now, packet.into()));
                if self.held.len() > HELD_MAX {
                    self.give_up(&mut out);
                }
            }
        }
    }

    /// Gives up the packets that were waited for too long.
    pub fn expire(&mut self, now: u64, mut out: impl FnMut(&[u8])) {
        self.give_up_old(now, &mut out);
    }

    /// Gives all that waits: the source has ended.
    pub fn drain(&mut self, mut out: impl FnMut(&[u8])) {
        for (_, (_, packet)) in mem::take(&mut self.held) {
            out(&packet);
        }
    }

    /// Whether packets wait: [`expire`](Self::expire) is then worth a call soon.
    #[must_use]
    pub fn holds(&self) -> bool {
        !self.held.is_empty()
    }

    fn give_up_old(&mut self, now: u64, out: &mut impl FnMut(&[u8])) {
        let old = |at: u64| now.saturating_sub(at) >= WAIT_NS;
        while self
            .held
            .first_key_value()
            .is_some_and(|(_, (at, _))| old(*at))
        {
            self.give_up(out);
        }
    }

    /// Goes on with the earliest packet that waits.
    fn give_up(&mut self, out: &mut impl FnMut(&[u8])) {
        let Some((place, _)) = self.held.first_key_value() else {
            return;
        };
        let sequence = SequenceNumber(self.origin.wrapping_add(*place));
        if let Some((_, next)) = &mut self.next {
            *next = sequence;
        }
        self.release(out);
    }

    /// Gives the packets that wait for nothing any more.
    fn release(&mut self, out: &mut impl FnMut(&[u8])) {
        while let Some((ssrc, next)) = self.next {
            let place = next.0.wrapping_sub(self.origin);
            let Some((_, packet)) = self.held.remove(&place) else {
                return;
            };
            out(&packet);
            self.next = Some((ssrc, next.next()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtp::PayloadType;
    use alloc::vec::Vec;

    const SECOND: u64 = 1_000_000_000;

    fn push(reorder: &mut Reorder, ssrc: u32, sequence: u16, now: u64) -> Vec<u16> {
        let header = RtpHeader {
            marker: false,
            payload_type: PayloadType(96),
            sequence: SequenceNumber(sequence),
            timestamp: 0,
            ssrc: Ssrc(ssrc),
        };
        let mut given = Vec::new();
        reorder.push(&header, &sequence.to_be_bytes(), now, |packet| {
            given.push(u16::from_be_bytes([packet[0], packet[1]]));
        });
        given
    }

    #[test]
    fn packets_in_order_pass_at_once_across_the_wrap() {
        let mut reorder = Reorder::default();
        for sequence in [65_534, 65_535, 0, 1] {
            assert_eq!(push(&mut reorder, 1, sequence, 0), [sequence]);
        }
        assert!(!reorder.holds());
    }

    #[test]
    fn a_packet_ahead_waits_for_those_before_it() {
        let mut reorder = Reorder::default();
        push(&mut reorder, 1, 65_534, 0);
        assert!(push(&mut reorder, 1, 1, 0).is_empty());
        assert!(push(&mut reorder, 1, 0, 0).is_empty());
        assert!(push(&mut reorder, 1, 0, 0).is_empty(), "doubled");
        assert_eq!(push(&mut reorder, 1, 65_535, 0), [65_535, 0, 1]);
        assert!(push(&mut reorder, 1, 65_535, 0).is_empty(), "late");
        assert_eq!(push(&mut reorder, 1, 2, 0), [2]);
    }

    #[test]
    fn what_does_not_come_is_given_up() {
        let mut reorder = Reorder::default();
        push(&mut reorder, 1, 0, 0);
        assert!(push(&mut reorder, 1, 2, 0).is_empty());
        assert!(push(&mut reorder, 1, 4, WAIT_NS / 2).is_empty());
        assert_eq!(push(&mut reorder, 1, 5, WAIT_NS), [2]);
        let mut given = 0;
        reorder.expire(2 * WAIT_NS, |_| given += 1);
        assert_eq!(given, 2);
        assert_eq!(push(&mut reorder, 1, 6, SECOND), [6]);
    }

    #[test]
    fn the_number_that_waits_is_bounded() {
        let mut reorder = Reorder::default();
        push(&mut reorder, 1, 0, 0);
        let held = HELD_MAX as u16;
        for sequence in 2..2 + held {
            assert!(push(&mut reorder, 1, sequence, 0).is_empty());
        }
        assert_eq!(push(&mut reorder, 1, 500, 0).len(), HELD_MAX);
        assert!(reorder.holds());
    }

    #[test]
    fn a_new_source_or_count_starts_at_once() {
        let mut reorder = Reorder::default();
        push(&mut reorder, 1, 10, 0);
        push(&mut reorder, 1, 12, 0);
        assert_eq!(push(&mut reorder, 2, 700, 0), [12, 700]);
        assert_eq!(push(&mut reorder, 2, 9000, 0), [9000]);
        assert_eq!(push(&mut reorder, 2, 701, 0), [701], "it started anew");
    }
}
