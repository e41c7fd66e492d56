"""Waiting for the engine where the loop cannot watch sockets."""

from __future__ import annotations

import asyncio
import fcntl
import os
import resource
from collections.abc import Iterator

import pytest

from relaycore.engine_link import _Watcher

HIGH = 1100
"""More than the descriptors that select() knows."""


@pytest.fixture
def many_descriptors() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(before[0], min(2 * HIGH, before[1])), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.usefixtures("many_descriptors")
async def test_a_descriptor_above_those_of_select_is_watched() -> None:
    low, writing = os.pipe()
    reading = fcntl.fcntl(low, fcntl.F_DUPFD, HIGH)
    drained = asyncio.Event()

    def drain() -> None:
        os.read(reading, 1)
        drained.set()

    watcher = _Watcher(reading, asyncio.get_running_loop(), drain)
    watcher.start()
    try:
        os.write(writing, b"!")
        await drained.wait()
    finally:
        await asyncio.to_thread(watcher.stop)
        for descriptor in (low, writing, reading):
            os.close(descriptor)
