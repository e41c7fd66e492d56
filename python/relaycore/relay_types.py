"""What :class:`relaycore.Relay` takes as keywords, and what it tells of its streams."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypedDict

from relaycore._relaycore import StreamStats, Track
from relaycore.cameras import CameraStatus
from relaycore.settings import (
    AccessSettings,
    AlertSettings,
    CameraSettings,
    IceServer,
    Join,
    JourneySettings,
    LedgerSettings,
    MaskSettings,
    MotionSettings,
    OnvifSettings,
    PathSettings,
    PixelRange,
    TlsSettings,
    User,
)

__all__ = ["Overrides", "StreamStatus", "Wishes"]


class Overrides(TypedDict, total=False):
    """The settings that can be given to :class:`Relay` directly; they win over those of ``config``."""

    host: str
    port: int
    lan: bool
    anonymous: bool
    state_folder: str
    language: str
    embed_origins: list[str]
    ice_servers: list[IceServer]
    journeys: JourneySettings
    onvif: OnvifSettings
    ledger: LedgerSettings
    alerts: AlertSettings
    tls: TlsSettings
    basic: bool
    api: bool
    users: list[User]
    access: AccessSettings
    cameras: dict[str, CameraSettings]
    paths: dict[str, PathSettings]
    path_defaults: PathSettings
    aliases: bool
    publish: Literal["any", "configured"]
    limits: dict[str, int]
    shards: int


class Wishes(TypedDict, total=False):
    """The fields of :class:`relaycore.CameraSettings` as keywords."""

    camera: str | None
    microphone: str | None
    size: str | None
    fps: float | None
    encoder: str
    bitrate: str | int | None
    gop_seconds: float
    pixel_range: PixelRange
    join: Join
    sub: bool
    masks: list[MaskSettings]
    motion: MotionSettings | None


@dataclass(frozen=True, slots=True)
class StreamStatus:
    """What is live at a path, at one moment. ``camera`` is there for cameras and for mirrors of them."""

    path: str
    tracks: tuple[Track, ...]
    stats: StreamStats
    camera: CameraStatus | None
