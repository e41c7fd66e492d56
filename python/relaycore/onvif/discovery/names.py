"""Names on the wire, and the bounds that hold there."""

from __future__ import annotations

from typing import Final

from relaycore.onvif.soap.names import TDS

__all__ = [
    "ADDRESSING",
    "ANONYMOUS",
    "DEVICE_TYPE",
    "DISCOVERY",
    "DISCOVERY_TO",
    "GROUP_V4",
    "GROUP_V6",
    "MAX_DELAY_S",
    "NVT_TYPE",
    "PORT",
]

PORT: Final = 3702
"""Port of WS-Discovery (its section 2.4)."""

GROUP_V4: Final = "239.255.255.250"
GROUP_V6: Final = "ff02::c"

MAX_DELAY_S: Final = 0.5
"""APP_MAX_DELAY: answers and Hello wait for up to so many seconds, each for another time (section 3.1.3)."""

ADDRESSING: Final = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
DISCOVERY: Final = "http://schemas.xmlsoap.org/ws/2005/04/discovery"

DISCOVERY_TO: Final = "urn:schemas-xmlsoap-org:ws:2005:04:discovery"
"""Where Hello and Bye go to."""

ANONYMOUS: Final = f"{ADDRESSING}/role/anonymous"
"""Where answers go to."""

DEVICE_TYPE: Final = (TDS, "Device")
"""What newer clients ask for: ``tds:Device`` (ONVIF Core section 7.3.2)."""

NVT_TYPE: Final = ("http://www.onvif.org/ver10/network/wsdl", "NetworkVideoTransmitter")
"""What most clients ask for: ``dn:NetworkVideoTransmitter``."""
