"""Runs the command of a hook: no shell, what happened in words and environment, bounded in time."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Mapping, Sequence
from typing import Final

from relaycore.errors import HookError
from relaycore.language import Message
from relaycore.system.children import kill_group

__all__ = ["filled", "run_command"]

TIMEOUT_S: Final = 30.0
"""Seconds that a command may take."""

_PLACEHOLDER: Final = re.compile(r"\{([a-z]+)\}")


def filled(text: str, fields: Mapping[str, str]) -> str:
    """A text with what stands for ``{path}`` and the other names. Unknown ones stay as they are."""
    return _PLACEHOLDER.sub(lambda match: fields.get(match[1], match[0]), text)


async def run_command(words: Sequence[str], fields: Mapping[str, str], *, timeout: float = TIMEOUT_S) -> None:
    """Runs a command and waits for it. HookError when it does not start, fails, or takes too long.

    Cancelled, it ends the command, as it does when the time is over: with all that it has started.
    """
    command = [words[0], *(filled(word, fields) for word in words[1:])]
    environment = {**os.environ, **{f"RELAYCORE_{name.upper()}": value for name, value in fields.items()}}
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise HookError(
            Message(
                "{words} cannot be started ({error}): check its name and its rights.",
                words=words[0],
                error=error,
            )
        ) from None
    try:
        async with asyncio.timeout(timeout):
            status = await process.wait()
    except TimeoutError:
        raise HookError(
            Message(
                "{words} took more than {timeout} seconds and was ended.",
                words=words[0],
                timeout=f"{timeout:g}",
            )
        ) from None
    finally:
        if process.returncode is None:
            kill_group(process)
            await process.wait()
    if status != 0:
        raise HookError(Message("{words} ended with status {status}.", words=words[0], status=status))
