"""Makes a webcam an IP camera, and relays live video between programs.

::

    import relaycore

    async with relaycore.Relay() as relay:
        await relay.add_camera("cam", camera="pattern")
        async for frame in relay.frames("cam"):
            print(frame)

:class:`Relay` is where to begin; :mod:`relaycore.events` and :mod:`relaycore.errors` hold what it reports and
raises.
"""

from relaycore._relaycore import AccessUnit, H264Parameters, Session, Track, now_ns
from relaycore.access.outside import AccessRequest, Permission
from relaycore.errors import RelaycoreError
from relaycore.latency import StageLatency
from relaycore.publisher import Publisher
from relaycore.readers import AccessUnitReader, FrameReader
from relaycore.relay import Relay
from relaycore.relay_types import StreamStatus
from relaycore.settings import (
    AccessRule,
    AccessSettings,
    AlertSettings,
    CameraSettings,
    Config,
    Faults,
    JourneySettings,
    LedgerSettings,
    MaskSettings,
    MotionSettings,
    MulticastSettings,
    OnvifSettings,
    PathSettings,
    ProtocolSettings,
    RetentionSettings,
    TlsSettings,
    TokenSettings,
    User,
)

__all__ = [
    "AccessRequest",
    "AccessRule",
    "AccessSettings",
    "AccessUnit",
    "AccessUnitReader",
    "AlertSettings",
    "CameraSettings",
    "Config",
    "Faults",
    "FrameReader",
    "H264Parameters",
    "JourneySettings",
    "LedgerSettings",
    "MaskSettings",
    "MotionSettings",
    "MulticastSettings",
    "OnvifSettings",
    "PathSettings",
    "Permission",
    "ProtocolSettings",
    "Publisher",
    "Relay",
    "RelaycoreError",
    "RetentionSettings",
    "Session",
    "StageLatency",
    "StreamStatus",
    "TlsSettings",
    "TokenSettings",
    "Track",
    "User",
    "now_ns",
]
