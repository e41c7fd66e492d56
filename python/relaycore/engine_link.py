"""Joins an engine to an asyncio loop: wakes up, answers questions, passes on what happened.

The engine makes a file descriptor readable when it has something to say. Loops that can watch one do so; for
those that cannot (the default one on Windows) a thread watches it.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import selectors
import socket
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol
from weakref import WeakValueDictionary

from relaycore._relaycore import (
    Engine,
    HttpConnection,
    Journey,
    PullEvent,
    ReaderReady,
    Request,
    Session,
    SessionEvent,
    StreamEvent,
)
from relaycore.access.answers import Allow, Challenge, Decision, Refuse
from relaycore.language import Message

__all__ = ["EngineLink", "Listeners", "Wakeable", "listen_sentence"]

_log = logging.getLogger(__name__)

MOST_DECISIONS = 1024
"""Questions that are thought about at a time; who asks when there are more is refused."""

_WATCH_S = 0.25
"""How long the watching thread sleeps at most, so that it ends when it should."""


class Wakeable(Protocol):
    """Somebody who waits for access units."""

    def wake(self) -> None:
        """There is something to take, or the stream ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listeners:
    """Who is told of what the engine says, in the loop.

    ``decide`` is awaited for whether a client may come in, and then ``prepare``, which may still refuse: what
    is to be read or published to has to be there first. ``admit`` is called before the media of a session
    flows where the engine asks for that; it calls what it is given with ``None`` when it may, or with why it
    may not.
    """

    session: Callable[[SessionEvent], None]
    stream: Callable[[StreamEvent], None]
    pull: Callable[[PullEvent], None]
    http: Callable[[HttpConnection], None]
    journey: Callable[[Journey], None]
    decide: Callable[[Request], Awaitable[Decision]]
    prepare: Callable[[Request], Awaitable[Refuse | None]]
    admit: Callable[[Session, Callable[[Refuse | None], None]], None]


class EngineLink:
    """Between one engine and one loop. All methods are called from the loop."""

    def __init__(self, engine: Engine, listeners: Listeners) -> None:
        self._engine = engine
        self._listeners = listeners
        self._readers: WeakValueDictionary[int, Wakeable] = WeakValueDictionary()
        self._decisions: set[asyncio.Task[None]] = set()
        self._watcher: _Watcher | None = None

    def open(self) -> None:
        """Begins to listen to the engine."""
        loop = asyncio.get_running_loop()
        try:
            loop.add_reader(self._engine.fileno(), self.drain)
        except NotImplementedError:
            self._watcher = _Watcher(self._engine.fileno(), loop, self.drain)
            self._watcher.start()

    async def close(self) -> None:
        """Stops listening.

        Questions that are still thought about get no answer; the engine refuses them itself.
        """
        if self._watcher is None:
            asyncio.get_running_loop().remove_reader(self._engine.fileno())
        else:
            await asyncio.to_thread(self._watcher.stop)
        for task in self._decisions:
            task.cancel()
        await asyncio.gather(*self._decisions, return_exceptions=True)

    def tell_last(self) -> None:
        """Tells which sessions and attempts have ended with the engine, when it is closed.

        With that the engine gives back what it is watched by, so that it comes after :meth:`close`.
        """
        for item in self._engine.poll():
            if isinstance(item, SessionEvent):
                self._listeners.session(item)
            elif isinstance(item, Journey):
                self._listeners.journey(item)

    def wake_all(self) -> None:
        """Wakes every reader, so that it sees that its stream has ended."""
        for reader in list(self._readers.values()):
            reader.wake()

    def add_reader(self, number: int, reader: Wakeable) -> None:
        """Wakes ``reader`` when the engine's reader of that number has something, as long as it exists."""
        self._readers[number] = reader

    def drain(self) -> None:
        """Passes on all that the engine has to say by now; it is called whenever there is something."""
        for item in self._engine.poll():
            if isinstance(item, ReaderReady):
                reader = self._readers.get(item.reader)
                if reader is not None:
                    reader.wake()
            elif isinstance(item, SessionEvent):
                self._listeners.session(item)
            elif isinstance(item, StreamEvent):
                self._listeners.stream(item)
            elif isinstance(item, PullEvent):
                self._listeners.pull(item)
            elif isinstance(item, HttpConnection):
                self._listeners.http(item)
            elif isinstance(item, Journey):
                self._listeners.journey(item)
            else:
                self._consider(item)

    def _consider(self, request: Request) -> None:
        session = request.session
        if session is not None:
            self._listeners.admit(session, partial(self._answer, request.id, session.user))
            return
        if len(self._decisions) >= MOST_DECISIONS:
            self._engine.refuse(request.id, 503, "Too many requests wait for a decision")
            return
        task = asyncio.get_running_loop().create_task(self._decide(request))
        self._decisions.add(task)
        task.add_done_callback(self._decisions.discard)

    async def _decide(self, request: Request) -> None:
        try:
            decision = await self._listeners.decide(request)
            if isinstance(decision, Allow):
                decision = await self._listeners.prepare(request) or decision
        except Exception:
            _log.exception("deciding failed", extra={"path": request.path})
            decision = Refuse(503, Message("No decision possible"))
        match decision:
            case Allow(user, ticket):
                self._engine.allow(request.id, user, ticket)
            case Challenge(challenges):
                self._engine.challenge(request.id, list(challenges))
            case Refuse(status, reason):
                self._engine.refuse(request.id, status, reason)

    def _answer(self, request: int, user: str | None, refused: Refuse | None) -> None:
        if refused is None:
            self._engine.allow(request, user)
        else:
            self._engine.refuse(request, refused.status, refused.reason)


class _Watcher:
    """A thread that waits for the descriptor, calls the loop, and waits until the loop has drained it."""

    def __init__(self, descriptor: int, loop: asyncio.AbstractEventLoop, drain: Callable[[], None]) -> None:
        self._descriptor = descriptor
        self._loop = loop
        self._drain = drain
        self._drained = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="relaycore-watcher", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping = True
        self._drained.set()
        self._thread.join()

    def _run(self) -> None:
        # Not select.select, which knows no descriptor above 1023 outside Windows: a relay has thousands.
        with selectors.DefaultSelector() as selector:
            selector.register(self._descriptor, selectors.EVENT_READ)
            while not self._stopping:
                if selector.select(_WATCH_S) and not self._stopping:
                    self._drained.clear()
                    try:
                        self._loop.call_soon_threadsafe(self._drain_in_loop)
                    except RuntimeError:
                        return  # the loop is closed
                    if not self._stopping:
                        self._drained.wait()

    def _drain_in_loop(self) -> None:
        try:
            self._drain()
        finally:
            self._drained.set()


def listen_sentence(error: OSError, host: str, port: int) -> str:
    """Why a port cannot be listened on, and what to do, for a person."""
    where = f"port {port} of {host}"
    if isinstance(error, socket.gaierror):
        return f"{host!r} is not an address of this machine: give one, or 127.0.0.1 for this machine only."
    match error.errno:
        case errno.EADDRINUSE:
            return f"{where.capitalize()} is in use: stop the program that uses it, or choose another port."
        case errno.EADDRNOTAVAIL:
            return f"{host} is not an address of this machine: give one, or 127.0.0.1 for this machine only."
        case errno.EACCES | errno.EPERM:
            return f"This user may not listen on {where}: choose a port above 1023, such as 8554."
    return f"Listening on {where} failed: {error.strerror or error}."
