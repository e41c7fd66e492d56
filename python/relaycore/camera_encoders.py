"""How clients have set the encoders of cameras, so that it holds when a camera is opened anew."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable, Container, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final, Literal

import msgspec

from relaycore.encode.running import EncoderWish
from relaycore.kept_file import KeptFile, with_newest
from relaycore.settings import CameraSettings

__all__ = ["ENCODER_FILE", "CameraEncoders", "Rendition"]

_log = logging.getLogger(__name__)

Rendition = Literal["main", "sub"]
"""Of the two that a camera has: ``sub`` is the smaller one, at PATH/sub."""

ENCODER_FILE: Final = "encoders.json"
"""Name of the file in the state folder."""

_SETTINGS: Final = ("camera", "size", "fps", "encoder", "bitrate", "gop_seconds")
"""What a change was made to: where one of these is another, the person who has set that means it."""


class _Set(msgspec.Struct, frozen=True):
    """What was set of a camera, by rendition, and of which settings."""

    settings: str
    renditions: dict[Rendition, EncoderWish]


_Kept = dict[str, _Set]


class CameraEncoders:
    """What is kept of all cameras, by path. All methods are called from the loop, :meth:`open` first.

    ``in_use`` gives the paths that have cameras: what was set of others is the first to be forgotten.
    """

    def __init__(self, folder: Path | None, in_use: Callable[[], Container[str]]) -> None:
        self._file = None if folder is None else KeptFile(folder / ENCODER_FILE, _Kept)
        self._in_use = in_use
        self._kept: _Kept = {}
        self._changing = asyncio.Lock()

    async def open(self) -> None:
        """Reads what was kept."""
        if self._file is not None:
            kept = await asyncio.to_thread(self._file.read)
            self._kept = kept or {}

    def of(self, path: str, settings: CameraSettings) -> Mapping[Rendition, EncoderWish]:
        """What was set of a camera with these settings; nothing where it had others then."""
        before = self._kept.get(path)
        if before is None:
            return {}
        if before.settings != _fingerprint(settings):
            _log.info("%s: the encoder goes by the settings, which are others than when it was changed", path)
            return {}
        return before.renditions

    async def keep(
        self, path: str, settings: CameraSettings, rendition: Rendition, wish: EncoderWish
    ) -> None:
        """Adds a change to those that are kept of a camera. StateError where the file cannot be written."""
        async with self._changing:
            before = self._kept.get(path)
            mark = _fingerprint(settings)
            renditions = dict(before.renditions) if before is not None and before.settings == mark else {}
            renditions[rendition] = _joined(renditions.get(rendition, EncoderWish()), wish)
            # While the relay runs it holds, also where it cannot be written.
            self._kept = with_newest(self._kept, path, _Set(mark, renditions), self._in_use)
            if self._file is not None:
                await self._file.keep(self._kept, path)


def _joined(before: EncoderWish, wish: EncoderWish) -> EncoderWish:
    """Both, the second where both say something."""
    return replace(before, **{name: value for name, value in asdict(wish).items() if value is not None})


def _fingerprint(settings: CameraSettings) -> str:
    """The same for settings that encode alike; what stands in them cannot be read from it."""
    said = msgspec.json.encode([getattr(settings, name) for name in _SETTINGS])
    return hashlib.sha256(said).hexdigest()
