//! The payloads of bursts, shared by all who read a stream by WebRTC.

use crate::burst::Burst;
use relaycore_proto::rtp::RtpPacket;
use std::collections::VecDeque;
use std::sync::Arc;

/// Most bursts whose payloads are kept: a group of pictures for those who join.
const MOST_BURSTS: usize = 256;

/// The payload of each packet of a burst.
pub(super) type Payloads = Arc<[Arc<[u8]>]>;

/// See the module; for one stream.
#[derive(Default)]
pub(super) struct PayloadCache {
    /// By the index of their bursts, which rises.
    kept: VecDeque<(u64, Payloads)>,
}

impl PayloadCache {
    /// The payloads of a burst, or of a copy of it with other timestamps, which has the same index.
    pub(super) fn of(&mut self, burst: &Burst) -> Payloads {
        let place = self
            .kept
            .binary_search_by_key(&burst.index, |(index, _)| *index);
        let place = match place {
            Ok(place) => return Arc::clone(&self.kept[place].1),
            Err(place) => place,
        };
        let payloads = burst.rtp_packets().map(|packet| {
            let payload = RtpPacket::parse(packet).map_or(&[][..], |packet| packet.payload);
            Arc::from(payload)
        });
        let payloads: Payloads = payloads.collect();
        self.kept
            .insert(place, (burst.index, Arc::clone(&payloads)));
        if self.kept.len() > MOST_BURSTS {
            self.kept.pop_front();
        }
        payloads
    }
}
