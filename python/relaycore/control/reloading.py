"""Reads the configuration again while the program runs: when its file has changed, and on SIGHUP."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from relaycore.errors import ConfigurationError, StateError
from relaycore.relay import Relay
from relaycore.reload.difference import Effect
from relaycore.reload.plan import Reload
from relaycore.settings import Config
from relaycore.system.file_watch import WatchedFile

__all__ = ["keep_reloading", "reload_once"]

_log = logging.getLogger(__name__)


async def keep_reloading(relay: Relay, load: Callable[[], Config], file: WatchedFile | None) -> None:
    """Applies what ``load`` gives whenever the file has changed or SIGHUP asks for it, for ever.

    ``load`` is called in a thread, and raises ConfigurationError for a configuration that is wrong.
    """
    asked = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        if file is not None:
            tasks.create_task(file.watch(asked.set))
        with _on_hang_up(asked.set):
            while True:
                await asked.wait()
                asked.clear()
                await reload_once(relay, load)


async def reload_once(relay: Relay, load: Callable[[], Config]) -> None:
    """Applies what ``load`` gives, and logs what that did. What is wrong is logged, and changes nothing."""
    try:
        config = await asyncio.to_thread(load)
        planned = await relay.reload(config, dry_run=True)
        if any(change.effect is not Effect.RESTART for change in planned.changes):
            await relay.record_act("reload", means="configuration")
        done = await relay.reload(config)
    except ConfigurationError as error:
        for mistake in error.mistakes:
            _log.warning("the configuration stays as it was: %s", mistake)
        return
    except StateError as error:
        _log.error("the configuration stays as it was: %s", error)
        return
    _log_done(done)


def _log_done(done: Reload) -> None:
    if not done.changes:
        _log.info("the configuration was read again: nothing has changed")
    for change in done.changes:
        if change.effect is Effect.RESTART:
            _log.warning("%s: this takes effect when relaycore is started again", change)
        else:
            _log.info("%s", change)
    for ending in done.sessions:
        session = ending.session
        fields = {"path": session.path, "session": session.id, "peer": session.peer, "user": session.user}
        _log.info("the session is ended: %s", ending.reason, extra=fields)


@contextmanager
def _on_hang_up(ask: Callable[[], None]) -> Iterator[None]:
    """Calls ``ask`` in the loop on SIGHUP, where the system has that signal."""
    number: signal.Signals | None = getattr(signal, "SIGHUP", None)
    if number is None:
        yield
        return
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(number, ask)
    try:
        yield
    finally:
        loop.remove_signal_handler(number)
