"""Commands of hooks that are ended with all that they have started."""

import asyncio
from pathlib import Path

import pytest

from relaycore.errors import HookError
from relaycore.paths.commands import run_command
from relaycore.paths.hooks import Happening, Hooks

READY = Happening("ready", "door")
FIELDS = READY.fields()


async def test_a_command_that_takes_too_long_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    await run_command(["mkfifo", str(fifo)], FIELDS)
    # The end of the pipe is read when the last process that could write to it is gone.
    reader = asyncio.create_task(asyncio.to_thread(fifo.read_bytes))
    with pytest.raises(HookError, match="took more than"):
        await run_command(["sh", "-c", f"sleep 600 > {fifo}; true"], FIELDS, timeout=0.5)
    assert await reader == b""


async def test_the_end_kills_a_command_that_does_not_end(tmp_path: Path) -> None:
    hooks = Hooks()
    fifo = tmp_path / "fifo"
    await run_command(["mkfifo", str(fifo)], FIELDS)
    hooks.run([["sh", "-c", f"echo there > {fifo}; sleep 600 > {fifo}"]], READY)
    with await asyncio.to_thread(fifo.open, "rb") as pipe:
        assert await asyncio.to_thread(pipe.readline) == b"there\n"
        await hooks.close(0.1)
        assert await asyncio.to_thread(pipe.read) == b""
