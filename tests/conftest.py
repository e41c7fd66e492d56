"""Settings of all tests."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable, Iterator, Mapping

import pytest

from relaycore.system.event_loop import loop_factory

# What only Unix has: its signals, its named pipes, its devices.
collect_ignore = ["unit/unix"] if sys.platform == "win32" else []


@pytest.fixture(scope="session", autouse=True)
def state_folder_of_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Programs that tests start keep what has to last in a folder of their own, not in that of a person."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RELAYCORE_STATE_FOLDER", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(autouse=True)
def log_as_before() -> Iterator[None]:
    """What a command in this process sets of the log is set for its own test alone."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "camera_vm: boots a virtual machine that has V4L2 cameras")


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Every asynchronous test runs on each event loop that the library supports here."""
    factories: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"asyncio": asyncio.new_event_loop}
    fast = loop_factory()
    assert fast is not None, "uvloop, on Windows winloop, is not installed"
    factories[fast.__module__.partition(".")[0]] = fast
    return factories
