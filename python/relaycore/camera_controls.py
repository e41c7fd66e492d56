"""The controls of the cameras of a relay: read, set, and set again when a camera comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container, Mapping
from pathlib import Path
from typing import Final
from weakref import WeakValueDictionary

import msgspec

from relaycore.capture.controls import CONTROL_NAMES, change_controls, read_controls, restore_controls
from relaycore.capture.model import Control, ControlName
from relaycore.capture.source import SourceFormat
from relaycore.errors import DeviceError
from relaycore.kept_file import KeptFile, with_newest
from relaycore.language import Message

__all__ = ["CONTROL_FILE", "CameraControls"]

CONTROL_FILE: Final = "controls.json"
"""Name of the file in the state folder."""


class _Set(msgspec.Struct, frozen=True):
    """What was set of a camera, which is known by its name: another one at the path is not like it."""

    camera: str
    values: dict[str, int]


_Kept = dict[str, _Set]


class CameraControls:
    """What was set of all cameras, by path.

    ``in_use`` gives the paths that have cameras: what was set of others is the first to be forgotten. All
    methods but :meth:`set_again` are called from the loop, :meth:`open` before any other.
    """

    def __init__(self, folder: Path | None, in_use: Callable[[], Container[str]]) -> None:
        self._file = None if folder is None else KeptFile(folder / CONTROL_FILE, _Kept)
        self._in_use = in_use
        self._now: _Kept = {}
        self._kept: _Kept = {}
        self._writing = asyncio.Lock()
        self._busy: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def open(self) -> None:
        """Reads what was kept. A file that makes no sense is put aside, and there is nothing then."""
        if self._file is not None:
            kept = await asyncio.to_thread(self._file.read)
            self._kept = kept or {}
            self._now = dict(self._kept)

    async def read(self, path: str, camera: SourceFormat) -> Mapping[ControlName, Control]:
        """The controls of the camera at a path; none where it has none. DeviceError."""
        async with self._alone(path):
            return await asyncio.to_thread(read_controls, camera)

    async def set(
        self, path: str, camera: SourceFormat, wishes: Mapping[ControlName, int], *, keep: bool
    ) -> None:
        """Sets controls of the camera at a path, all or none; with ``keep`` also after the relay has ended.

        DeviceError, ConfigurationError, and StateError where they are set but cannot be kept.
        """
        async with self._alone(path):
            await asyncio.to_thread(change_controls, camera, wishes)
            self._now = self._with(self._now, path, camera, wishes)
            if keep and self._file is not None:
                await self._keep(self._file, path, camera, wishes)

    def set_again(self, path: str, camera: SourceFormat) -> str | None:
        """Sets what was set before of the camera at a path; says what it does not take. From any thread."""
        before = self._now.get(path)
        if before is None or before.camera != camera.name:
            return None
        wishes = {name: before.values[name] for name in CONTROL_NAMES if name in before.values}
        try:
            refused = restore_controls(camera, wishes)
        except DeviceError as error:
            return str(error)
        if not refused:
            return None
        return Message(
            "{camera} does not take what was set of it before: {controls}.",
            camera=camera.name,
            controls=", ".join(refused),
        )

    def _alone(self, path: str) -> asyncio.Lock:
        """Whoever asks a camera, one after the other: drivers are slow, and threads are for all."""
        return self._busy.setdefault(path, asyncio.Lock())

    async def _keep(
        self, file: KeptFile[_Kept], path: str, camera: SourceFormat, wishes: Mapping[ControlName, int]
    ) -> None:
        async with self._writing:
            kept = self._with(self._kept, path, camera, wishes)
            await file.keep(kept, camera.name)
            self._kept = kept

    def _with(self, kept: _Kept, path: str, camera: SourceFormat, wishes: Mapping[ControlName, int]) -> _Kept:
        before = kept.get(path)
        values = dict(before.values) if before is not None and before.camera == camera.name else {}
        values.update((str(name), value) for name, value in wishes.items())
        return with_newest(kept, path, _Set(camera.name, values), self._in_use)
