"""What has to outlast a relay and is small: one JSON file in the state folder for each subject."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
from collections.abc import Callable, Container, Mapping
from pathlib import Path
from typing import Final, Generic, TypeVar

import msgspec

from relaycore.errors import StateError
from relaycore.language import Message

__all__ = ["KeptFile", "with_newest"]

_log = logging.getLogger(__name__)

MOST_BYTES: Final = 4 << 20
"""Bytes of a file that are read, and written."""

MOST_NAMES: Final = 1024
"""Cameras, or devices, of which something is kept: as many as a fleet has, and some."""

T = TypeVar("T")


class KeptFile(Generic[T]):
    """A file that holds one value of a type that msgspec knows. Its methods block, but :meth:`keep`."""

    def __init__(self, path: Path, kind: type[T]) -> None:
        self._path, self._kind = path, kind
        self._held: T | None = None

    def read(self) -> T | None:
        """The value; ``None`` where there is none that can be read, which the log tells.

        A file that makes no sense is put aside, so that the next value does not overwrite it.
        """
        try:
            with self._path.open("rb") as opened:
                self._held = msgspec.json.decode(opened.read(MOST_BYTES), type=self._kind)
                return self._held
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
        """Keeps a value, in one step, so that a crash leaves the one before.

        OSError where that cannot be, also for more bytes than are read again.
        """
        data = msgspec.json.format(msgspec.json.encode(value))
        if len(data) > MOST_BYTES:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
        new = self._path.with_suffix(".new")
        with new.open("wb") as opened:
            opened.write(data)
            opened.flush()
            os.fsync(opened.fileno())
        new.replace(self._path)
        self._held = value

    async def keep(self, value: T, camera: str) -> None:
        """Keeps a value as :meth:`write` does, from the loop, unless the file holds it already.

        So whoever asks for the same again, because it could not be kept, is told again whether it is. The
        value must not change from then on. StateError, which names what it was set of.
        """
        if value == self._held or not (value or self._held):
            return
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


def with_newest(
    kept: Mapping[str, T], name: str, value: T, in_use: Callable[[], Container[str]]
) -> dict[str, T]:
    """What is kept by name, and this as the newest; :data:`MOST_NAMES` of them at the most.

    Of more, those go that were set longest ago, first of all those whose names are not ``in_use`` any more.
    """
    found = {known: each for known, each in kept.items() if known != name}
    surplus = len(found) + 1 - MOST_NAMES
    if surplus > 0:
        used = in_use()
        # Sorting is stable: each of the two kinds stays in order.
        for oldest in sorted(found, key=lambda known: known in used)[:surplus]:
            del found[oldest]
    found[name] = value
    return found
