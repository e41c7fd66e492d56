"""From an access unit to RTP packets in the ring of a stream, and out of it again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count, cycle

from pytest_benchmark.fixture import BenchmarkFixture

from relaycore._relaycore import Engine, Stream, Track, now_ns


def writer(stream: Stream, access_units: Sequence[bytes]) -> Callable[[], int]:
    """Writes one access unit after the other, again and again, with a time that rises."""
    units = cycle(access_units)
    times = count(now_ns() * 9 // 100_000, 3000)
    return lambda: stream.write(0, next(units), pts=next(times), captured_ns=now_ns())


def test_access_unit_to_packets(
    benchmark: BenchmarkFixture, engine: Engine, access_units: list[bytes]
) -> None:
    """Pictures between two key frames, at 4 Mbit/s."""
    stream = engine.add_stream("bench", [Track.h264()])
    stream.write(0, access_units[0], pts=0, captured_ns=now_ns())
    assert benchmark(writer(stream, access_units[1:])) > 0


def test_key_frame_to_packets(benchmark: BenchmarkFixture, engine: Engine, access_units: list[bytes]) -> None:
    """The first one, which also has the parameter sets."""
    stream = engine.add_stream("bench", [Track.h264()])
    assert benchmark(writer(stream, access_units[:1])) > 10


def test_access_unit_to_a_reader_in_python(
    benchmark: BenchmarkFixture, engine: Engine, access_units: list[bytes]
) -> None:
    """Written, and taken again by the same thread."""
    stream = engine.add_stream("bench", [Track.h264()])
    reader = engine.open_reader("bench")
    write = writer(stream, access_units)

    def pass_on() -> int:
        write()
        return len(reader.take())

    benchmark(pass_on)
    assert reader.discarded == 0
