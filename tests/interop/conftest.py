"""The server that the players of this folder open."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping

import pytest

from tests.interop.control import Control
from tests.interop.players import SIZE
from tests.support.server import Server, serve


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The clients here run on one loop: the server is another process, and has its own."""
    return {"asyncio": asyncio.new_event_loop}


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """The test pattern with sound, 640x360 at 30 pictures a second."""
    with serve("--camera", "pattern", "--size", f"{SIZE[0]}x{SIZE[1]}", "--fps", "30") as server:
        yield server


@pytest.fixture(scope="module")
def control(server: Server) -> Iterator[Control]:
    """A reader that stays while the tests of a file run, and loses nothing."""
    with Control(server.url) as control:
        yield control
    assert control.gaps.jumps == []
