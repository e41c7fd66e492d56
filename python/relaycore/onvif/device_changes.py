"""What clients have changed of devices: their scopes, and whether they let themselves be found."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container
from pathlib import Path
from typing import Final

import msgspec

from relaycore.kept_file import KeptFile, with_newest
from relaycore.onvif.soap.faults import Fault

__all__ = ["DEVICE_FILE", "DeviceChange", "DeviceChanges"]

DEVICE_FILE: Final = "devices.json"
"""Name of the file in the state folder."""


class DeviceChange(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is other than it was at first."""

    scopes: tuple[str, ...] | None = None
    hidden: bool = False


_Kept = dict[str, DeviceChange]


class DeviceChanges:
    """The changes by URN. All methods are called from the loop, :meth:`open` before any other.

    ``in_use`` gives the URNs of all devices: what was changed of others is the first to be forgotten.
    """

    def __init__(self, in_use: Callable[[], Container[str]]) -> None:
        self._in_use = in_use
        self._file: KeptFile[_Kept] | None = None
        self._kept: _Kept = {}
        self._changing = asyncio.Lock()

    async def open(self, folder: Path | None) -> None:
        """Reads what was kept; without a folder it lasts as long as the relay."""
        if folder is not None:
            self._file = KeptFile(folder / DEVICE_FILE, _Kept)
            kept = await asyncio.to_thread(self._file.read)
            self._kept = kept or {}

    def of(self, urn: str) -> DeviceChange:
        """What is changed of a device."""
        return self._kept.get(urn, DeviceChange())

    async def set_scopes(self, urn: str, scopes: tuple[str, ...]) -> None:
        """Has other scopes from now on. Fault where that cannot be kept, and then nothing is changed."""
        await self._set(urn, scopes=scopes)

    async def set_hidden(self, urn: str, hidden: bool) -> None:
        """Lets the device be found, or not, from now on. Fault as :meth:`set_scopes`."""
        await self._set(urn, hidden=hidden)

    async def _set(self, urn: str, **changed: object) -> None:
        async with self._changing:
            change = msgspec.structs.replace(self.of(urn), **changed)
            kept = with_newest(self._kept, urn, change, self._in_use)
            if self._file is not None:
                try:
                    await asyncio.to_thread(self._file.write, kept)
                except OSError as error:
                    raise Fault("Receiver", ["ter:Action"], f"It cannot be kept: {error.strerror}.") from None
            self._kept = kept
