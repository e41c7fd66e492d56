"""WS-Discovery of April 2005: devices are found on the networks of this machine without an address.

What comes and goes is decided in :mod:`.responder`, without sockets; :mod:`.service` has the sockets.
ONVIF Core Specification section 7; WS-Discovery (April 2005); SOAP-over-UDP (September 2004).
"""

from relaycore.onvif.discovery.identity import device_urn, load_seed
from relaycore.onvif.discovery.service import Discovery
from relaycore.onvif.discovery.targets import Target, device_scopes

__all__ = ["Discovery", "Target", "device_scopes", "device_urn", "load_seed"]
