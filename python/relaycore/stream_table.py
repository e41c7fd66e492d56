"""The streams of a relay by path, whoever feeds them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from relaycore._relaycore import Engine, Reader, Stream, StreamEvent, Track
from relaycore.errors import PathError, RelayClosed
from relaycore.events import Event, StreamAdded, StreamRemoved, StreamResumed, StreamVacant
from relaycore.language import Message
from relaycore.settings import Faults, Join, normal_path

__all__ = ["StreamTable"]


class StreamTable:
    """Adds streams to the engine and knows all there are. ``emit`` is told of what becomes of them."""

    def __init__(self, emit: Callable[[Event], None]) -> None:
        self._emit = emit
        self._engine: Engine | None = None
        self._streams: dict[str, Stream] = {}
        self._mirrors: dict[str, str] = {}
        self._faults: dict[str, Faults] = {}

    def open(self, engine: Engine) -> None:
        """From now on there is an engine."""
        self._engine = engine

    def close(self) -> None:
        """From now on nothing can be added; what is there ends with the engine."""
        self._engine = None

    def clear(self) -> None:
        """Forgets all streams, which have ended."""
        self._streams.clear()
        self._mirrors.clear()
        self._faults.clear()

    def __contains__(self, path: str) -> bool:
        return path in self._streams

    def items(self) -> list[tuple[str, Stream]]:
        """All streams by path, in order."""
        return sorted(self._streams.copy().items())

    def get(self, path: str) -> Stream | None:
        """The stream at a path."""
        return self._streams.get(path)

    def named(self, path: str) -> Stream:
        """The stream at a path. PathError, which tells the others, when there is none."""
        stream = self._streams.get(path)
        if stream is None:
            raise self._none(path)
        return stream

    def add(self, path: str, tracks: Sequence[Track], join: Join, can_force_key_frames: bool) -> Stream:
        """Makes a stream; from any thread. PathError when the path is taken or cannot be one."""
        if self._engine is None:
            raise RelayClosed(Message("The relay is not open: use it inside `async with Relay(...)`."))
        try:
            stream = self._engine.add_stream(
                path, tracks, join=join, can_force_key_frames=can_force_key_frames
            )
        except ValueError as error:
            raise PathError(
                Message("The path {path} cannot be published: {error}.", path=repr(path), error=error)
            ) from None
        self._streams[path] = stream
        self._emit(StreamAdded(path=path))
        return stream

    def mirror(self, path: str, of: str) -> None:
        """Makes a stream that shows what another one shows. PathError as for :meth:`add`, or without that."""
        if self._engine is None:
            raise RelayClosed(Message("The relay is not open: use it inside `async with Relay(...)`."))
        self.named(of)
        try:
            stream = self._engine.mirror(path, of)
        except ValueError as error:
            raise PathError(
                Message("The path {path} cannot be published: {error}.", path=repr(path), error=error)
            ) from None
        self._streams[path] = stream
        self._mirrors[path] = self._mirrors.get(of, of)
        self._emit(StreamAdded(path=path))

    def mirrors(self) -> dict[str, str]:
        """What each mirror shows."""
        return self._mirrors.copy()

    def shown(self, path: str) -> str:
        """The path whose pictures are at this one: another one where it is a mirror."""
        return self._mirrors.get(path, path)

    def mirrored(self, path: str) -> Stream:
        """The stream at a path that shows another one. PathError when there is none."""
        stream = self._streams.get(path) if path in self._mirrors else None
        if stream is None:
            raise PathError(Message("There is no mirror at {path}.", path=repr(path)))
        return stream

    def faults(self, path: str) -> Faults:
        """What goes wrong with a mirror. PathError when there is none."""
        self.mirrored(path)
        return self._faults.get(path, Faults())

    def refuses(self, path: str) -> bool:
        """Whether the camera there refuses every login, as a fault."""
        return path in self._faults and self._faults[path].refused

    def set_faults(self, path: str, faults: Faults) -> None:
        """Has these things go wrong with a mirror. PathError without one, ValueError for what cannot be."""
        self.mirrored(path).set_faults(
            loss=faults.loss,
            jitter=faults.jitter,
            frozen=faults.frozen,
            clock_offset=faults.clock_offset,
        )
        self._faults[path] = faults

    def remove(self, path: str) -> None:
        """Ends a stream, if there is one, and all that show it; from any thread."""
        self._mirrors.pop(path, None)
        self._faults.pop(path, None)
        if self._streams.pop(path, None) is not None and self._engine is not None:
            self._engine.remove_stream(path)
            self._emit(StreamRemoved(path=path))
            self._remove_mirrors(path)

    def open_reader(self, path: str) -> Reader:
        """A reader in this process. PathError when there is no stream."""
        if self._engine is None:
            raise RelayClosed(Message("The relay is not open: use it inside `async with Relay(...)`."))
        path = normal_path(path)
        try:
            return self._engine.open_reader(path)
        except KeyError:
            raise self._none(path) from None

    def happened(self, event: StreamEvent) -> None:
        """Something became of a stream that the engine itself added, for a publisher or a pull."""
        path = event.path
        match event.kind:
            case "added":
                self._streams[path] = event.stream
                self._emit(StreamAdded(path=path))
            case "vacant":
                self._emit(StreamVacant(path=path))
            case "resumed":
                self._emit(StreamResumed(path=path))
            case "removed":
                self._streams.pop(path, None)
                self._emit(StreamRemoved(path=path, reason=event.reason))
                self._remove_mirrors(path)

    def _remove_mirrors(self, of: str) -> None:
        for path, shown in self._mirrors.copy().items():
            if shown == of:
                self.remove(path)

    def _none(self, path: str) -> PathError:
        known = ", ".join(sorted(self._streams))
        return PathError(
            f"There is no stream at {path!r}: " + (f"there are {known}." if known else "there is none yet.")
        )
