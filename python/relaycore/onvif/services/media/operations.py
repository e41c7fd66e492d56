"""The operations of the media service."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import quote

from lxml import etree

from relaycore.errors import ConfigurationError
from relaycore.onvif.profiles import Profile, profile_named, profiles, stream_address
from relaycore.onvif.services.media import elements
from relaycore.onvif.soap.build import node, text_of
from relaycore.onvif.soap.faults import Fault, invalid
from relaycore.onvif.soap.names import TRT, TT
from relaycore.onvif.soap.operations import Call, Operation, Service

__all__ = ["SERVICE", "capabilities"]


def capabilities(call: Call) -> etree._Element:
    """What the service can do."""
    return node(
        "trt:Capabilities",
        node("trt:ProfileCapabilities", MaximumNumberOfProfiles=max(1, 2 * len(call.device.cameras))),
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


# Profiles


async def get_profiles(call: Call) -> etree._Element:
    """All profiles."""
    found = (elements.profile_element(call, "trt:Profiles", one) for one in profiles(call))
    return node("trt:GetProfilesResponse", *found)


async def get_profile(call: Call) -> etree._Element:
    """One profile."""
    return node("trt:GetProfileResponse", elements.profile_element(call, "trt:Profile", _asked(call)))


async def create_profile(call: Call) -> etree._Element:  # noqa: ARG001
    """There are as many as there may be: recorders that make one of their own take that for an answer."""
    raise Fault(
        "Receiver", ["ter:Action", "ter:MaxNVTProfiles"], "There are as many profiles as there may be."
    )


async def delete_profile(call: Call) -> etree._Element:
    """All profiles stay."""
    _asked(call)
    raise Fault("Sender", ["ter:Action", "ter:DeletionOfFixedProfile"], "A fixed profile stays.")


# Sources


async def get_video_sources(call: Call) -> etree._Element:
    """The cameras."""
    found = (elements.video_source("trt:VideoSources", one) for one in _mains(call))
    return node("trt:GetVideoSourcesResponse", *found)


async def get_audio_sources(call: Call) -> etree._Element:
    """The microphones."""
    return node(
        "trt:GetAudioSourcesResponse",
        *(
            elements.audio_source("trt:AudioSources", one.camera, one.sound)
            for one in _mains(call)
            if one.sound is not None
        ),
    )


async def get_audio_outputs(call: Call) -> etree._Element:  # noqa: ARG001
    """There are no loudspeakers."""
    return node("trt:GetAudioOutputsResponse")


async def get_video_source_configurations(call: Call) -> etree._Element:
    """One for each camera."""
    found = (elements.video_source_configuration("trt:Configurations", one) for one in _mains(call))
    return node("trt:GetVideoSourceConfigurationsResponse", *found)


async def get_video_source_configuration(call: Call) -> etree._Element:
    """One of them."""
    found = _source(call)
    return node(
        "trt:GetVideoSourceConfigurationResponse",
        elements.video_source_configuration("trt:Configuration", found),
    )


async def get_compatible_video_source_configurations(call: Call) -> etree._Element:
    """That of the camera of a profile."""
    return node(
        "trt:GetCompatibleVideoSourceConfigurationsResponse",
        elements.video_source_configuration("trt:Configurations", _asked(call)),
    )


async def get_video_source_configuration_options(call: Call) -> etree._Element:
    """The whole picture of each camera, and nothing else."""
    found = [_filtered(call)] if _filter(call) else list(_mains(call))
    if not found:
        raise invalid("NoConfig", "There is no camera that runs.")
    width, height = found[0].source.width, found[0].source.height
    bounds = node(
        "tt:BoundsRange",
        *(
            node(f"tt:{name}Range", node("tt:Min", value), node("tt:Max", value))
            for name, value in (("X", 0), ("Y", 0), ("Width", width), ("Height", height))
        ),
    )
    tokens = (node("tt:VideoSourceTokensAvailable", one.camera) for one in found)
    return node("trt:GetVideoSourceConfigurationOptionsResponse", node("trt:Options", bounds, *tokens))


async def get_audio_source_configurations(call: Call) -> etree._Element:
    """One for each microphone."""
    return node(
        "trt:GetAudioSourceConfigurationsResponse",
        *(
            elements.audio_source_configuration("trt:Configurations", one)
            for one in _mains(call)
            if one.sound is not None
        ),
    )


async def get_audio_source_configuration(call: Call) -> etree._Element:
    """One of them."""
    found = _with_sound(_source(call))
    return node(
        "trt:GetAudioSourceConfigurationResponse",
        elements.audio_source_configuration("trt:Configuration", found),
    )


async def get_compatible_audio_source_configurations(call: Call) -> etree._Element:
    """That of the camera of a profile."""
    found = _asked(call)
    made = elements.audio_source_configuration("trt:Configurations", found) if found.sound else None
    return node("trt:GetCompatibleAudioSourceConfigurationsResponse", made)


async def get_audio_source_configuration_options(call: Call) -> etree._Element:
    """The microphones."""
    tokens = (node("tt:InputTokensAvailable", one.camera) for one in _mains(call) if one.sound is not None)
    return node("trt:GetAudioSourceConfigurationOptionsResponse", node("trt:Options", *tokens))


# Encoders


async def get_video_encoder_configurations(call: Call) -> etree._Element:
    """All of them."""
    found = (elements.video_encoder(call, "trt:Configurations", one) for one in profiles(call))
    return node("trt:GetVideoEncoderConfigurationsResponse", *found)


async def get_video_encoder_configuration(call: Call) -> etree._Element:
    """One of them."""
    return node(
        "trt:GetVideoEncoderConfigurationResponse",
        elements.video_encoder(
            call, "trt:Configuration", _encoder(call, text_of(call.body, "trt:ConfigurationToken"))
        ),
    )


async def get_compatible_video_encoder_configurations(call: Call) -> etree._Element:
    """That of a profile."""
    return node(
        "trt:GetCompatibleVideoEncoderConfigurationsResponse",
        elements.video_encoder(call, "trt:Configurations", _asked(call)),
    )


async def get_video_encoder_configuration_options(call: Call) -> etree._Element:
    """What an encoder may be set to."""
    found = _filtered(call)
    options = call.relay.encoder_options(*found.encoded)
    return node(
        "trt:GetVideoEncoderConfigurationOptionsResponse",
        elements.video_encoder_options("trt:Options", found, options),
    )


async def set_video_encoder_configuration(call: Call) -> etree._Element:
    """Changes an encoder that runs; sessions go on."""
    wish = call.body.find(f"{{{TRT}}}Configuration")
    if wish is None:
        raise invalid("ConfigModify", "The configuration is missing.")
    found = _encoder(call, wish.get("token"))
    if found.is_mirror:
        raise invalid("ConfigModify", "What is shown here is encoded for another camera.")
    state = found.encoder
    encoding = text_of(wish, "tt:Encoding")
    if encoding not in (None, "JPEG" if state.encoding == "jpeg" else "H264"):
        raise invalid("ConfigModify", "The encoding cannot be changed.")
    width, height = _whole(wish, "Resolution/Width"), _whole(wish, "Resolution/Height")
    rate = _whole(wish, "RateControl/FrameRateLimit")
    kbps = _whole(wish, "RateControl/BitrateLimit")
    pictures = _whole(wish, "H264/GovLength")
    fps = state.fps if rate in (None, max(1, round(state.fps))) else float(rate or 0)
    has_gop = pictures not in (None, elements.gov_length(state.gop_seconds, state.fps)) or fps != state.fps
    wished_gop = None if pictures is None or fps <= 0 or not has_gop else pictures / fps
    try:
        await call.relay.set_encoder(
            found.camera,
            rendition=found.rendition,
            width=None if width == state.width else width,
            height=None if height == state.height else height,
            fps=None if fps == state.fps else fps,
            bitrate=None if kbps is None or kbps == state.bitrate // 1000 else kbps * 1000,
            gop_seconds=wished_gop,
        )
    except ConfigurationError as error:
        raise invalid("ConfigModify", str(error)) from None
    return node("trt:SetVideoEncoderConfigurationResponse")


async def get_guaranteed_number_of_video_encoder_instances(call: Call) -> etree._Element:
    """Both profiles of a camera may be watched at a time."""
    found = _source(call)
    is_jpeg = found.encoder.encoding == "jpeg"
    return node(
        "trt:GetGuaranteedNumberOfVideoEncoderInstancesResponse",
        node("trt:TotalNumber", 2),
        node("trt:JPEG", 1 if is_jpeg else 0),
        node("trt:H264", 1 if is_jpeg else 2),
        node("trt:MPEG4", 0),
    )


async def get_audio_encoder_configurations(call: Call) -> etree._Element:
    """All of them."""
    return node(
        "trt:GetAudioEncoderConfigurationsResponse",
        *(
            elements.audio_encoder(call, "trt:Configurations", one)
            for one in profiles(call)
            if one.sound is not None
        ),
    )


async def get_audio_encoder_configuration(call: Call) -> etree._Element:
    """One of them."""
    found = _with_sound(_encoder(call, text_of(call.body, "trt:ConfigurationToken")))
    made = elements.audio_encoder(call, "trt:Configuration", found)
    return node("trt:GetAudioEncoderConfigurationResponse", made)


async def get_compatible_audio_encoder_configurations(call: Call) -> etree._Element:
    """That of a profile."""
    found = _asked(call)
    made = elements.audio_encoder(call, "trt:Configurations", found) if found.sound else None
    return node("trt:GetCompatibleAudioEncoderConfigurationsResponse", made)


async def get_audio_encoder_configuration_options(call: Call) -> etree._Element:
    """What sound may be encoded like."""
    made = elements.audio_encoder_options("trt:Options", _with_sound(_filtered(call)))
    return node("trt:GetAudioEncoderConfigurationOptionsResponse", made)


# What there is none of


async def get_metadata_configurations(call: Call) -> etree._Element:  # noqa: ARG001
    """Streams have no metadata."""
    return node("trt:GetMetadataConfigurationsResponse")


async def get_compatible_metadata_configurations(call: Call) -> etree._Element:
    """Streams have no metadata."""
    _asked(call)
    return node("trt:GetCompatibleMetadataConfigurationsResponse")


async def get_osds(call: Call) -> etree._Element:  # noqa: ARG001
    """Nothing is written on pictures that could be changed."""
    return node("trt:GetOSDsResponse")


# Streams


async def get_stream_uri(call: Call) -> etree._Element:
    """Where a stream is, by the address that the client has used."""
    setup = call.body.find(f"{{{TRT}}}StreamSetup")
    kind = None if setup is None else text_of(setup, "tt:Stream")
    protocol = None if setup is None else setup.findtext(f"{{{TT}}}Transport/{{{TT}}}Protocol")
    url = stream_address(call, _asked(call), (protocol or "RTSP").strip(), multicast=kind == "RTP-Multicast")
    return node("trt:GetStreamUriResponse", _media_uri(url))


async def get_snapshot_uri(call: Call) -> etree._Element:
    """Where the newest picture is."""
    url = f"{call.base}/{quote(_asked(call).path)}/snapshot.jpg"
    return node("trt:GetSnapshotUriResponse", _media_uri(url))


async def set_synchronization_point(call: Call) -> etree._Element:
    """The next picture is a random access point."""
    found = _asked(call)
    call.relay.force_key_frame(*found.encoded)
    return node("trt:SetSynchronizationPointResponse")


OPERATIONS: Final = (
    Operation(TRT, "GetServiceCapabilities", "view", get_service_capabilities),
    Operation(TRT, "GetProfiles", "view", get_profiles),
    Operation(TRT, "GetProfile", "view", get_profile),
    Operation(TRT, "CreateProfile", "operate", create_profile),
    Operation(TRT, "DeleteProfile", "operate", delete_profile),
    Operation(TRT, "GetVideoSources", "view", get_video_sources),
    Operation(TRT, "GetAudioSources", "view", get_audio_sources),
    Operation(TRT, "GetAudioOutputs", "view", get_audio_outputs),
    Operation(TRT, "GetVideoSourceConfigurations", "view", get_video_source_configurations),
    Operation(TRT, "GetVideoSourceConfiguration", "view", get_video_source_configuration),
    Operation(
        TRT, "GetCompatibleVideoSourceConfigurations", "view", get_compatible_video_source_configurations
    ),
    Operation(TRT, "GetVideoSourceConfigurationOptions", "view", get_video_source_configuration_options),
    Operation(TRT, "GetAudioSourceConfigurations", "view", get_audio_source_configurations),
    Operation(TRT, "GetAudioSourceConfiguration", "view", get_audio_source_configuration),
    Operation(
        TRT, "GetCompatibleAudioSourceConfigurations", "view", get_compatible_audio_source_configurations
    ),
    Operation(TRT, "GetAudioSourceConfigurationOptions", "view", get_audio_source_configuration_options),
    Operation(TRT, "GetVideoEncoderConfigurations", "view", get_video_encoder_configurations),
    Operation(TRT, "GetVideoEncoderConfiguration", "view", get_video_encoder_configuration),
    Operation(
        TRT, "GetCompatibleVideoEncoderConfigurations", "view", get_compatible_video_encoder_configurations
    ),
    Operation(TRT, "GetVideoEncoderConfigurationOptions", "view", get_video_encoder_configuration_options),
    Operation(TRT, "SetVideoEncoderConfiguration", "operate", set_video_encoder_configuration),
    Operation(
        TRT,
        "GetGuaranteedNumberOfVideoEncoderInstances",
        "view",
        get_guaranteed_number_of_video_encoder_instances,
    ),
    Operation(TRT, "GetAudioEncoderConfigurations", "view", get_audio_encoder_configurations),
    Operation(TRT, "GetAudioEncoderConfiguration", "view", get_audio_encoder_configuration),
    Operation(
        TRT, "GetCompatibleAudioEncoderConfigurations", "view", get_compatible_audio_encoder_configurations
    ),
    Operation(TRT, "GetAudioEncoderConfigurationOptions", "view", get_audio_encoder_configuration_options),
    Operation(TRT, "GetMetadataConfigurations", "view", get_metadata_configurations),
    Operation(TRT, "GetCompatibleMetadataConfigurations", "view", get_compatible_metadata_configurations),
    Operation(TRT, "GetOSDs", "view", get_osds),
    Operation(TRT, "GetStreamUri", "view", get_stream_uri),
    Operation(TRT, "GetSnapshotUri", "view", get_snapshot_uri),
    Operation(TRT, "SetSynchronizationPoint", "view", set_synchronization_point),
)

SERVICE: Final = Service(
    namespace=TRT,
    address="media_service",
    version=(24, 12),
    operations=OPERATIONS,
    capabilities=capabilities,
)


def _asked(call: Call) -> Profile:
    """The profile that a request names."""
    return profile_named(call, text_of(call.body, "trt:ProfileToken"))


def _mains(call: Call) -> Iterator[Profile]:
    """One profile for each camera."""
    return (profile for profile in profiles(call) if profile.rendition == "main")


def _source(call: Call) -> Profile:
    """The first profile with the configuration of a source that a request names."""
    token = text_of(call.body, "trt:ConfigurationToken")
    for profile in _mains(call):
        if profile.camera == token:
            return profile
    raise invalid("NoConfig", "There is no such configuration.")


def _encoder(call: Call, token: str | None) -> Profile:
    """The profile with this configuration of an encoder."""
    for profile in profiles(call):
        if profile.token == token:
            return profile
    raise invalid("NoConfig", "There is no such configuration.")


def _filter(call: Call) -> str | None:
    return text_of(call.body, "trt:ConfigurationToken") or text_of(call.body, "trt:ProfileToken")


def _filtered(call: Call) -> Profile:
    """The profile that a request names, or whose configuration it names; the first one where it does not."""
    token = _filter(call)
    for profile in profiles(call):
        if token in (None, profile.token, profile.camera):
            return profile
    raise invalid("NoConfig", "There is no such configuration.")


def _with_sound(profile: Profile) -> Profile:
    if profile.sound is None:
        raise invalid("NoConfig", "The camera has no sound.")
    return profile


def _whole(wish: etree._Element, path: str) -> int | None:
    """A whole number in a configuration. Fault where it is none, or out of all bounds."""
    text = wish.findtext("/".join(f"{{{TT}}}{part}" for part in path.split("/")))
    if text is None or not text.strip():
        return None
    try:
        number = int(text)
    except ValueError:
        number = -1
    if not 0 <= number < 1_000_000:
        raise invalid("ConfigModify", f"{path} is no number that can be.")
    return number


def _media_uri(url: str) -> etree._Element:
    return node(
        "trt:MediaUri",
        node("tt:Uri", url),
        node("tt:InvalidAfterConnect", False),
        node("tt:InvalidAfterReboot", False),
        node("tt:Timeout", "PT0S"),
    )
