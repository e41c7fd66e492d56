"""The made-up camera, as the tests found it, and the loop of the tests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.windows.wine import CAMERA_FILES


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The clients here run on one loop: the server is another process, and has its own."""
    return {"asyncio": asyncio.new_event_loop}


@pytest.fixture
def plug() -> Iterator[Path]:
    """While this file is there, the camera is unplugged."""
    unplugged = CAMERA_FILES / "unplug"
    unplugged.unlink(missing_ok=True)
    yield unplugged
    unplugged.unlink(missing_ok=True)


@pytest.fixture
def small_frames() -> Iterator[Path]:
    """What the camera delivers in 320x240: may be written anew, and is as before after the test."""
    frames = CAMERA_FILES / "320x240.mjpeg"
    before = frames.read_bytes()
    yield frames
    frames.write_bytes(before)
