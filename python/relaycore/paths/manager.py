"""The paths of a relay: what is done for each, by its settings or by those that hold for all others."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Container, Mapping
from typing import Final

import msgspec

from relaycore._relaycore import PullEvent, Session, limits
from relaycore.access.rules import RENDITION, base_of, camera_of
from relaycore.errors import PathError
from relaycore.events import (
    Event,
    SessionEnded,
    SessionStarted,
    StreamAdded,
    StreamRemoved,
    StreamResumed,
    StreamVacant,
)
from relaycore.language import Message
from relaycore.paths.groups import SentGroups, no_group
from relaycore.paths.hooks import Happening, HookEvent, HookFunction, Hooks
from relaycore.paths.host import PathHost
from relaycore.paths.path import ManagedPath, PathStatus
from relaycore.settings import PathSettings

__all__ = ["Paths", "patience"]

_log = logging.getLogger(__name__)

PATIENCE: Final = 0.9
"""Share of the time until the engine gives up waiting for a decision in which a path has to be there."""

CLOSE_S: Final = 0.5
"""Seconds that hooks get at the end, before commands are killed."""


def patience(changed: Mapping[str, int]) -> float:
    """Seconds that a reader may wait for its path: somewhat less than the engine waits for the answer.

    ``changed`` are the limits that differ from their defaults.
    """
    name = "decision_timeout_ms"
    default = next(value for known, _, value, _, _ in limits() if known == name)
    return changed.get(name, default) / 1000 * PATIENCE


class Paths:
    """Does for each path what its settings say. All methods are called from the loop.

    ``functions`` are the hooks of the program; ``timeout`` is how many seconds a reader may wait for its
    path, which has to be less than the engine waits for the answer; ``kept_groups`` are the paths that are
    sent to their groups of multicast by themselves.
    """

    def __init__(
        self,
        host: PathHost,
        functions: Mapping[HookEvent, HookFunction | None],
        timeout: float,
        kept_groups: Container[str],
    ) -> None:
        self._host = host
        self._functions = functions
        self._timeout = timeout
        self._configured: Mapping[str, PathSettings] = {}
        self._defaults = PathSettings()
        self._paths: dict[str, ManagedPath] = {}
        self._fed: set[str] = set()
        self._closing: set[asyncio.Task[None]] = set()
        self._hooks = Hooks()
        self._groups = SentGroups(host.engine, kept_groups, self.prepare)
        self._closed = False

    def configure(self, paths: Mapping[str, PathSettings], defaults: PathSettings) -> None:
        """Does from now on what these settings say: ``defaults`` for every path that is not in ``paths``.

        Paths whose settings did not change are left alone.
        """
        self._configured = dict(paths)
        # A source for all paths that anybody names would be a new stream for each of them.
        self._defaults = msgspec.structs.replace(defaults, source=None)
        for path in paths:
            self._apply(path)
        for path, managed in list(self._paths.items()):
            if path in paths:
                continue
            if managed.settings.sources or not self._host.stream(path):
                self._drop(path)
            else:
                self._apply(path)

    async def prepare(self, path: str) -> None:
        """Waits until a path can be read, and starts what it needs: a source on demand, a rendition.

        Returns at once where nothing is to be started. SourceError when it will not be there in time.
        """
        managed = self._paths.get(path)
        if managed is not None:
            await managed.prepare(self._timeout)
            return
        origin = self._origin(path)
        if origin is not None:
            await origin.prepare_rendition(path.removeprefix(origin.path), self._timeout)

    async def stop(self, path: str) -> None:
        """Ends the source of a path until it is started again. PathError when it has none."""
        await self._with_source(path).stop()

    async def start(self, path: str) -> None:
        """Lets a stopped source begin. PathError when the path has none."""
        await self._with_source(path).start()

    def _with_source(self, path: str) -> ManagedPath:
        managed = self._paths.get(path)
        if managed is None:
            raise PathError(Message("The path {path} has no source.", path=repr(path)))
        return managed

    async def start_multicast(self, path: str) -> None:
        """Sends a path to its group without a session, as long as the relay runs or until it is stopped.

        Starts the source of a path that has it on demand. SourceError when it does not come in time,
        PathError where the path has no group that can be sent to.
        """
        if self._settings(path).multicast is None:
            raise no_group(path)
        await self.prepare(path)
        self._groups.begin(path)

    def stop_multicast(self, path: str) -> None:
        """Sends it for sessions alone again."""
        self._groups.end(path)

    def sends_multicast(self, path: str) -> bool:
        """Whether a path is sent to its group without a session."""
        return path in self._groups

    def keep_sub(self, path: str) -> None:
        """Makes the second rendition of a camera where it is wanted without a reader."""
        if path in self._paths:
            self._paths[path].keep_sub()

    def prepare_publisher(self, path: str) -> None:
        """Tells the engine how to treat the publisher of a path, before it is let in."""
        settings = self._settings(path)
        if path not in self._configured and settings == PathSettings():
            return  # as the engine does by itself
        self._configure_engine(path, settings)

    def happened(self, event: Event) -> None:
        """Something happened in the relay."""
        match event:
            case StreamAdded(path=path) | StreamResumed(path=path):
                self._on_fed(path)
            case StreamVacant(path=path):
                self._on_unfed(path, "The publisher has left.")
            case StreamRemoved(path=path, reason=reason):
                self._on_removed(path, reason or "The stream was ended.")
            case SessionStarted(session=session):
                self._on_reader("reader_start", session, None)
            case SessionEnded(session=session, reason=reason):
                self._on_reader("reader_end", session, reason)

    def on_pull(self, event: PullEvent) -> None:
        """Something happened to a pull."""
        managed = self._paths.get(event.path)
        if managed is not None:
            managed.on_pull(event)

    def status(self) -> list[PathStatus]:
        """How all paths do that have settings or a stream, by name."""
        return [managed.status() for _, managed in sorted(self._paths.items())]

    async def close(self) -> None:
        """Ends sources, renditions, forwards and hooks."""
        self._closed = True
        await self._groups.close()
        paths, self._paths = self._paths, {}
        await asyncio.gather(*(managed.close() for managed in paths.values()), *self._closing)
        for path in sorted(self._fed):
            self._run_hooks(Happening("not_ready", path, reason="The relay is closing."))
        await self._hooks.close(CLOSE_S)

    # What feeds a path

    def _on_fed(self, path: str) -> None:
        if self._closed or self._is_rendition(path):
            return
        if path not in self._paths:
            self._apply(path)
        if path not in self._fed:
            self._fed.add(path)
            self._run_hooks(Happening("ready", path))
        self._paths[path].on_fed()
        self._groups.fed(path)

    def _on_unfed(self, path: str, reason: str) -> None:
        managed = self._paths.get(path)
        if managed is not None:
            managed.on_unfed()
        if path in self._fed:
            self._tell_not_ready(path, reason)

    def _on_removed(self, path: str, reason: str) -> None:
        self._on_unfed(path, reason)
        managed = self._paths.get(path)
        if managed is not None:
            managed.on_removed()
            if path not in self._configured:
                self._drop(path)

    def _tell_not_ready(self, path: str, reason: str) -> None:
        self._fed.discard(path)
        self._run_hooks(Happening("not_ready", path, reason=reason))

    def _on_reader(self, event: HookEvent, session: Session, reason: str | None) -> None:
        if session.action == "read":
            self._run_hooks(Happening(event, session.path, session.id, session.user, session.peer, reason))

    # Inside

    def _settings(self, path: str) -> PathSettings:
        return self._configured.get(path, self._defaults)

    def _apply(self, path: str) -> None:
        settings = self._settings(path)
        managed = self._paths.get(path)
        if managed is None or managed.settings != settings:
            self._configure_engine(path, settings)
        before = None if managed is None else managed.settings.multicast
        if managed is None:
            self._paths[path] = ManagedPath(path, settings, self._host, self._on_unfed)
        elif managed.settings != settings:
            managed.change(settings)
        if before != settings.multicast:
            self._groups.changed(path, has_group=settings.multicast is not None)

    def _configure_engine(self, path: str, settings: PathSettings) -> None:
        group = settings.multicast
        try:
            self._host.engine.configure_path(
                path,
                join=settings.join,
                publisher_timeout=settings.publisher_timeout,
                takeover=settings.takeover,
                multicast=None if group is None else (group.group, group.port, group.ttl, group.interface),
            )
        except ValueError as error:
            # An interface that is not there (yet) is no reason to serve nothing at all.
            _log.error("the settings of a path do not hold: %s", error, extra={"path": path})

    def _drop(self, path: str) -> None:
        managed = self._paths.pop(path)
        self._groups.end(path)
        self._host.engine.forget_path(path)
        task = asyncio.get_running_loop().create_task(managed.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _is_rendition(self, path: str) -> bool:
        return self._origin(path) is not None

    def _origin(self, path: str) -> ManagedPath | None:
        """The path that this one is the rendition of."""
        base = camera_of(path, self._host.cameras) or base_of(path)
        origin = self._paths.get(base)
        if base == path or path in self._configured or origin is None:
            return None
        return None if path.endswith(RENDITION) and origin.settings.transcode == "none" else origin

    def _run_hooks(self, happening: Happening) -> None:
        origin = self._origin(happening.path)
        settings = self._settings(happening.path) if origin is None else origin.settings
        function = self._functions.get(happening.event)
        configured = {
            "ready": settings.on_ready,
            "not_ready": settings.on_not_ready,
            "reader_start": settings.on_reader_start,
            "reader_end": settings.on_reader_end,
        }[happening.event]
        self._hooks.run([*([] if function is None else [function]), *configured], happening)
