"""Profiles, cameras and microphones."""

from __future__ import annotations

from typing import Final

from lxml import etree

from relaycore.onvif.profiles import profiles
from relaycore.onvif.services.media import elements
from relaycore.onvif.services.media.asked import asked, filtered, mains, source_of, wanted_token, with_sound
from relaycore.onvif.soap.build import node
from relaycore.onvif.soap.faults import Fault, invalid
from relaycore.onvif.soap.names import TRT
from relaycore.onvif.soap.operations import Call, Operation

__all__ = ["OPERATIONS"]


async def get_profiles(call: Call) -> etree._Element:
    """All profiles."""
    found = (elements.profile_element(call, "trt:Profiles", one) for one in profiles(call))
    return node("trt:GetProfilesResponse", *found)


async def get_profile(call: Call) -> etree._Element:
    """One profile."""
    return node("trt:GetProfileResponse", elements.profile_element(call, "trt:Profile", asked(call)))


async def create_profile(call: Call) -> etree._Element:  # noqa: ARG001
    """There are as many as there may be: recorders that make one of their own take that for an answer."""
    raise Fault(
        "Receiver", ["ter:Action", "ter:MaxNVTProfiles"], "There are as many profiles as there may be."
    )


async def delete_profile(call: Call) -> etree._Element:
    """All profiles stay."""
    asked(call)
    raise Fault("Sender", ["ter:Action", "ter:DeletionOfFixedProfile"], "A fixed profile stays.")


async def get_video_sources(call: Call) -> etree._Element:
    """The cameras."""
    found = (elements.video_source("trt:VideoSources", one) for one in mains(call))
    return node("trt:GetVideoSourcesResponse", *found)


async def get_audio_sources(call: Call) -> etree._Element:
    """The microphones."""
    return node(
        "trt:GetAudioSourcesResponse",
        *(
            elements.audio_source("trt:AudioSources", one.camera, one.sound)
            for one in mains(call)
            if one.sound is not None
        ),
    )


async def get_audio_outputs(call: Call) -> etree._Element:  # noqa: ARG001
    """There are no loudspeakers."""
    return node("trt:GetAudioOutputsResponse")


async def get_video_source_configurations(call: Call) -> etree._Element:
    """One for each camera."""
    found = (elements.video_source_configuration("trt:Configurations", one) for one in mains(call))
    return node("trt:GetVideoSourceConfigurationsResponse", *found)


async def get_video_source_configuration(call: Call) -> etree._Element:
    """One of them."""
    found = source_of(call)
    return node(
        "trt:GetVideoSourceConfigurationResponse",
        elements.video_source_configuration("trt:Configuration", found),
    )


async def get_compatible_video_source_configurations(call: Call) -> etree._Element:
    """That of the camera of a profile."""
    return node(
        "trt:GetCompatibleVideoSourceConfigurationsResponse",
        elements.video_source_configuration("trt:Configurations", asked(call)),
    )


async def get_video_source_configuration_options(call: Call) -> etree._Element:
    """The whole picture of each camera, and nothing else."""
    found = [filtered(call)] if wanted_token(call) else list(mains(call))
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
            for one in mains(call)
            if one.sound is not None
        ),
    )


async def get_audio_source_configuration(call: Call) -> etree._Element:
    """One of them."""
    found = with_sound(source_of(call))
    return node(
        "trt:GetAudioSourceConfigurationResponse",
        elements.audio_source_configuration("trt:Configuration", found),
    )


async def get_compatible_audio_source_configurations(call: Call) -> etree._Element:
    """That of the camera of a profile."""
    found = asked(call)
    made = elements.audio_source_configuration("trt:Configurations", found) if found.sound else None
    return node("trt:GetCompatibleAudioSourceConfigurationsResponse", made)


async def get_audio_source_configuration_options(call: Call) -> etree._Element:
    """The microphones."""
    tokens = (node("tt:InputTokensAvailable", one.camera) for one in mains(call) if one.sound is not None)
    return node("trt:GetAudioSourceConfigurationOptionsResponse", node("trt:Options", *tokens))


async def get_metadata_configurations(call: Call) -> etree._Element:  # noqa: ARG001
    """Streams have no metadata."""
    return node("trt:GetMetadataConfigurationsResponse")


async def get_compatible_metadata_configurations(call: Call) -> etree._Element:
    """Streams have no metadata."""
    asked(call)
    return node("trt:GetCompatibleMetadataConfigurationsResponse")


async def get_osds(call: Call) -> etree._Element:  # noqa: ARG001
    """Nothing is written on pictures that could be changed."""
    return node("trt:GetOSDsResponse")


OPERATIONS: Final = (
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
    Operation(TRT, "GetMetadataConfigurations", "view", get_metadata_configurations),
    Operation(TRT, "GetCompatibleMetadataConfigurations", "view", get_compatible_metadata_configurations),
    Operation(TRT, "GetOSDs", "view", get_osds),
)
