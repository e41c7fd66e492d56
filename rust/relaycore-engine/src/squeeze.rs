//! Squeezing a cached group of pictures up to the live edge, for a reader that joins in the middle of it.

use crate::burst::Burst;
use std::collections::BTreeMap;
use std::sync::Arc;

/// RTP ticks between pictures of a squeezed group: 1 ms at 90 kHz.
const SQUEEZED_TICKS: u32 = 90;

/// New timestamps for the pictures of a group: the newest keeps its own, the others follow each other up to it in the
/// same order of presentation.
///
/// Where pictures are sent in another order than they are shown, some that are shown before the newest may still come:
/// then those from the first gap in the group on keep their own timestamps.
pub(crate) fn squeeze(group: &[&Arc<Burst>], is_reordered: bool) -> BTreeMap<u32, u32> {
    let Some(first) = group.first().map(|burst| burst.timestamp) else {
        return BTreeMap::new();
    };
    let mut timestamps: Vec<u32> = group.iter().map(|burst| burst.timestamp).collect();
    // Order around the wrap: by the signed distance from the first (RFC 3550 §5.1 timestamps wrap).
    timestamps.sort_unstable_by_key(|timestamp| timestamp.wrapping_sub(first) as i32);
    timestamps.dedup();
    if is_reordered {
        timestamps.truncate(without_gap(&timestamps));
    }
    let Some(newest) = timestamps.last().copied() else {
        return BTreeMap::new();
    };
    let count = timestamps.len() as u32;
    let room = newest.wrapping_sub(timestamps[0]);
    let step = SQUEEZED_TICKS
        .min(room / count.saturating_sub(1).max(1))
        .max(1);
    let place = |(number, timestamp): (usize, u32)| {
        (
            timestamp,
            newest.wrapping_sub((count - 1 - number as u32).wrapping_mul(step)),
        )
    };
    timestamps.into_iter().enumerate().map(place).collect()
}

/// How many of these timestamps, which rise, follow each other at the least distance among them.
fn without_gap(timestamps: &[u32]) -> usize {
    let steps = || {
        timestamps
            .windows(2)
            .map(|pair| pair[1].wrapping_sub(pair[0]))
    };
    let least = steps().min().unwrap_or(0);
    let gap = steps().position(|step| step > least + least / 2);
    gap.map_or(timestamps.len(), |gap| gap + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::burst::tests::burst;

    #[test]
    fn pictures_beyond_one_that_may_still_come_keep_their_timestamps() {
        // Sent as I0 P4 B2 B1 P8 B6: 3, 5 and 7 are still to come.
        let group: Vec<_> = [0u32, 4, 2, 1, 8, 6]
            .iter()
            .enumerate()
            .map(|(index, at)| Arc::new(burst(index as u64, 0, at * 3000, index == 0, &[9])))
            .collect();
        let map = squeeze(&group.iter().collect::<Vec<_>>(), true);
        let squeezed: Vec<_> = [0u32, 1, 2].iter().map(|at| map[&(at * 3000)]).collect();
        assert_eq!(squeezed, [6000 - 180, 6000 - 90, 6000]);
        assert_eq!(map.len(), 3);
    }

    #[test]
    fn squeezing_keeps_the_order_of_presentation_across_the_wrap() {
        let shown = [0u32, 9000, 3000, 6000, 18000].map(|timestamp| timestamp.wrapping_sub(7000));
        let group: Vec<_> = shown
            .iter()
            .enumerate()
            .map(|(index, at)| Arc::new(burst(index as u64, 0, *at, index == 0, &[9])))
            .collect();
        let map = squeeze(&group.iter().collect::<Vec<_>>(), false);
        let squeezed: Vec<_> = shown
            .iter()
            .map(|at| map[at].wrapping_sub(shown[4]) as i32)
            .collect();
        assert_eq!(squeezed, [-360, -90, -270, -180, 0]);
    }
}
