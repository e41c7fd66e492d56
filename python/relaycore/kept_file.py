"""What has to outlast a relay and is small: one JSON file in the state folder for each subject."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from pathlib import Path
from typing import Final, Generic, TypeVar

import msgspec

from relaycore.errors import StateError
from relaycore.language import Message

__all__ = ["KeptFile"]

_log = logging.getLogger(__name__)

MOST_BYTES: Final = 4 << 20
"""Bytes of a file that are read."""

T = TypeVar("T")


class KeptFile(Generic[T]):
    """A file that holds one value of a type that msgspec knows. Its methods block, but :meth:`keep`."""

    def __init__(self, path: Path, kind: type[T]) -> None:
        self._path, self._kind = path, kind

    def read(self) -> T | None:
        """The value; ``None`` where there is none that can be read, which the log tells.

        A file that makes no sense is put aside, so that the next value does not overwrite it.
        """
        try:
            with self._path.open("rb") as opened:
                return msgspec.json.decode(opened.read(MOST_BYTES), type=self._kind)
        except FileNotFoundError:
            return None
        except OSError as error:
            _log.warning("%s cannot be read, so nothing of it holds: %s", self._path, error)
            return None
        except (msgspec.MsgspecError, UnicodeError) as error:
            aside = self._path.with_name(f"{self._path.name}.broken")
            _log.warning("%s makes no sense and is put aside as %s: %s", self._path, aside, error)
            with contextlib.suppress(OSError):
                self._path.replace(aside)
            return None

    def write(self, value: T) -> None:
        """Keeps a value, in one step, so that a crash leaves the one before. OSError where that cannot be."""
        new = self._path.with_suffix(".new")
        with new.open("wb") as opened:
            opened.write(msgspec.json.format(msgspec.json.encode(value)))
            opened.flush()
            os.fsync(opened.fileno())
        new.replace(self._path)

    async def keep(self, value: T, camera: str) -> None:
        """Keeps a value as :meth:`write` does, from the loop. StateError, which names what it was set of."""
        try:
            await asyncio.to_thread(self.write, value)
        except OSError as error:
            raise StateError(
                Message(
                    "What was set of {camera} cannot be kept ({reason}).",
                    camera=camera,
                    reason=error.strerror,
                )
            ) from None
