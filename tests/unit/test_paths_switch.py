"""Which of several sources is let through, and when."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from relaycore import Track
from relaycore.paths.feed import Unit
from relaycore.paths.switch import BACK_AFTER_NS, STALLED_NS, Switch

MS = 1_000_000
STEP = 100 * MS
TRACKS = [Track.h264(), Track.of("pcmu")]


@dataclass
class Recorder:
    """An output that notes what it was given."""

    written: list[tuple[int, bytes, int]] = field(default_factory=list)
    adopted: int = 0
    ended: bool = False

    def adopt(self, tracks: Sequence[Track]) -> list[int]:
        self.adopted += 1
        return list(range(len(tracks)))

    def write(self, track: int, unit: Unit, media_ns: int) -> None:
        self.written.append((track, bytes(unit.data), media_ns))

    def end(self) -> None:
        self.ended = True


@dataclass
class Bench:
    """A switch of two sources on a clock that only the test moves."""

    now: int = 1_000 * MS
    output: Recorder = field(default_factory=Recorder)
    switched: list[int | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.switch = Switch(2, self.output, self.switched.append, lambda: self.now)
        self.switch.opened(0, TRACKS)
        self.switch.opened(1, TRACKS)

    def give(self, feed: int, data: bytes, *, key: bool = False, track: int = 0, late: int = 0) -> None:
        self.switch.deliver(feed, Unit(track, data, self.now - late, key))

    def give_for(self, duration: int, feed: int, data: bytes) -> None:
        for _ in range(duration // STEP):
            self.give(feed, data)
            self.now += STEP

    def said(self) -> list[bytes]:
        return [data for _, data, _ in self.output.written]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_source_begins_with_a_random_access_point_of_its_picture(bench: Bench) -> None:
    bench.give(0, b"sound", key=True, track=1)
    bench.give(0, b"picture")
    bench.give(0, b"key", key=True)
    bench.give(0, b"sound", key=True, track=1)
    assert bench.said() == [b"key", b"sound"]
    assert bench.switched == [0]


def test_the_next_source_takes_over_at_once_when_the_first_is_lost(bench: Bench) -> None:
    bench.give(0, b"a", key=True)
    bench.give(1, b"not yet", key=True)
    bench.switch.lost(0)
    bench.give(1, b"no start")
    bench.give(1, b"b", key=True)
    assert bench.said() == [b"a", b"b"]
    assert bench.switched == [0, None, 1]
    assert bench.output.adopted == 2


def test_the_next_source_takes_over_when_the_first_only_seems_to_live(bench: Bench) -> None:
    bench.give(0, b"a", key=True)
    bench.now += STALLED_NS
    bench.give(1, b"too early", key=True)
    bench.now += 1
    bench.give(1, b"b", key=True)
    assert bench.said() == [b"a", b"b"]


def test_the_first_source_comes_back_only_when_it_was_well_for_a_time_and_with_a_key_picture(
    bench: Bench,
) -> None:
    bench.give(1, b"b", key=True)
    bench.give(0, b"a", key=True)
    bench.give_for(BACK_AFTER_NS, 0, b"a")
    assert bench.said() == [b"b"]
    bench.give(1, b"b")
    bench.give(0, b"a", key=True)
    bench.give(1, b"b", key=True)
    bench.give(0, b"a")
    assert bench.said() == [b"b", b"b", b"a", b"a"]
    assert bench.switched == [1, 0]


def test_a_break_starts_the_time_anew(bench: Bench) -> None:
    bench.give(1, b"b", key=True)
    bench.give_for(BACK_AFTER_NS, 0, b"a")
    bench.switch.lost(0)
    bench.give(0, b"a", key=True)
    bench.give_for(BACK_AFTER_NS - STEP, 0, b"a")
    bench.give(1, b"b")
    bench.give(0, b"a", key=True)
    assert bench.said() == [b"b", b"b"]


def test_time_never_goes_back_when_the_next_source_is_later_than_the_one_before(bench: Bench) -> None:
    bench.give(0, b"a", key=True)
    bench.switch.lost(0)
    bench.now += STEP
    bench.give(1, b"b", key=True, late=500 * MS)
    bench.now += 40 * MS
    bench.give(1, b"b", late=500 * MS)
    times = [media_ns for _, _, media_ns in bench.output.written]
    assert times == sorted(set(times))
    assert times[2] - times[1] == 40 * MS


def test_a_source_that_opens_with_other_tracks_is_adopted_anew(bench: Bench) -> None:
    bench.give(0, b"a", key=True)
    bench.switch.opened(0, TRACKS[:1])
    bench.give(0, b"lost")
    bench.give(0, b"a", key=True)
    assert bench.said() == [b"a", b"a"]
    assert bench.output.adopted == 2


def test_a_stream_that_is_fed_does_not_expire(bench: Bench) -> None:
    bench.give(0, b"a", key=True)
    bench.switch.expire()
    assert not bench.output.ended
    bench.switch.lost(0)
    bench.switch.expire()
    assert bench.output.ended


def test_after_the_end_nothing_comes_through(bench: Bench) -> None:
    bench.give(0, b"a", key=True)
    bench.switch.end()
    bench.give(0, b"a", key=True)
    assert bench.said() == [b"a"]
    assert bench.output.ended
