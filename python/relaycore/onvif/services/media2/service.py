"""The Media2 service: its parts together, and what has no part of its own."""

from __future__ import annotations

from typing import Final

from lxml import etree

from relaycore.onvif.media import sources as shared
from relaycore.onvif.media import streams
from relaycore.onvif.media.asked import asked, mains, reply, word
from relaycore.onvif.media.elements import most_profiles, size
from relaycore.onvif.media.encoders import encodings_of
from relaycore.onvif.services.media2 import elements, encoders, profiles
from relaycore.onvif.soap.build import node
from relaycore.onvif.soap.faults import invalid
from relaycore.onvif.soap.names import TR2
from relaycore.onvif.soap.operations import Call, Operation, Service

__all__ = ["SERVICE", "capabilities"]


def capabilities(call: Call) -> etree._Element:
    """What the service can do."""
    return node(
        "tr2:Capabilities",
        node(
            "tr2:ProfileCapabilities",
            MaximumNumberOfProfiles=most_profiles(call),
            ConfigurationsSupported="VideoSource VideoEncoder AudioSource AudioEncoder PTZ",
        ),
        node(
            "tr2:StreamingCapabilities",
            RTSPStreaming=True,
            RTPMulticast=True,
            RTP_RTSP_TCP=True,
            NonAggregateControl=False,
            RTSPWebSocketUri=streams.websocket_uri(call),
            AutoStartMulticast=True,
            # What is sent by RTSPS is RTP inside of TLS, no SRTP.
            SecureRTSPStreaming=False,
        ),
        SnapshotUri=True,
        Rotation=False,
        VideoSourceMode=False,
        OSD=False,
        TemporaryOSDText=False,
        Mask=False,
        SourceMask=False,
    )


async def get_service_capabilities(call: Call) -> etree._Element:
    """What the service can do."""
    return reply(call, capabilities(call))


async def get_stream_uri(call: Call) -> etree._Element:
    """Where a stream is, by the address that the client has used."""
    profile, protocol = asked(call), word(call, "Protocol") or "RTSP"
    address = streams.stream_address(call, profile, protocol, "InvalidMulticastSettings")
    return reply(call, node("tr2:Uri", address))


async def get_snapshot_uri(call: Call) -> etree._Element:
    """Where the newest picture is."""
    return reply(call, node("tr2:Uri", streams.snapshot_address(call, asked(call))))


async def get_video_source_modes(call: Call) -> etree._Element:
    """The one mode that a camera was opened with."""
    token = word(call, "VideoSourceToken")
    found = next((one for one in mains(call) if one.camera == token), None)
    if found is None:
        raise invalid("NoVideoSource", "There is no such video source.")
    source = found.source
    encodings = (elements.encoding_name(encoding) for encoding in encodings_of(call, found.camera))
    mode = node(
        "tr2:VideoSourceModes",
        node("tr2:MaxFramerate", source.fps),
        size("tr2:MaxResolution", source.width, source.height),
        node("tr2:Encodings", " ".join(encodings)),
        node("tr2:Reboot", False),
        token=found.camera,
        Enabled=True,
    )
    return reply(call, mode)


async def get_metadata_configuration_options(call: Call) -> etree._Element:
    """Streams have no metadata: neither where the camera looks nor whether it moves."""
    await shared.get_nothing(call)
    no = (node(f"tt:{axis}StatusSupported", False) for axis in ("PanTilt", "Zoom"))
    return reply(call, node("tr2:Options", node("tt:PTZStatusFilterOptions", *no)))


SERVICE: Final = Service(
    namespace=TR2,
    address="media2_service",
    version=(2, 60),
    operations=(
        Operation(TR2, "GetServiceCapabilities", "view", get_service_capabilities),
        *profiles.OPERATIONS,
        Operation(TR2, "GetVideoSourceConfigurations", "view", shared.get_video_source_configurations),
        Operation(
            TR2,
            "GetVideoSourceConfigurationOptions",
            "view",
            shared.get_video_source_configuration_options,
        ),
        Operation(TR2, "GetAudioSourceConfigurations", "view", shared.get_audio_source_configurations),
        Operation(
            TR2,
            "GetAudioSourceConfigurationOptions",
            "view",
            shared.get_audio_source_configuration_options,
        ),
        *encoders.OPERATIONS,
        Operation(TR2, "GetMetadataConfigurations", "view", shared.get_nothing),
        Operation(TR2, "GetMetadataConfigurationOptions", "view", get_metadata_configuration_options),
        Operation(TR2, "GetAnalyticsConfigurations", "view", shared.get_nothing),
        Operation(TR2, "GetAudioOutputConfigurations", "view", shared.get_nothing),
        Operation(TR2, "GetAudioDecoderConfigurations", "view", shared.get_nothing),
        Operation(TR2, "GetVideoSourceModes", "view", get_video_source_modes),
        Operation(TR2, "GetOSDs", "view", shared.get_nothing_drawn),
        Operation(TR2, "GetMasks", "view", shared.get_nothing_drawn),
        Operation(TR2, "GetStreamUri", "view", get_stream_uri),
        Operation(TR2, "GetSnapshotUri", "view", get_snapshot_uri),
        Operation(TR2, "SetSynchronizationPoint", "view", streams.set_synchronization_point),
        Operation(TR2, "StartMulticastStreaming", "operate", streams.start_multicast_streaming),
        Operation(TR2, "StopMulticastStreaming", "operate", streams.stop_multicast_streaming),
    ),
    capabilities=capabilities,
)
