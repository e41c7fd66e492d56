"""The media service: its parts together."""

from __future__ import annotations

from typing import Final

from lxml import etree

from relaycore.onvif.media.elements import most_profiles
from relaycore.onvif.services.media import encoders, sources, streams
from relaycore.onvif.soap.build import node
from relaycore.onvif.soap.names import TRT
from relaycore.onvif.soap.operations import Call, Operation, Service

__all__ = ["SERVICE", "capabilities"]


def capabilities(call: Call) -> etree._Element:
    """What the service can do."""
    return node(
        "trt:Capabilities",
        node("trt:ProfileCapabilities", MaximumNumberOfProfiles=most_profiles(call)),
        node(
            "trt:StreamingCapabilities",
            RTPMulticast=True,
            RTP_TCP=True,
            RTP_RTSP_TCP=True,
            NonAggregateControl=False,
            NoRTSPStreaming=False,
        ),
        SnapshotUri=True,
        Rotation=False,
        VideoSourceMode=False,
        OSD=False,
        TemporaryOSDText=False,
        EXICompression=False,
    )


async def get_service_capabilities(call: Call) -> etree._Element:
    """What the service can do."""
    return node("trt:GetServiceCapabilitiesResponse", capabilities(call))


OPERATIONS: Final = (
    Operation(TRT, "GetServiceCapabilities", "view", get_service_capabilities),
    *sources.OPERATIONS,
    *encoders.OPERATIONS,
    *streams.OPERATIONS,
)

SERVICE: Final = Service(
    namespace=TRT,
    address="media_service",
    version=(24, 12),
    operations=OPERATIONS,
    capabilities=capabilities,
)
