"""What the steps work on."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.scene import scene
from relaycore._relaycore import Engine
from relaycore.capture.colour import JPEG
from relaycore.encode.profiles import SOFTWARE
from relaycore.encode.video import VideoEncoder, VideoFormat

WIDTH, HEIGHT, FPS, BITRATE = 1280, 720, 30, 4_000_000
PICTURES = 30


@pytest.fixture(scope="session")
def pictures() -> list[NDArray[np.uint8]]:
    """A second of a webcam's pictures at 720p, as planar 4:2:0."""
    return [np.ascontiguousarray(picture) for picture in scene(WIDTH, HEIGHT, PICTURES)]


@pytest.fixture
def encoder() -> VideoEncoder:
    """The encoder of a camera at 4 Mbit/s."""
    return VideoEncoder(SOFTWARE, VideoFormat(WIDTH, HEIGHT, FPS, JPEG, BITRATE))


@pytest.fixture(scope="session")
def access_units(pictures: list[NDArray[np.uint8]]) -> list[bytes]:
    """The pictures as the encoder makes them: the first one is a random access point."""
    encoder = VideoEncoder(SOFTWARE, VideoFormat(WIDTH, HEIGHT, FPS, JPEG, BITRATE))
    units = (
        encoder.encode(picture.data, number * 3000, force_key_frame=number == 0)
        for number, picture in zip(count(), pictures, strict=False)
    )
    return [bytes(unit.data) for several in units for unit in several]


@pytest.fixture
def engine() -> Iterator[Engine]:
    """An engine with one shard."""
    engine = Engine(shards=1)
    yield engine
    engine.close()
