"""Where streams and pictures are, and what is done to them while they run. Both services use it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from lxml import etree

from relaycore.onvif.media.asked import asked, reply
from relaycore.onvif.profiles import Profile
from relaycore.onvif.soap.faults import Fault, invalid
from relaycore.onvif.soap.operations import Call

__all__ = [
    "set_synchronization_point",
    "snapshot_address",
    "start_multicast_streaming",
    "stop_multicast_streaming",
    "stream_address",
    "websocket_uri",
]

_SCHEMES: Final[Mapping[str, str]] = {
    "RtspUnicast": "rtsp",
    "RtspMulticast": "rtsp",
    "RTSP": "rtsp",
    "RtspOverHttp": "http",
    "RtspsUnicast": "rtsps",
}
"""By protocol, as Media2 calls them (tr2:TransportProtocol)."""


def stream_address(call: Call, profile: Profile, protocol: str, no_group: str = "InvalidStreamSetup") -> str:
    """The URL of a profile's stream by the address that the client has used.

    ``protocol`` is named as Media2 does. Fault where it is another one, is encrypted and the relay has no
    certificate, or is multicast and the path has no group, which has the subcode ``no_group``.
    """
    scheme = _SCHEMES.get(protocol)
    if scheme is None or (scheme == "rtsps" and call.relay.certificate is None):
        raise invalid("InvalidStreamSetup", "The stream does not come like that.")
    if protocol == "RtspMulticast" and call.relay.config.path_settings(profile.path).multicast is None:
        raise invalid(no_group, "The stream has no group of multicast.")
    if scheme != "rtsps" and (call.secure or call.relay.config.tls.required):
        scheme += "s"
    return f"{scheme}://{call.host}/{quote(profile.path)}"


def websocket_uri(call: Call) -> str:
    """Where RTSP is spoken in WebSockets: the path alone, at the host and port that the client has used.

    ONVIF Streaming Specification section 5.1.1.6 has it so. The path could be any: the sub-protocol counts.
    """
    scheme = "wss" if call.secure or call.relay.config.tls.required else "ws"
    return f"{scheme}:/rtsp"


def snapshot_address(call: Call, profile: Profile) -> str:
    """The URL of the newest picture of a profile."""
    return f"{call.base}/{quote(profile.path)}/snapshot.jpg"


async def set_synchronization_point(call: Call) -> etree._Element:
    """The next picture is a random access point."""
    call.relay.force_key_frame(*asked(call).encoded)
    return reply(call)


async def start_multicast_streaming(call: Call) -> etree._Element:
    """Sends a profile to its group without a session, also after a restart, as ONVIF wants it.

    Fault where its path has no group.
    """
    profile = asked(call)
    if call.relay.config.path_settings(profile.path).multicast is None:
        raise Fault(
            "Receiver", ["ter:Action", "ter:IncompleteConfiguration"], "The stream has no group of multicast."
        )
    await call.relay.start_multicast(profile.path, keep=True)
    return reply(call)


async def stop_multicast_streaming(call: Call) -> etree._Element:
    """Sends it for sessions alone; it is no fault where it is not sent."""
    await call.relay.stop_multicast(asked(call).path)
    return reply(call)
