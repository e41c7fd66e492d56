"""The web services of ONVIF, a module or a folder each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from relaycore.onvif.services import device, deviceio
from relaycore.onvif.services.events import service as events
from relaycore.onvif.services.imaging import service as imaging
from relaycore.onvif.services.media import service as media
from relaycore.onvif.services.media2 import service as media2
from relaycore.onvif.services.ptz import service as ptz
from relaycore.onvif.soap.operations import Service

__all__ = ["SERVICES"]

SERVICES: Final[Sequence[Service]] = (
    device.SERVICE,
    events.SERVICE,
    media.SERVICE,
    media2.SERVICE,
    deviceio.SERVICE,
    ptz.SERVICE,
    imaging.SERVICE,
)
"""All that there are. Requests are led by namespace and name, whatever address they came to."""
