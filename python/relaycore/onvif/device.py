"""The devices that the relay is for programs that look for cameras of ONVIF."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from relaycore.errors import RelaycoreError
from relaycore.onvif.device_changes import DeviceChanges
from relaycore.onvif.discovery.identity import device_mac, device_urn, load_seed
from relaycore.onvif.discovery.targets import Target, device_scopes
from relaycore.onvif.soap.faults import Fault
from relaycore.onvif.soap.username_token import Replays
from relaycore.settings import Faults

if TYPE_CHECKING:
    from relaycore.relay import Relay

__all__ = ["ROOT", "Devices", "OnvifDevice"]

ROOT: Final = "/onvif/"
"""What the addresses of all services begin with."""

MOST_SCOPES: Final = 32
"""Scopes that a client may give to a device."""

LONGEST_SCOPE: Final = 256
"""Characters of a scope."""


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class OnvifDevice:
    """A device: what it is called, and which cameras are its own."""

    name: str
    hardware: str
    urn: str
    """Its name for ever, ``urn:uuid:`` and a UUID."""

    mac: str
    """A hardware address, by which Home Assistant tells cameras apart."""

    address: str
    """The path before the names of its services, with a slash at the end."""

    fixed_scopes: tuple[str, ...]
    scopes_given: tuple[str, ...]
    """Scopes that clients may change."""

    cameras: tuple[str, ...]
    """Paths of its cameras."""

    discoverable: bool

    clock_offset: float = 0.0
    """Seconds that its clock is ahead of the right time, where that goes wrong on purpose."""

    turns_away: bool = False
    """Whether it refuses every login, on purpose."""

    def now(self) -> datetime:
        """The time by its clock, in UTC."""
        return _EPOCH + timedelta(seconds=time.time() + self.clock_offset)

    @property
    def serial(self) -> str:
        """The serial number."""
        return self.urn.rpartition(":")[2]

    @property
    def scopes(self) -> tuple[str, ...]:
        """URIs that say what, where and which it is (ONVIF Core section 7.3.2.2)."""
        return *self.fixed_scopes, *self.scopes_given


class Devices:
    """The devices of one relay: one with all cameras, and one for each of them.

    Their names stay the same: they are made of a seed in the state folder. Without a folder they last as long
    as the relay. All methods are called from the loop.
    """

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._seed = uuid.uuid4()
        self._changes = DeviceChanges(self._urns)
        self.replays = Replays()
        """Tokens of users that were used."""
        self._restarting: asyncio.Task[None] | None = None
        self.left_out: frozenset[str] = frozenset()
        """Paths of cameras that are no devices."""
        self.on_change: Callable[[], None] = lambda: None
        """Called when a client has changed something about a device."""

    async def open(self, folder: Path | None) -> None:
        """Reads the seed, and what clients have changed. StateError when the seed cannot be kept."""
        if folder is not None:
            self._seed = await asyncio.to_thread(load_seed, folder)
        await self._changes.open(folder)

    async def close(self) -> None:
        """Waits for what was begun."""
        if self._restarting is not None:
            self._restarting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._restarting

    @property
    def cameras(self) -> tuple[str, ...]:
        """Paths of all cameras, those of the settings first."""
        more = sorted(stream.path for stream in self._relay.streams() if stream.camera is not None)
        found = dict.fromkeys([*self._relay.config.cameras, *more])
        return tuple(path for path in found if path not in self.left_out)

    def all(self) -> Sequence[OnvifDevice]:
        """The devices that are to be found, by the settings."""
        if self._relay.config.onvif.devices == "one":
            return [self.whole()]
        return [device for path in self.cameras if (device := self.of_camera(path)) is not None]

    def targets(self) -> list[Target]:
        """Those that may be found now: with a camera at least, and where nobody has hidden them."""
        if not (self._relay.config.onvif.enabled and self._relay.config.api):
            return []
        return [
            Target(device.urn, device.scopes, f"{device.address}device_service")
            for device in self.all()
            if device.discoverable and device.cameras
        ]

    def whole(self) -> OnvifDevice:
        """The device with all cameras."""
        return self._device("", self._relay.config.onvif.name, self.cameras)

    def of_camera(self, path: str) -> OnvifDevice | None:
        """The device with one camera alone; ``None`` where there is no such camera."""
        return self._device(path, path, (path,)) if path in self.cameras else None

    async def set_scopes(self, device: OnvifDevice, scopes: Iterable[str]) -> None:
        """Gives a device these scopes beside its fixed ones. Fault where they are too many or none.

        They are kept as long as the state folder, or without one as long as the relay.
        """
        given = tuple(scope for scope in dict.fromkeys(scopes) if scope not in device.fixed_scopes)
        if len(given) > MOST_SCOPES:
            raise Fault("Receiver", ["ter:Action", "ter:TooManyScopes"], "There are too many scopes.")
        if not all(0 < len(scope) <= LONGEST_SCOPE and ":" in scope for scope in given):
            raise Fault("Sender", ["ter:InvalidArgVal"], "A scope is a URI of up to 256 characters.")
        await self._changes.set_scopes(device.urn, given)
        self.on_change()

    async def set_discoverable(self, device: OnvifDevice, discoverable: bool) -> None:
        """Lets a device be found, or not; kept as :meth:`set_scopes` does."""
        await self._changes.set_hidden(device.urn, not discoverable)
        self.on_change()

    def restart(self, device: OnvifDevice) -> None:
        """Begins to open the cameras of a device anew. Does nothing while that is going on."""
        if self._restarting is None or self._restarting.done():
            self._restarting = asyncio.create_task(self._restart(device.cameras))

    async def _restart(self, cameras: Sequence[str]) -> None:
        for path in cameras:
            # One that does not open is told of by the relay, and the others are opened all the same.
            with contextlib.suppress(RelaycoreError):
                await self._relay.stop_source(path)
                await self._relay.start_source(path)

    def _urns(self) -> set[str]:
        return {device_urn(self._seed, key) for key in ("", *self.cameras)}

    def _device(self, key: str, name: str, cameras: tuple[str, ...]) -> OnvifDevice:
        settings = self._relay.config.onvif
        urn, mac = device_urn(self._seed, key), device_mac(self._seed, key)
        scopes = device_scopes(name, settings.hardware, location=settings.location, mac=mac)
        # Names and places are for people, who may change them.
        faults = self._relay.faults(key) if key in self._relay.mirrors() else Faults()
        given = tuple(scope for scope in scopes if scope.split("/")[3] in ("name", "location"))
        changed = self._changes.of(urn)
        return OnvifDevice(
            name=name,
            hardware=settings.hardware,
            urn=urn,
            mac=mac,
            address=f"{ROOT}{quote(key)}/" if key else ROOT,
            fixed_scopes=tuple(scope for scope in scopes if scope not in given),
            scopes_given=given if changed.scopes is None else changed.scopes,
            cameras=cameras,
            discoverable=settings.discovery and not changed.hidden,
            clock_offset=faults.clock_offset,
            turns_away=faults.refused,
        )
