"""Encoders: what they do, what they may be set to, and setting them."""

from __future__ import annotations

from typing import Final

from lxml import etree

from relaycore.errors import ConfigurationError
from relaycore.onvif.profiles import profiles
from relaycore.onvif.services.media import elements
from relaycore.onvif.services.media.asked import asked, encoder_of, filtered, source_of, whole, with_sound
from relaycore.onvif.soap.build import node, text_of
from relaycore.onvif.soap.faults import invalid
from relaycore.onvif.soap.names import TRT
from relaycore.onvif.soap.operations import Call, Operation

__all__ = ["OPERATIONS"]


async def get_video_encoder_configurations(call: Call) -> etree._Element:
    """All of them."""
    found = (elements.video_encoder(call, "trt:Configurations", one) for one in profiles(call))
    return node("trt:GetVideoEncoderConfigurationsResponse", *found)


async def get_video_encoder_configuration(call: Call) -> etree._Element:
    """One of them."""
    return node(
        "trt:GetVideoEncoderConfigurationResponse",
        elements.video_encoder(
            call, "trt:Configuration", encoder_of(call, text_of(call.body, "trt:ConfigurationToken"))
        ),
    )


async def get_compatible_video_encoder_configurations(call: Call) -> etree._Element:
    """That of a profile."""
    return node(
        "trt:GetCompatibleVideoEncoderConfigurationsResponse",
        elements.video_encoder(call, "trt:Configurations", asked(call)),
    )


async def get_video_encoder_configuration_options(call: Call) -> etree._Element:
    """What an encoder may be set to."""
    found = filtered(call)
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
    found = encoder_of(call, wish.get("token"))
    if found.is_mirror:
        raise invalid("ConfigModify", "What is shown here is encoded for another camera.")
    state = found.encoder
    encoding = text_of(wish, "tt:Encoding")
    if encoding not in (None, "JPEG" if state.encoding == "jpeg" else "H264"):
        raise invalid("ConfigModify", "The encoding cannot be changed.")
    width, height = whole(wish, "Resolution/Width"), whole(wish, "Resolution/Height")
    rate = whole(wish, "RateControl/FrameRateLimit")
    kbps = whole(wish, "RateControl/BitrateLimit")
    pictures = whole(wish, "H264/GovLength")
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
    found = source_of(call)
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
    found = with_sound(encoder_of(call, text_of(call.body, "trt:ConfigurationToken")))
    made = elements.audio_encoder(call, "trt:Configuration", found)
    return node("trt:GetAudioEncoderConfigurationResponse", made)


async def get_compatible_audio_encoder_configurations(call: Call) -> etree._Element:
    """That of a profile."""
    found = asked(call)
    made = elements.audio_encoder(call, "trt:Configurations", found) if found.sound else None
    return node("trt:GetCompatibleAudioEncoderConfigurationsResponse", made)


async def get_audio_encoder_configuration_options(call: Call) -> etree._Element:
    """What sound may be encoded like."""
    made = elements.audio_encoder_options("trt:Options", with_sound(filtered(call)))
    return node("trt:GetAudioEncoderConfigurationOptionsResponse", made)


OPERATIONS: Final = (
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
)
