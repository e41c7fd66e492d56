"""The device service (ONVIF Core section 8): what the device is, and which services it has."""

from __future__ import annotations

from typing import Final

from relaycore.onvif.services.device import about, network, scopes, system
from relaycore.onvif.services.device.capabilities import capabilities
from relaycore.onvif.soap.names import TDS
from relaycore.onvif.soap.operations import Service

__all__ = ["SERVICE"]

SERVICE: Final = Service(
    namespace=TDS,
    address="device_service",
    version=(24, 12),
    operations=(*about.OPERATIONS, *system.OPERATIONS, *scopes.OPERATIONS, *network.OPERATIONS),
    capabilities=capabilities,
)
