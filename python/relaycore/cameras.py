"""The cameras of a relay: starts and stops their pipelines, which live in threads, from asyncio."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import msgspec

from relaycore._relaycore import Stream, Track, now_ns
from relaycore.access.rules import SUB
from relaycore.camera_controls import CameraControls
from relaycore.camera_encoders import CameraEncoders, Rendition
from relaycore.capture.model import Control, ControlName
from relaycore.capture.source import SourceFormat
from relaycore.encode.running import EncoderOptions, EncoderState, EncoderWish
from relaycore.errors import ConfigurationError, DeviceLost, EncoderError, PathError
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
from relaycore.pipeline.view import Direction, View, ViewControl
from relaycore.settings import CameraSettings, Join, MaskSettings, MotionSettings

__all__ = ["CameraStatus", "Cameras", "Rendition"]

_log = logging.getLogger(__name__)


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
        controls: CameraControls,
        encoders: CameraEncoders,
    ) -> None:
        self._add_stream = add_stream
        self._remove_stream = remove_stream
        self._emit = emit
        self._on_picture = on_picture
        self._controls = controls
        self._encoders = encoders
        self._pipelines: dict[str, CameraPipeline] = {}
        self._settings: dict[str, CameraSettings] = {}
        self._stopped: set[str] = set()
        self._watches: dict[str, PictureWatch] = {}
        self._wanted: list[str | None] = []

    def __contains__(self, path: object) -> bool:
        return path in self._settings

    @property
    def paths(self) -> list[str]:
        """The paths of all, also of those that are stopped."""
        return list(self._settings)

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
            prepare=lambda source: self._controls.set_again(path, source),
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
        for rendition, wish in self._encoders.of(path, settings).items():
            try:
                await asyncio.to_thread(pipeline.set_encoder, wish, sub=rendition == "sub")
            except (ConfigurationError, EncoderError) as error:
                _log.warning("%s: what was set of the encoder of %s is left out: %s", path, rendition, error)

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
            if await asyncio.to_thread(pipeline.end_sub):
                self._remove_stream(path + SUB)
            await asyncio.to_thread(pipeline.stop, timeout)
            self._remove_stream(path)

    async def change(self, path: str, before: CameraSettings, after: CameraSettings) -> bool:
        """Goes on with other masks, ``motion`` and ``sub``; False where that takes opening it anew.

        Whatever it raises, the camera must not go on with the old ones.
        """
        same = msgspec.structs.replace(before, masks=after.masks, motion=after.motion, sub=after.sub)
        if same != after:
            return False
        if before.masks != after.masks and not await self.set_masks(path, after.masks):
            return False
        self.set_motion(path, after.motion)
        if path in self:
            self._settings[path] = after
        return True

    # Controls of the cameras themselves

    async def controls(self, path: str) -> Mapping[ControlName, Control]:
        """What can be set of a camera itself. PathError when none runs there, DeviceError."""
        return await self._controls.read(path, self._source(path))

    async def set_controls(self, path: str, wishes: Mapping[ControlName, int], *, keep: bool) -> None:
        """Sets some of that; see :meth:`CameraControls.set`. PathError as :meth:`controls`."""
        await self._controls.set(path, self._source(path), wishes, keep=keep)

    def _source(self, path: str) -> SourceFormat:
        pipeline = self._running(path)
        source = pipeline.source_format
        if source is None:
            assert pipeline.description is not None
            name = pipeline.description.source
            raise DeviceLost(Message("{name} was lost: plug it in again.", name=name))
        return source

    # Renditions, encoders and views

    def decodes(self, path: str) -> bool:
        """Whether a camera's pictures are decoded here, so that more can be made of them."""
        pipeline = self._pipelines.get(path)
        return pipeline is not None and pipeline.decodes

    def keeps_sub(self, path: str) -> bool:
        """Whether a camera's second rendition is made whether anybody reads it or not."""
        settings = self._settings.get(path)
        return settings is not None and settings.sub

    async def begin_sub(self, path: str) -> Stream:
        """Begins the second rendition of a camera. PathError where there can be none, or as :meth:`add`."""
        pipeline, join = self._running(path), self._settings[path].join
        return await asyncio.to_thread(
            pipeline.begin_sub,
            lambda tracks, can_force: self._add_stream(path + SUB, tracks, join, can_force),
        )

    async def end_sub(self, path: str) -> None:
        """Ends it, and its stream."""
        pipeline = self._pipelines.get(path)
        if pipeline is not None and await asyncio.to_thread(pipeline.end_sub):
            self._remove_stream(path + SUB)

    def encoder(self, path: str, rendition: Rendition) -> EncoderState:
        """How a rendition is encoded. PathError when no camera runs there."""
        return self._running(path).encoder(sub=rendition == "sub")

    def encoder_options(self, path: str, rendition: Rendition) -> EncoderOptions:
        """What its encoder can be changed to. PathError when no camera runs there."""
        return self._running(path).encoder_options(sub=rendition == "sub")

    async def set_encoder(self, path: str, rendition: Rendition, wish: EncoderWish, *, keep: bool) -> None:
        """Changes a running encoder, with ``keep`` also for when the camera is opened anew.

        PathError, ConfigurationError or EncoderError where that cannot be, StateError where it is changed but
        cannot be kept.
        """
        pipeline = self._running(path)
        await asyncio.to_thread(pipeline.set_encoder, wish, sub=rendition == "sub")
        if keep and path in self._settings:
            await self._encoders.keep(path, self._settings[path], rendition, wish)

    def force_key_frame(self, path: str, rendition: Rendition) -> bool:
        """Has the next picture be a random access point; False where the camera encodes itself."""
        return self._running(path).force_key_frame(sub=rendition == "sub")

    def newest_jpeg(self, path: str) -> tuple[bytes, int] | None:
        """The newest JPEG that a camera gave, and when it was captured, where that may be shown."""
        pipeline = self._pipelines.get(path)
        return None if pipeline is None else pipeline.newest_jpeg()

    def view(self, path: str) -> View:
        """What is shown of the scene at this moment. PathError where that cannot be chosen."""
        return self._view(path).at(now_ns())

    def go(
        self, path: str, pan: float | None, tilt: float | None, zoom: float | None, speed: float | None
    ) -> None:
        """Goes to a place in the scene; see :meth:`ViewControl.go`."""
        self._view(path).go(now_ns(), pan, tilt, zoom, speed)

    def move(self, path: str, direction: Direction, seconds: float | None) -> None:
        """Moves through the scene; see :meth:`ViewControl.move`."""
        self._view(path).move(now_ns(), direction, seconds)

    def stop_moving(self, path: str, *, turning: bool, zooming: bool) -> None:
        """Ends a motion; see :meth:`ViewControl.stop`."""
        self._view(path).stop(now_ns(), turning=turning, zooming=zooming)

    def _running(self, path: str) -> CameraPipeline:
        pipeline = self._pipelines.get(path)
        if pipeline is None or pipeline.description is None:
            raise PathError(Message("No camera runs at {path}.", path=repr(path)))
        return pipeline

    def _view(self, path: str) -> ViewControl:
        view = self._running(path).view
        if view is None:
            raise PathError(
                Message(
                    "The pictures of {path} are sent on as the camera encodes them, so no part of them can "
                    "be shown: use another encoder than `copy`.",
                    path=repr(path),
                )
            )
        return view

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
