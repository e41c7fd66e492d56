"""Where streams and pictures are."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from lxml import etree

from relaycore.onvif.profiles import stream_address
from relaycore.onvif.services.media.asked import asked
from relaycore.onvif.soap.build import node, text_of
from relaycore.onvif.soap.names import TRT, TT
from relaycore.onvif.soap.operations import Call, Operation

__all__ = ["OPERATIONS"]


async def get_stream_uri(call: Call) -> etree._Element:
    """Where a stream is, by the address that the client has used."""
    setup = call.body.find(f"{{{TRT}}}StreamSetup")
    kind = None if setup is None else text_of(setup, "tt:Stream")
    protocol = None if setup is None else setup.findtext(f"{{{TT}}}Transport/{{{TT}}}Protocol")
    url = stream_address(call, asked(call), (protocol or "RTSP").strip(), multicast=kind == "RTP-Multicast")
    return node("trt:GetStreamUriResponse", _media_uri(url))


async def get_snapshot_uri(call: Call) -> etree._Element:
    """Where the newest picture is."""
    url = f"{call.base}/{quote(asked(call).path)}/snapshot.jpg"
    return node("trt:GetSnapshotUriResponse", _media_uri(url))


async def set_synchronization_point(call: Call) -> etree._Element:
    """The next picture is a random access point."""
    found = asked(call)
    call.relay.force_key_frame(*found.encoded)
    return node("trt:SetSynchronizationPointResponse")


OPERATIONS: Final = (
    Operation(TRT, "GetStreamUri", "view", get_stream_uri),
    Operation(TRT, "GetSnapshotUri", "view", get_snapshot_uri),
    Operation(TRT, "SetSynchronizationPoint", "view", set_synchronization_point),
)


def _media_uri(url: str) -> etree._Element:
    return node(
        "trt:MediaUri",
        node("tt:Uri", url),
        node("tt:InvalidAfterConnect", False),
        node("tt:InvalidAfterReboot", False),
        node("tt:Timeout", "PT0S"),
    )
