"""Profiles, cameras and microphones."""

from __future__ import annotations

from typing import Final

from lxml import etree

from relaycore.onvif.media import elements as common
from relaycore.onvif.media import sources as shared
from relaycore.onvif.media.asked import asked, mains, source_of, told, with_sound
from relaycore.onvif.services.media import elements
from relaycore.onvif.soap.build import node
from relaycore.onvif.soap.names import TRT
from relaycore.onvif.soap.operations import Call, Operation

__all__ = ["OPERATIONS"]


async def get_profiles(call: Call) -> etree._Element:
    """All profiles."""
    found = (elements.profile_element(call, "trt:Profiles", one) for one in told(call))
    return node("trt:GetProfilesResponse", *found)


async def get_profile(call: Call) -> etree._Element:
    """One profile."""
    return node("trt:GetProfileResponse", elements.profile_element(call, "trt:Profile", asked(call)))


async def delete_profile(call: Call) -> etree._Element:
    """All profiles stay."""
    asked(call)
    raise shared.deletion_refused()


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


async def get_video_source_configuration(call: Call) -> etree._Element:
    """One of them."""
    found = source_of(call)
    return node(
        "trt:GetVideoSourceConfigurationResponse",
        common.video_source_configuration("trt:Configuration", found),
    )


async def get_compatible_video_source_configurations(call: Call) -> etree._Element:
    """That of the camera of a profile."""
    return node(
        "trt:GetCompatibleVideoSourceConfigurationsResponse",
        common.video_source_configuration("trt:Configurations", asked(call)),
    )


async def get_audio_source_configuration(call: Call) -> etree._Element:
    """One of them."""
    found = with_sound(source_of(call))
    return node(
        "trt:GetAudioSourceConfigurationResponse",
        common.audio_source_configuration("trt:Configuration", found),
    )


async def get_compatible_audio_source_configurations(call: Call) -> etree._Element:
    """That of the camera of a profile."""
    found = asked(call)
    made = common.audio_source_configuration("trt:Configurations", found) if found.sound else None
    return node("trt:GetCompatibleAudioSourceConfigurationsResponse", made)


async def get_compatible_metadata_configurations(call: Call) -> etree._Element:
    """Streams have no metadata."""
    asked(call)
    return node("trt:GetCompatibleMetadataConfigurationsResponse")


OPERATIONS: Final = (
    Operation(TRT, "GetProfiles", "view", get_profiles),
    Operation(TRT, "GetProfile", "view", get_profile),
    Operation(TRT, "CreateProfile", "operate", shared.create_profile),
    Operation(TRT, "DeleteProfile", "operate", delete_profile),
    Operation(TRT, "GetVideoSources", "view", get_video_sources),
    Operation(TRT, "GetAudioSources", "view", get_audio_sources),
    Operation(TRT, "GetAudioOutputs", "view", get_audio_outputs),
    Operation(TRT, "GetVideoSourceConfigurations", "view", shared.get_video_source_configurations),
    Operation(TRT, "GetVideoSourceConfiguration", "view", get_video_source_configuration),
    Operation(
        TRT, "GetCompatibleVideoSourceConfigurations", "view", get_compatible_video_source_configurations
    ),
    Operation(
        TRT, "GetVideoSourceConfigurationOptions", "view", shared.get_video_source_configuration_options
    ),
    Operation(TRT, "GetAudioSourceConfigurations", "view", shared.get_audio_source_configurations),
    Operation(TRT, "GetAudioSourceConfiguration", "view", get_audio_source_configuration),
    Operation(
        TRT, "GetCompatibleAudioSourceConfigurations", "view", get_compatible_audio_source_configurations
    ),
    Operation(
        TRT, "GetAudioSourceConfigurationOptions", "view", shared.get_audio_source_configuration_options
    ),
    Operation(TRT, "GetMetadataConfigurations", "view", shared.get_nothing),
    Operation(TRT, "GetCompatibleMetadataConfigurations", "view", get_compatible_metadata_configurations),
    Operation(TRT, "GetOSDs", "view", shared.get_nothing_drawn),
)
