"""From the clock of a source to the engine's clock."""

import itertools
import random

from relaycore.capture.clock import SourceClock

MS = 1_000_000
SECOND = 1000 * MS
FRAME = 33 * MS


def test_a_known_clock_is_mapped_exactly() -> None:
    clock = SourceClock(offset_ns=500)
    assert clock.captured_ns(1000, 1500 + 20 * MS) == 1500


def test_a_known_clock_that_is_another_one_is_learned_instead() -> None:
    clock = SourceClock(offset_ns=0)
    assert clock.captured_ns(10 * SECOND, 1000 * SECOND) == 1000 * SECOND


def test_jitter_of_arrival_does_not_reach_the_result() -> None:
    clock, rng = SourceClock(), random.Random(1)
    results = []
    for number in range(300):
        source = number * FRAME
        delay = 5 * MS if number % 10 == 0 else rng.randrange(5 * MS, 25 * MS)
        results.append(clock.captured_ns(source, 77 * SECOND + source + delay))
    steps = [later - earlier for earlier, later in itertools.pairwise(results)]
    assert max(abs(step - FRAME) for step in steps) < MS // 10


def test_nothing_is_captured_after_it_arrived() -> None:
    clock = SourceClock()
    assert clock.captured_ns(0, 50 * MS) == 50 * MS
    assert clock.captured_ns(FRAME, FRAME + 10 * MS) == FRAME + 10 * MS


def test_drift_is_slewed() -> None:
    clock = SourceClock()
    previous = clock.captured_ns(0, 0)
    for number in range(1, 3000):
        arrived = number * FRAME
        source = arrived + arrived // 10_000  # the source runs 100 ppm fast
        captured = clock.captured_ns(source, arrived)
        assert captured <= arrived
        assert arrived - captured < 15 * MS
        assert abs(captured - previous - FRAME) < MS // 10
        previous = captured


def test_a_source_that_counts_anew_is_followed_at_once() -> None:
    clock = SourceClock()
    clock.captured_ns(1000 * SECOND, SECOND)
    assert clock.captured_ns(0, 2 * SECOND) == 2 * SECOND
    assert clock.captured_ns(FRAME, 2 * SECOND + FRAME) == 2 * SECOND + FRAME
