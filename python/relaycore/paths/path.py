"""One path: its source, its renditions, and the servers that it is forwarded to."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from relaycore._relaycore import PullEvent, Track
from relaycore.access.rules import RENDITION, SOUNDS, SUB
from relaycore.decoding import can_decode
from relaycore.errors import PathError, SourceError
from relaycore.events import ForwardFailed, SourceFailed, SourceSwitched, StreamResumed, StreamVacant
from relaycore.language import Message
from relaycore.paths.forward import Forward, ForwardStatus
from relaycore.paths.host import PathHost
from relaycore.paths.local import LocalSources
from relaycore.paths.medium import scheme_of
from relaycore.paths.on_demand import OnDemand
from relaycore.paths.output import PathOutput
from relaycore.paths.pull import PullSource
from relaycore.paths.rendition import PictureWork, Rendition, WorkMaker, wants_rendition
from relaycore.paths.sound_rendition import SoundWork, sound_of
from relaycore.paths.source import SourceStatus
from relaycore.paths.sub_rendition import SubRendition
from relaycore.pipeline.second import SUB_SIZE
from relaycore.settings import PathSettings

__all__ = ["ManagedPath", "PathStatus"]

_log = logging.getLogger(__name__)

KEPT_SUB_S: Final = 10.0
"""Seconds that a second rendition gets to begin which is made without a reader."""


@dataclass(frozen=True, slots=True)
class PathStatus:
    """How a path does, at one moment.

    ``ready``: it has a stream that is fed. ``source`` is there for paths that have one, ``rendition`` is the
    path of what ``transcode`` makes at this moment. ``stopped``: somebody has stopped the source.
    """

    path: str
    ready: bool
    readers: int
    source: SourceStatus | None
    rendition: str | None
    forwards: tuple[ForwardStatus, ...]
    stopped: bool = False


class ManagedPath:
    """What is done for one path. All methods are called from the loop.

    ``unfed`` tells the manager that nothing feeds the path any more, and why.
    """

    def __init__(
        self,
        path: str,
        settings: PathSettings,
        host: PathHost,
        unfed: Callable[[str, str], None],
    ) -> None:
        self.path = path
        self.settings = settings
        self.is_fed = False
        self._host = host
        self._unfed = unfed
        self._changed = asyncio.Event()
        self._source: LocalSources | PullSource | None = None
        self._failures: dict[str, str] = {}
        self._source_demand: OnDemand | None = None
        self._renditions: dict[str, tuple[Rendition | SubRendition, OnDemand]] = {}
        self._forwards: dict[str, Forward] = {}
        self._lock = asyncio.Lock()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._endings: set[asyncio.Task[Any]] = set()
        self._closed = False
        self._stopped = False
        self._open_source()

    # Settings

    def change(self, settings: PathSettings) -> None:
        """Does from now on what these settings say; what they do not change goes on undisturbed."""
        before, self.settings = self.settings, settings
        if _source_part(settings) != _source_part(before):
            if self._stopped:
                self._source = None
                self._open_source()
            else:
                self._spawn(self._replace_source())
        if _rendition_part(settings) != _rendition_part(before):
            self._close_rendition(RENDITION)
        for url in self._forwards.keys() - set(settings.forward):
            self._spawn(self._forwards.pop(url).stop())
        self._start_forwards()

    async def close(self) -> None:
        """Ends everything that was begun for the path."""
        self._closed = True
        self._changed.set()
        async with self._lock:
            await self._end_source()
        forwards, self._forwards = self._forwards, {}
        for ending in list(self._renditions):
            self._close_rendition(ending)
        await asyncio.gather(*(forward.stop() for forward in forwards.values()), *self._tasks)

    def status(self) -> PathStatus:
        """How it does."""
        stream = self._host.stream(self.path)
        return PathStatus(
            path=self.path,
            ready=self.is_fed,
            readers=0 if stream is None else stream.readers - len(self._forwards),
            source=None if self._source is None else self._source.status(),
            rendition=self.path + RENDITION if RENDITION in self._renditions else None,
            forwards=tuple(forward.status() for forward in self._forwards.values()),
            stopped=self._stopped,
        )

    # Stopping

    async def stop(self) -> None:
        """Ends the source until it is started again; readers are told. PathError when there is none."""
        if self._source is None:
            raise PathError(Message("The path {path} has no source.", path=repr(self.path)))
        self._stopped = True
        self._changed.set()
        await self._stop_source()

    async def start(self) -> None:
        """Lets a stopped source begin; one on demand waits for a reader. PathError when there is none."""
        async with self._lock:
            if self._source is None:
                raise PathError(Message("The path {path} has no source.", path=repr(self.path)))
            if self._stopped:
                self._stopped = False
                self._failures.clear()
                if not self.settings.source_on_demand:
                    self._source.start()

    # Readers

    async def prepare(self, timeout: float) -> None:
        """Waits until the source of the path delivers; starts it where it is on demand.

        Returns at once when there is none. SourceError with the reason when it does not deliver in time.
        """
        if self._source is None:
            return
        self._refuse_stopped()
        if self.settings.source_on_demand:
            if self._source_demand is None:
                await self._start_on_demand()
            else:
                self._source_demand.expect()
        try:
            async with asyncio.timeout(timeout):
                await self._until_fed()
        except TimeoutError:
            reason = next(
                iter(self._failures.values()), Message("The source does not deliver yet: try again.")
            )
            raise SourceError(reason) from None

    async def prepare_rendition(self, ending: str, timeout: float) -> None:
        """Waits until a rendition can be read; begins it. SourceError when there is or will be none.

        ``ending`` is what is added to the path for it.
        """
        try:
            async with asyncio.timeout(timeout):
                await self.prepare(timeout)
                async with self._lock:
                    # The path of the rendition is free when the one before has ended.
                    await asyncio.gather(*self._endings)
                    rendition, demand = self._renditions.get(ending) or self._begin_rendition(ending)
                demand.expect()
                try:
                    await rendition.ready()
                except SourceError:
                    if isinstance(rendition, SubRendition):
                        # What does not begin does not end by itself either.
                        self._on_rendition_end(ending, rendition)
                    raise
        except TimeoutError:
            what = "picture" if ending in (RENDITION, SUB) else "sound"
            raise SourceError(Message("There is no {what} yet: try again.", what=what)) from None

    async def _until_fed(self) -> None:
        while not self.is_fed and not self._closed:
            self._refuse_stopped()
            if len(self._failures) >= len(set(self.settings.sources)):
                raise SourceError(next(iter(self._failures.values())))
            self._changed.clear()
            await self._changed.wait()

    def _refuse_stopped(self) -> None:
        if self._stopped:
            raise SourceError(
                Message("The source of {path} was stopped: it has to be started again.", path=repr(self.path))
            )

    # What happens to the stream

    def on_fed(self) -> None:
        """Something feeds the path."""
        self.is_fed = True
        self._failures.clear()
        self._changed.set()
        self._start_forwards()
        self.keep_sub()

    def keep_sub(self) -> None:
        """Makes the second rendition of a camera where it is wanted without a reader."""
        if self.is_fed and self._host.cameras.keeps_sub(self.path):
            self._spawn(self._keep_sub())

    async def _keep_sub(self) -> None:
        """Makes the second rendition, and has it last: nobody's leaving ends it."""
        try:
            await self.prepare_rendition(SUB, KEPT_SUB_S)
        except SourceError as error:
            _log.warning("%s", error, extra={"path": self.path + SUB})

    def on_unfed(self) -> None:
        """Nothing feeds it; readers wait."""
        self.is_fed = False
        self._changed.set()

    def on_removed(self) -> None:
        """Its stream has ended."""
        self.on_unfed()
        self._close_rendition(SUB)
        forwards, self._forwards = self._forwards, {}
        for forward in forwards.values():
            self._spawn(forward.stop())

    def on_pull(self, event: PullEvent) -> None:
        """Something happened to a pull of this path."""
        if isinstance(self._source, PullSource):
            self._source.happened(event)

    # What the source tells

    def live(self, source: str) -> None:
        """A source delivers: into a new stream, which told of itself, or into one that was left."""
        _log.info("source is live", extra={"path": self.path, "source": source})
        if not self.is_fed:
            self._host.emit(StreamResumed(path=self.path))

    def idle(self, reason: str) -> None:
        """No source delivers."""
        self._unfed(self.path, reason)
        self._host.emit(StreamVacant(path=self.path))

    def failed(self, source: str, reason: str) -> None:
        """A source failed."""
        self._failures[source] = reason
        self._changed.set()
        self._host.emit(SourceFailed(path=self.path, source=source, reason=reason))

    def switched(self, source: str, before: str) -> None:
        """Another source has taken over."""
        self._host.emit(SourceSwitched(path=self.path, source=source, before=before))

    # Inside

    def _open_source(self) -> None:
        settings = self.settings
        sources = settings.sources
        if not sources:
            return
        if len(sources) == 1 and scheme_of(sources[0]) == "rtsp":
            self._source = PullSource(
                self._host.engine, self.path, sources[0], settings.source_transport, self
            )
        else:
            self._source = LocalSources(settings, self._make_output, self)
        if not settings.source_on_demand and not self._stopped:
            self._source.start()

    def _make_output(self) -> PathOutput:
        return PathOutput(self.path, self.settings.join, self._host.add_stream, self._host.remove_stream)

    async def _replace_source(self) -> None:
        async with self._lock:
            await self._end_source()
            if not self._closed:
                self._open_source()

    async def _start_on_demand(self) -> None:
        async with self._lock:
            self._refuse_stopped()
            if self._source is not None and self._source_demand is None and not self._closed:
                self._failures.clear()
                self._source.start()
                self._source_demand = OnDemand(
                    self._readers,
                    self.settings.on_demand_close_after,
                    lambda: self._spawn(self._stop_source()),
                )

    def _readers(self) -> int:
        stream = self._host.stream(self.path)
        return 0 if stream is None else stream.readers - len(self._forwards)

    async def _stop_source(self) -> None:
        async with self._lock:
            if self._source is not None:
                self._cancel_source_demand()
                await self._source.stop()

    async def _end_source(self) -> None:
        source, self._source = self._source, None
        self._cancel_source_demand()
        self._failures.clear()
        if source is not None:
            await source.stop()

    def _cancel_source_demand(self) -> None:
        if self._source_demand is not None:
            self._source_demand.cancel()
            self._source_demand = None

    def _begin_rendition(self, ending: str) -> tuple[Rendition | SubRendition, OnDemand]:
        stream = self._host.stream(self.path)
        if stream is None:
            raise SourceError(Message("There is no stream at {path}.", path=repr(self.path)))
        cameras = self._host.cameras
        rendition: Rendition | SubRendition
        if ending == SUB and cameras.decodes(self.path):
            rendition = SubRendition(self.path, cameras)
        else:
            rendition = Rendition(
                self.path,
                ending,
                self._rendition_work(ending, stream.tracks),
                self._host,
                lambda: self._on_rendition_end(ending, rendition),
            )
        demand = OnDemand(
            lambda: self._users_of(ending, rendition),
            self.settings.on_demand_close_after,
            lambda: self._close_rendition(ending),
        )
        self._renditions[ending] = rendition, demand
        return rendition, demand

    def _users_of(self, ending: str, rendition: Rendition | SubRendition) -> int:
        """How many read a rendition; one more where it is made without a reader."""
        kept = ending == SUB and self._host.cameras.keeps_sub(self.path)
        return int(kept) + (0 if rendition.stream is None else rendition.stream.readers)

    def _rendition_work(self, ending: str, tracks: list[Track]) -> WorkMaker:
        """What makes a rendition. SourceError when there is to be none."""
        if ending == RENDITION:
            if not wants_rendition(self.settings, tracks):
                raise SourceError(
                    Message(
                        "{path} is H.264 already, or has no picture: read it there.", path=repr(self.path)
                    )
                )
            return partial(PictureWork, self.settings)
        if ending == SUB:
            if not any(track.kind == "video" and can_decode(track) for track in tracks):
                raise SourceError(Message("{path} has no picture that can be decoded.", path=repr(self.path)))
            return partial(PictureWork, self.settings, most=SUB_SIZE)
        codec = next(codec for codec, known in SOUNDS.items() if known == ending)
        sound = sound_of(tracks)
        if sound is None:
            raise SourceError(Message("{path} has no sound that can be decoded.", path=repr(self.path)))
        if tracks[sound].codec == codec:
            raise SourceError(
                Message(
                    "{path} has {encoding} already: read it there.",
                    path=repr(self.path),
                    encoding=tracks[sound].encoding,
                )
            )
        return partial(SoundWork, codec)

    def _on_rendition_end(self, ending: str, rendition: Rendition | SubRendition) -> None:
        held = self._renditions.get(ending)
        if held is not None and held[0] is rendition:
            del self._renditions[ending]
            held[1].cancel()

    def _close_rendition(self, ending: str) -> None:
        held = self._renditions.pop(ending, None)
        if held is not None:
            rendition, demand = held
            demand.cancel()
            stopping = self._spawn(rendition.stop())
            self._endings.add(stopping)
            stopping.add_done_callback(self._endings.discard)

    def _start_forwards(self) -> None:
        if not self.is_fed or self._closed:
            return
        for url in self.settings.forward:
            if url in self._forwards:
                continue
            try:
                pump = self._host.open_pump(self.path)
            except PathError:
                return  # it has ended in this moment
            self._forwards[url] = Forward(url, pump, self._on_forward_failed)

    def _on_forward_failed(self, target: str, reason: str) -> None:
        self._host.emit(ForwardFailed(path=self.path, target=target, reason=reason))

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _source_part(settings: PathSettings) -> tuple[object, ...]:
    """What a source is started with."""
    return (
        settings.sources,
        settings.source_on_demand,
        settings.on_demand_close_after,
        settings.source_transport,
        settings.loop,
        settings.publisher_timeout,
        settings.join,
    )


def _rendition_part(settings: PathSettings) -> tuple[object, ...]:
    """What a rendition is made with."""
    return settings.transcode, settings.encoder, settings.bitrate, settings.gop_seconds, settings.join
