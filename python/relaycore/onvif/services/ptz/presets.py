"""Views that somebody has kept, by camera: in the state folder where there is one, else until the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from relaycore.kept_file import KeptFile, with_newest
from relaycore.onvif.services.ptz.errors import PtzError

__all__ = ["MOST", "PRESET_FILE", "Preset", "Presets"]

PRESET_FILE: Final = "presets.json"
"""Name of the file in the state folder."""

MOST: Final = 64
"""Presets of one camera."""

LONGEST_NAME: Final = 64
"""Characters of the name of a preset."""

_Signed = Annotated[float, Meta(ge=-1, le=1)]


class Preset(msgspec.Struct, frozen=True, kw_only=True):
    """One view, in the units of :class:`relaycore.pipeline.view.View`."""

    name: str
    pan: _Signed
    tilt: _Signed
    zoom: Annotated[float, Meta(ge=0, le=1)]


_Kept = dict[str, dict[str, Preset]]


class Presets:
    """The presets of all cameras. All methods are called from the loop, :meth:`open` before any other.

    ``in_use`` gives the paths of all cameras: presets of others are the first to be forgotten.
    """

    def __init__(self, folder: Path | None, in_use: Callable[[], Container[str]]) -> None:
        self._in_use = in_use
        self._file = None if folder is None else KeptFile(folder / PRESET_FILE, _Kept)
        self._kept: _Kept = {}
        self._changing = asyncio.Lock()

    async def open(self) -> None:
        """Reads what was kept. A file that makes no sense is put aside, and there is nothing then."""
        if self._file is not None:
            kept = await asyncio.to_thread(self._file.read) or {}
            self._kept = {path: each for path, each in kept.items() if all(map(str.isdecimal, each))}

    def of(self, path: str) -> dict[str, Preset]:
        """The presets of a camera, by token."""
        return dict(self._kept.get(path, {}))

    def find(self, path: str, token: str) -> Preset:
        """A preset of a camera. PtzError where there is none."""
        preset = self._kept.get(path, {}).get(token)
        if preset is None:
            raise PtzError("There is no such preset.", "InvalidArgVal", "NoToken")
        return preset

    async def keep(self, path: str, preset: Preset, token: str | None = None) -> str:
        """Keeps a preset in place of one that there is, or as a new one; gives its token. PtzError."""
        if not preset.name.isprintable() or not 0 < len(preset.name) <= LONGEST_NAME:
            raise PtzError(
                "The name of a preset is up to 64 characters.", "InvalidArgVal", "InvalidPresetName"
            )
        async with self._changing:
            presets = self.of(path)
            if token is not None:
                self.find(path, token)
            elif any(kept.name == preset.name for kept in presets.values()):
                raise PtzError("There is a preset of this name.", "InvalidArgVal", "PresetExist")
            elif len(presets) >= MOST:
                raise PtzError("There are as many presets as may be.", "Action", "TooManyPresets")
            else:
                token = str(max((int(each) for each in presets), default=0) + 1)
            presets[token] = preset
            await self._change(path, presets)
        return token

    async def remove(self, path: str, token: str) -> None:
        """Forgets a preset. PtzError where there is none."""
        async with self._changing:
            self.find(path, token)
            presets = self.of(path)
            del presets[token]
            await self._change(path, presets)

    async def _change(self, path: str, presets: dict[str, Preset]) -> None:
        kept = with_newest(self._kept, path, presets, self._in_use)
        if not presets:
            del kept[path]
        if self._file is not None:
            try:
                await asyncio.to_thread(self._file.write, kept)
            except OSError as error:
                raise PtzError(f"The preset cannot be kept: {error.strerror}.", "Action") from None
        self._kept = kept
