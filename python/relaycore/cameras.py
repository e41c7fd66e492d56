"""The cameras of a relay: starts and stops their pipelines, which live in threads, from asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import msgspec

from relaycore._relaycore import Stream, Track
from relaycore.errors import PathError
from relaycore.events import (
    CameraBack,
    CameraFailed,
    CameraLost,
    CameraNotice,
    CameraReady,
    Event,
)
from relaycore.language import Message
from relaycore.onvif.analysis.watch import PictureState, PictureWatch
from relaycore.pipeline.camera import CameraPipeline, Description, PipelineEvent, PipelineStats
from relaycore.settings import CameraSettings, Join, MaskSettings, MotionSettings

__all__ = ["CameraStatus", "Cameras"]


class StreamMaker(Protocol):
    """Adds a stream to the engine; called from a pipeline's thread."""

    def __call__(self, path: str, tracks: Sequence[Track], join: Join, can_force_key_frames: bool) -> Stream:
        """The stream, or PathError."""


@dataclass(frozen=True, slots=True)
class CameraStatus:
    """How a camera does: what was chosen for it, and its numbers."""

    description: Description
    stats: PipelineStats


class Cameras:
    """The pipelines by path. All methods are called from the loop.

    ``on_picture`` is called from threads, with the path of a camera and a small picture of it each second.
    """

    def __init__(
        self,
        add_stream: StreamMaker,
        remove_stream: Callable[[str], None],
        emit: Callable[[Event], None],
        on_picture: Callable[[str, bytes, float], None],
    ) -> None:
        self._add_stream = add_stream
        self._remove_stream = remove_stream
        self._emit = emit
        self._on_picture = on_picture
        self._pipelines: dict[str, CameraPipeline] = {}
        self._settings: dict[str, CameraSettings] = {}
        self._stopped: set[str] = set()
        self._watches: dict[str, PictureWatch] = {}
        self._wanted: list[str | None] = []

    def __contains__(self, path: str) -> bool:
        return path in self._settings

    @property
    def stopped(self) -> frozenset[str]:
        """The paths of those that somebody has stopped."""
        return frozenset(self._stopped)

    async def add(self, path: str, settings: CameraSettings) -> None:
        """Starts a camera. What it raises is a DeviceError, EncoderError, ConfigurationError or PathError."""
        self._settings[path] = settings
        try:
            await self._open(path, settings)
        except BaseException:
            self._settings.pop(path, None)
            raise

    def keep(self, path: str, settings: CameraSettings) -> None:
        """Takes a camera that stays stopped."""
        self._settings[path] = settings
        self._stopped.add(path)

    async def stop(self, path: str, timeout: float) -> None:
        """Closes a camera, in about this many seconds, until it is started again; its stream ends.

        PathError when there is none.
        """
        if path not in self:
            raise PathError(Message("There is no camera at {path}.", path=repr(path)))
        self._stopped.add(path)
        await self._close(path, timeout)

    async def start(self, path: str) -> None:
        """Opens a stopped camera. What it raises is as for :meth:`add`, and then it stays stopped."""
        if path not in self:
            raise PathError(Message("There is no camera at {path}.", path=repr(path)))
        if path not in self._stopped:
            return
        await self._open(path, self._settings[path])
        self._stopped.discard(path)

    async def _open(self, path: str, settings: CameraSettings) -> None:
        watch = self._watches[path] = PictureWatch(path, settings.motion, self._emit)
        watch.wanted = self._wanted.count(path) + self._wanted.count(None)
        pipeline = CameraPipeline(
            settings,
            lambda tracks, can_force: self._add_stream(path, tracks, settings.join, can_force),
            lambda happened: self._pass_on(path, happened),
            lambda luma, brightness: self._on_picture(path, luma, brightness),
            watch=watch,
        )
        self._pipelines[path] = pipeline
        try:
            await asyncio.to_thread(pipeline.start)
        except BaseException:
            self._pipelines.pop(path, None)
            self._watches.pop(path, None)
            await asyncio.shield(asyncio.to_thread(pipeline.stop, 0.0))
            self._remove_stream(path)
            raise

    async def remove(self, path: str, timeout: float) -> None:
        """Stops a camera, in about this many seconds, and ends its stream. PathError when there is none."""
        if self._settings.pop(path, None) is None:
            raise PathError(Message("There is no camera at {path}.", path=repr(path)))
        self._stopped.discard(path)
        await self._close(path, timeout)

    async def _close(self, path: str, timeout: float) -> None:
        pipeline = self._pipelines.pop(path, None)
        self._watches.pop(path, None)
        if pipeline is not None:
            await asyncio.to_thread(pipeline.stop, timeout)
            self._remove_stream(path)

    async def change(self, path: str, before: CameraSettings, after: CameraSettings) -> bool:
        """Goes on with other masks and another idea of motion; False where that takes opening it anew.

        Whatever it raises, the camera must not go on with the old ones.
        """
        if msgspec.structs.replace(before, masks=after.masks, motion=after.motion) != after:
            return False
        if before.masks != after.masks and not await self.set_masks(path, after.masks):
            return False
        self.set_motion(path, after.motion)
        if path in self:
            self._settings[path] = after
        return True

    async def set_masks(self, path: str, masks: Sequence[MaskSettings]) -> bool:
        """Goes on with other privacy masks; False where that takes opening the camera anew.

        Whatever it raises, the camera must not go on with the old ones.
        """
        pipeline = self._pipelines.get(path)
        return pipeline is not None and await asyncio.to_thread(pipeline.set_masks, masks)

    def set_motion(self, path: str, settings: MotionSettings | None) -> None:
        """Goes on with other settings of what is found in the pictures."""
        if path in self._watches:
            self._watches[path].set(settings)

    @contextmanager
    def watching(self, path: str | None) -> Iterator[None]:
        """Has the pictures of a camera looked at, of all of them without a path, also of those to come."""
        self._wanted.append(path)
        self._count_wanted(path, 1)
        try:
            yield
        finally:
            self._wanted.remove(path)
            self._count_wanted(path, -1)

    def _count_wanted(self, path: str | None, more: int) -> None:
        for name, watch in self._watches.items():
            if path in (None, name):
                watch.wanted += more

    def picture_state(self, path: str) -> PictureState | None:
        """What holds in the pictures of a camera; ``None`` while they are not looked at."""
        watch = self._watches.get(path)
        return None if watch is None else watch.state

    async def add_all(self, wanted: Mapping[str, CameraSettings]) -> dict[str, BaseException]:
        """Starts cameras at the same time; gives what those have raised that failed, by path."""
        results = await asyncio.gather(
            *(self.add(path, settings) for path, settings in wanted.items()), return_exceptions=True
        )
        return {path: error for path, error in zip(wanted, results, strict=True) if error is not None}

    async def remove_all(self, paths: Iterable[str], timeout: float) -> None:
        """Stops those of these cameras that there are, at the same time."""
        await asyncio.gather(*(self.remove(path, timeout) for path in paths if path in self))

    async def close(self, timeout: float) -> None:
        """Stops all cameras, at the same time."""
        await self.remove_all(list(self._settings), timeout)

    def status(self, path: str) -> CameraStatus | None:
        """How the camera at a path does; ``None`` when there is none or it does not deliver yet."""
        pipeline = self._pipelines.get(path)
        if pipeline is None or pipeline.description is None:
            return None
        return CameraStatus(pipeline.description, pipeline.stats())

    def _pass_on(self, path: str, happened: PipelineEvent) -> None:
        """Called from the pipeline's thread."""
        match happened.kind:
            case "ready":
                self._emit(CameraReady(path=path, description=happened.message))
            case "lost":
                self._emit(CameraLost(path=path, reason=happened.message))
            case "back":
                self._emit(CameraBack(path=path))
            case "failed":
                self._emit(CameraFailed(path=path, reason=happened.message))
            case _:
                self._emit(CameraNotice(path=path, message=happened.message))
