"""From a picture to RTP packets, as the thread of a camera's encoder does it."""

from __future__ import annotations

from itertools import count, cycle

import numpy as np
from numpy.typing import NDArray
from pytest_benchmark.fixture import BenchmarkFixture

from relaycore._relaycore import Engine, Track, now_ns
from relaycore.encode.video import VideoEncoder


def test_picture_to_access_unit(
    benchmark: BenchmarkFixture, encoder: VideoEncoder, pictures: list[NDArray[np.uint8]]
) -> None:
    """The encoder alone, which is libx264."""
    scenes, times = cycle(pictures), count(0, 3000)
    units = benchmark(lambda: encoder.encode(next(scenes).data, next(times), force_key_frame=False))
    assert len(units) == 1


def test_picture_to_packets(
    benchmark: BenchmarkFixture, engine: Engine, encoder: VideoEncoder, pictures: list[NDArray[np.uint8]]
) -> None:
    """Encoded and packetised: what is more than the encoder alone is ours."""
    stream = engine.add_stream("bench", [Track.h264()])
    scenes, times = cycle(pictures), count(0, 3000)

    def publish() -> int:
        packets = 0
        for unit in encoder.encode(next(scenes).data, next(times), force_key_frame=False):
            packets += stream.write(0, unit.data, pts=unit.pts, captured_ns=now_ns())
        return packets

    assert benchmark(publish) > 0
