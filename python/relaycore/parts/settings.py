"""The settings that hold in a relay at a moment."""

from __future__ import annotations

from pathlib import Path

import msgspec

from relaycore.settings import CameraSettings, Config

__all__ = ["CurrentSettings"]


class CurrentSettings:
    """The settings of one relay, without the users; others take their place at a reload."""

    def __init__(self, config: Config) -> None:
        self.config = config

    @property
    def folder(self) -> Path | None:
        """The state folder."""
        return Path(self.config.state_folder) if self.config.state_folder else None

    def set_cameras(self, cameras: dict[str, CameraSettings]) -> None:
        """Has these cameras among the settings."""
        self.config = msgspec.structs.replace(self.config, cameras=cameras)
