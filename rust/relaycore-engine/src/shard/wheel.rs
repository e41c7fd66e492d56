//! One timer wheel for all deadlines of a shard: no timer, and no system call, for each reader.
//!
//! An entry only says when to look again. Deadlines move all the time (each packet renews one), so nothing is ever
//! cancelled: whoever is looked at says when to look next.

/// Nanoseconds a slot.
const TICK: u64 = 20_000_000;

/// Slots; a deadline further away than a turn is looked at once a turn.
const SLOTS: usize = 256;

/// Calls back keys of type `K` near the time they asked for: never early, late by less than one tick.
#[derive(Debug)]
pub(crate) struct Wheel<K> {
    slots: Vec<Vec<(u64, K)>>,
    /// The first tick not yet turned over.
    next_tick: u64,
    entries: usize,
}

impl<K> Wheel<K> {
    /// An empty wheel at the time `now`.
    pub(crate) fn new(now: u64) -> Self {
        Self {
            slots: (0..SLOTS).map(|_| Vec::new()).collect(),
            next_tick: now / TICK,
            entries: 0,
        }
    }

    /// Asks for `key` at the time `at`.
    pub(crate) fn add(&mut self, at: u64, key: K) {
        let tick = at.div_ceil(TICK).max(self.next_tick);
        self.slots[(tick % SLOTS as u64) as usize].push((tick, key));
        self.entries += 1;
    }

    /// Moves to `due` all keys whose time has come.
    pub(crate) fn turn(&mut self, now: u64, due: &mut Vec<K>) {
        let last = now / TICK;
        // After a long pause each slot is looked at once, not once a missed turn.
        let first = self.next_tick.max((last + 1).saturating_sub(SLOTS as u64));
        for tick in first..=last {
            let slot = &mut self.slots[(tick % SLOTS as u64) as usize];
            let before = due.len();
            due.extend(
                slot.extract_if(.., |(at, _)| *at <= last)
                    .map(|(_, key)| key),
            );
            self.entries -= due.len() - before;
        }
        self.next_tick = self.next_tick.max(last + 1);
    }

    /// When to turn next, in nanoseconds from `now`; `None` when nothing is asked for.
    pub(crate) fn until_next(&self, now: u64) -> Option<u64> {
        if self.entries == 0 {
            return None;
        }
        let ticks = self.next_tick..self.next_tick + SLOTS as u64;
        let tick = ticks
            .into_iter()
            .find(|tick| !self.slots[(tick % SLOTS as u64) as usize].is_empty())?;
        Some((tick * TICK).saturating_sub(now).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(wheel: &mut Wheel<u32>, now: u64) -> Vec<u32> {
        let mut due = Vec::new();
        wheel.turn(now, &mut due);
        due
    }

    #[test]
    fn never_early_and_late_by_less_than_a_tick() {
        let mut wheel = Wheel::new(0);
        wheel.add(5 * TICK + 1, 7);
        assert!(turn(&mut wheel, 5 * TICK + 1).is_empty());
        assert_eq!(turn(&mut wheel, 6 * TICK), [7]);
        assert_eq!(wheel.until_next(7 * TICK), None);
    }

    #[test]
    fn a_deadline_beyond_one_turn_waits_for_its_own() {
        let mut wheel = Wheel::new(0);
        wheel.add((SLOTS as u64 + 3) * TICK, 1);
        wheel.add(3 * TICK, 2);
        assert_eq!(turn(&mut wheel, 4 * TICK), [2]);
        assert_eq!(turn(&mut wheel, (SLOTS as u64 + 3) * TICK), [1]);
    }

    #[test]
    fn a_long_pause_loses_nothing() {
        let mut wheel = Wheel::new(0);
        for key in 0..600 {
            wheel.add(u64::from(key) * TICK, key);
        }
        let mut due = turn(&mut wheel, 100_000 * TICK);
        due.sort_unstable();
        assert_eq!(due, (0..600).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_already_late_comes_at_the_next_turn() {
        let mut wheel = Wheel::new(1000 * TICK);
        wheel.add(1, 9);
        assert_eq!(wheel.until_next(1000 * TICK), Some(1));
        assert_eq!(turn(&mut wheel, 1000 * TICK), [9]);
    }
}
