//! The order of the RTP packets of a session, by their sequence numbers.

/// Where a packet stands among those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Behind all of them, with so many missing between.
    Next { missing: u16 },
    /// Before one that has come.
    Late,
}

/// How far sequence numbers may jump, forward and back, and still be those of one source (RFC 3550 appendix A.1).
const DROPOUT_MAX: i16 = 3000;
const MISORDER_MAX: i16 = 100;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Order {
    highest: Option<u16>,
    /// Which of the 64 packets up to the highest came.
    seen: u64,
}

impl Order {
    /// Whether nothing has come yet.
    pub(crate) fn is_new(&self) -> bool {
        self.highest.is_none()
    }

    /// Where a packet stands among those before it; `None` when it came already, or far too late.
    pub(crate) fn place(&mut self, sequence: u16) -> Option<Place> {
        let Some(highest) = self.highest else {
            self.highest = Some(sequence);
            self.seen = 1;
            return Some(Place::Next { missing: 0 });
        };
        let ahead = sequence.wrapping_sub(highest) as i16;
        if !(-MISORDER_MAX..=DROPOUT_MAX).contains(&ahead) {
            // The server counts anew, as behind another publisher.
            self.highest = Some(sequence);
            self.seen = 1;
            return Some(Place::Next { missing: 0 });
        }
        if ahead > 0 {
            let ahead = ahead.unsigned_abs();
            self.seen = self.seen.checked_shl(u32::from(ahead)).unwrap_or(0) | 1;
            self.highest = Some(sequence);
            return Some(Place::Next { missing: ahead - 1 });
        }
        let bit = 1u64.checked_shl(u32::from(ahead.unsigned_abs()))?;
        if self.seen & bit != 0 {
            return None;
        }
        self.seen |= bit;
        Some(Place::Late)
    }
}
