"""Where streams and pictures are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from lxml import etree

from relaycore.onvif.media import streams as shared
from relaycore.onvif.media.asked import asked, reply
from relaycore.onvif.soap.build import node, text_of
from relaycore.onvif.soap.names import TRT, TT
from relaycore.onvif.soap.operations import Call, Operation

__all__ = ["OPERATIONS"]

_PROTOCOLS: Final[Mapping[str, str]] = {
    "UDP": "RtspUnicast",
    "TCP": "RTSP",
    "RTSP": "RTSP",
    "HTTP": "RtspOverHttp",
}
"""By what Media calls them: what Media2 does."""


async def get_stream_uri(call: Call) -> etree._Element:
    """Where a stream is, by the address that the client has used."""
    setup = call.body.find(f"{{{TRT}}}StreamSetup")
    kind = None if setup is None else text_of(setup, "tt:Stream")
    named = None if setup is None else setup.findtext(f"{{{TT}}}Transport/{{{TT}}}Protocol")
    protocol = _PROTOCOLS.get((named or "RTSP").strip(), "")
    if kind == "RTP-Multicast" and protocol:
        protocol = "RtspMulticast"
    return reply(call, _media_uri(shared.stream_address(call, asked(call), protocol)))


async def get_snapshot_uri(call: Call) -> etree._Element:
    """Where the newest picture is."""
    return reply(call, _media_uri(shared.snapshot_address(call, asked(call))))


OPERATIONS: Final = (
    Operation(TRT, "GetStreamUri", "view", get_stream_uri),
    Operation(TRT, "GetSnapshotUri", "view", get_snapshot_uri),
    Operation(TRT, "SetSynchronizationPoint", "view", shared.set_synchronization_point),
    Operation(TRT, "StartMulticastStreaming", "operate", shared.start_multicast_streaming),
    Operation(TRT, "StopMulticastStreaming", "operate", shared.stop_multicast_streaming),
)


def _media_uri(url: str) -> etree._Element:
    return node(
        "trt:MediaUri",
        node("tt:Uri", url),
        node("tt:InvalidAfterConnect", False),
        node("tt:InvalidAfterReboot", False),
        node("tt:Timeout", "PT0S"),
    )
