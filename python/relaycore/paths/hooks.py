"""What is done when something happens at a path: callables of the program, commands, and webhooks.

Those of one path are done one after another, so that "not ready" never overtakes "ready"; paths do not wait
for each other. Everything is bounded: how many run at a time, how many wait, and how long one may take.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from relaycore.errors import RelaycoreError
from relaycore.paths.commands import run_command
from relaycore.paths.webhooks import Webhooks
from relaycore.settings import Hook, masked

__all__ = ["Happening", "HookEvent", "HookFunction", "Hooks"]

_log = logging.getLogger(__name__)

MOST_RUNNING: Final = 16
"""Hooks that run at a time."""

MOST_WAITING: Final = 64
"""Hooks of one path that wait; the oldest is discarded when there are more."""

HookEvent = Literal["ready", "not_ready", "reader_start", "reader_end"]


@dataclass(frozen=True, slots=True)
class Happening:
    """What a hook is told: a path has a stream, has none any more, or a reader came or went."""

    event: HookEvent
    path: str
    session: str | None = None
    user: str | None = None
    peer: str | None = None
    reason: str | None = None

    def fields(self) -> dict[str, str]:
        """What is known, by name, as text."""
        values = {
            "event": self.event,
            "path": self.path,
            "session": self.session,
            "user": self.user,
            "peer": self.peer,
            "reason": self.reason,
        }
        return {name: value or "" for name, value in values.items()}


HookFunction = Callable[[Happening], Awaitable[None]]
"""An asynchronous function of the program."""


class Hooks:
    """Runs hooks. All methods are called from the loop."""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[tuple[Hook | HookFunction, Happening]]] = {}
        self._workers: dict[str, asyncio.Task[None]] = {}
        self._running = asyncio.Semaphore(MOST_RUNNING)
        self._webhooks = Webhooks()
        self._failing: set[str] = set()
        self.discarded = 0
        """Hooks that were not run because too many waited."""

    def run(self, hooks: Sequence[Hook | HookFunction], happening: Happening) -> None:
        """Runs hooks when those of the same path that came before have ended."""
        if not hooks:
            return
        waiting = self._waiting.setdefault(happening.path, deque())
        for hook in hooks:
            if len(waiting) >= MOST_WAITING:
                waiting.popleft()
                self.discarded += 1
                if self.discarded == 1:
                    _log.warning("hooks are too slow: some are left out", extra={"path": happening.path})
            waiting.append((hook, happening))
        if happening.path not in self._workers:
            task = asyncio.get_running_loop().create_task(self._work(happening.path, waiting))
            self._workers[happening.path] = task

    async def close(self, timeout: float) -> None:
        """Gives what waits this many seconds, then ends commands and leaves the rest."""
        workers = list(self._workers.values())
        if workers:
            await asyncio.wait(workers, timeout=timeout)
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        await self._webhooks.close()

    async def _work(self, path: str, waiting: deque[tuple[Hook | HookFunction, Happening]]) -> None:
        try:
            while waiting:
                hook, happening = waiting.popleft()
                async with self._running:
                    await self._run(hook, happening)
        finally:
            del self._workers[path], self._waiting[path]

    async def _run(self, hook: Hook | HookFunction, happening: Happening) -> None:
        name = _name(hook)
        try:
            if isinstance(hook, str):
                await self._webhooks.post(hook, happening.fields())
            elif isinstance(hook, list):
                await run_command(hook, happening.fields())
            else:
                await hook(happening)
        except RelaycoreError as error:
            # Once, and again only after it worked: a server that is down for a night fills no disk.
            if name not in self._failing:
                self._failing.add(name)
                _log.warning("a hook failed: %s", error, extra={"path": happening.path, "hook": name})
        except Exception:
            _log.exception("a hook failed", extra={"path": happening.path, "hook": name})
        else:
            self._failing.discard(name)


def _name(hook: Hook | HookFunction) -> str:
    if isinstance(hook, str):
        return masked(hook)
    # Not its other words: they may be secret.
    return hook[0] if isinstance(hook, list) else getattr(hook, "__qualname__", repr(hook))
