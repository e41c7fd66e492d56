//! Whether packets arrive in the order in which they were sent.

use crate::rtp::{RtpHeader, SequenceNumber, Ssrc};

/// How far behind the newest packet one may be to be taken for late or doubled, instead of the start of a new count.
const LATE_PACKETS_MAX: i16 = 100;

/// How a packet follows the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// Directly, or it is the first packet of all.
    InOrder,
    /// Packets between the two are lost, or the source started anew.
    AfterLoss,
    /// It came before: the packet is doubled, or its place was given up.
    Late,
}

/// Remembers which packet comes next.
#[derive(Clone, Debug, Default)]
pub(crate) struct Order {
    next: Option<(Ssrc, SequenceNumber)>,
}

impl Order {
    /// Notes that a packet arrived.
    pub(crate) fn arrived(&mut self, header: &RtpHeader) -> Arrival {
        let arrival = match self.next {
            None => Arrival::InOrder,
            Some((ssrc, _)) if ssrc != header.ssrc => Arrival::AfterLoss,
            Some((_, next)) => match header.sequence.distance(next) {
                0 => Arrival::InOrder,
                behind if (-LATE_PACKETS_MAX..0).contains(&behind) => return Arrival::Late,
                _ => Arrival::AfterLoss,
            },
        };
        self.next = Some((header.ssrc, header.sequence.next()));
        arrival
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtp::PayloadType;

    fn header(sequence: u16) -> RtpHeader {
        RtpHeader {
            marker: false,
            payload_type: PayloadType(96),
            sequence: SequenceNumber(sequence),
            timestamp: 0,
            ssrc: Ssrc(1),
        }
    }

    #[test]
    fn losses_and_late_packets_are_told_apart() {
        let mut order = Order::default();
        let expected = [
            (65_534, Arrival::InOrder),
            (65_535, Arrival::InOrder),
            (0, Arrival::InOrder),
            (0, Arrival::Late),
            (65_500, Arrival::Late),
            (2, Arrival::AfterLoss),
            (1, Arrival::Late),
            (3, Arrival::InOrder),
            (40_000, Arrival::AfterLoss),
            (39_000, Arrival::AfterLoss),
        ];
        for (sequence, arrival) in expected {
            assert_eq!(order.arrived(&header(sequence)), arrival, "{sequence}");
        }
    }

    #[test]
    fn another_source_starts_anew() {
        let mut order = Order::default();
        order.arrived(&header(5));
        let other = RtpHeader {
            ssrc: Ssrc(2),
            ..header(6)
        };
        assert_eq!(order.arrived(&other), Arrival::AfterLoss);
    }
}
