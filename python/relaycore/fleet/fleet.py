"""The cameras of a fleet: mirrors of a few scenes, each a camera and a device of its own."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Sequence
from typing import Final

import msgspec

from relaycore.relay import Relay
from relaycore.settings import CameraSettings, Config, Faults, OnvifSettings

__all__ = ["MOST_CAMERAS", "Fleet", "scenes"]

MOST_CAMERAS: Final = 1000
"""Cameras of a fleet."""

_log = logging.getLogger(__name__)

_SCENE: Final = "scene"
"""What the paths of the scenes begin with."""


def scenes(config: Config, sources: Sequence[str], size: str | None, fps: float | None) -> Config:
    """The settings of a relay with these sources as scenes, which are encoded once each."""
    cameras = {
        f"{_SCENE}{number}": CameraSettings(camera=source, size=size, fps=fps)
        for number, source in enumerate(sources, 1)
    }
    onvif: OnvifSettings = msgspec.structs.replace(config.onvif, devices="each")
    limits = {"streams": 2 * MOST_CAMERAS, **config.limits}
    return msgspec.structs.replace(config, cameras=cameras, onvif=onvif, limits=limits, aliases=False)


class Fleet:
    """So many cameras at ``cam1``, ``cam2`` and so on, of a relay that has :func:`scenes`.

    Make it before the relay is opened. The cameras show the scenes by turns. Things go wrong with the first
    ``faulty`` of them; every ``disconnect`` seconds, if not 0, one of the sessions that watch these is ended.
    """

    def __init__(
        self, relay: Relay, cameras: int, *, faults: Faults, faulty: int, disconnect: float = 0.0
    ) -> None:
        self._relay = relay
        self._faults, self._disconnect = faults, disconnect
        self.paths = [f"cam{number}" for number in range(1, cameras + 1)]
        """Paths of the cameras."""
        self.faulty = self.paths[:faulty]
        """Those of them with which things go wrong."""
        self._scenes = [path for path in relay.config.cameras if path.startswith(_SCENE)]
        relay.devices.left_out = frozenset(self._scenes)

    def begin(self) -> None:
        """Makes the cameras."""
        for number, path in enumerate(self.paths):
            self._relay.mirror(path, self._scenes[number % len(self._scenes)])
        for path in self.faulty:
            self._relay.set_faults(path, self._faults)

    async def run(self) -> None:
        """Ends sessions for ever, if that is wished."""
        faulty = frozenset(self.faulty)
        while True:
            await asyncio.sleep(self._disconnect or 3600.0)
            watching = [session for session in self._relay.sessions() if session.path in faulty]
            if self._disconnect and watching:
                session = random.choice(watching)  # noqa: S311 (whichever it is)
                if self._relay.kick(session.id):
                    _log.info("%s: one of those who watch was thrown out", session.path)
