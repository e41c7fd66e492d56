"""Encoders: what they do, what they may be set to, and setting them."""

from __future__ import annotations

from typing import Final

from lxml import etree

from relaycore.onvif.media.asked import asked, encoder_of, filtered, source_of, told, whole, with_sound, word
from relaycore.onvif.media.encoders import Wish, change, encodings_of
from relaycore.onvif.services.media import elements
from relaycore.onvif.soap.build import node, text_of
from relaycore.onvif.soap.faults import invalid
from relaycore.onvif.soap.names import TRT
from relaycore.onvif.soap.operations import Call, Operation

__all__ = ["OPERATIONS"]


async def get_video_encoder_configurations(call: Call) -> etree._Element:
    """All of them."""
    found = (elements.video_encoder(call, "trt:Configurations", one) for one in told(call))
    return node("trt:GetVideoEncoderConfigurationsResponse", *found)


async def get_video_encoder_configuration(call: Call) -> etree._Element:
    """One of them."""
    return node(
        "trt:GetVideoEncoderConfigurationResponse",
        elements.video_encoder(call, "trt:Configuration", encoder_of(call, word(call, "ConfigurationToken"))),
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
    state = found.encoder
    encoding = text_of(wish, "tt:Encoding")
    if encoding not in (None, "JPEG" if state.encoding == "jpeg" else "H264"):
        raise invalid("ConfigModify", "The encoding cannot be changed.")
    rate = whole(wish, "RateControl/FrameRateLimit")
    wished = Wish(
        width=whole(wish, "Resolution/Width"),
        height=whole(wish, "Resolution/Height"),
        # The rate that is told is a rounded one.
        fps=None if rate in (None, max(1, round(state.fps))) else float(rate or 0),
        kbps=whole(wish, "RateControl/BitrateLimit"),
        pictures=whole(wish, "H264/GovLength"),
    )
    await change(call, found, wished, keep=call.keeps)
    return node("trt:SetVideoEncoderConfigurationResponse")


async def get_guaranteed_number_of_video_encoder_instances(call: Call) -> etree._Element:
    """All profiles of a camera may be watched at a time."""
    found = encodings_of(call, source_of(call).camera)
    return node(
        "trt:GetGuaranteedNumberOfVideoEncoderInstancesResponse",
        node("trt:TotalNumber", found["jpeg"] + found["h264"]),
        node("trt:JPEG", found["jpeg"]),
        node("trt:H264", found["h264"]),
        node("trt:MPEG4", 0),
    )


async def get_audio_encoder_configurations(call: Call) -> etree._Element:
    """All of them."""
    return node(
        "trt:GetAudioEncoderConfigurationsResponse",
        *(
            elements.audio_encoder(call, "trt:Configurations", one)
            for one in told(call)
            if one.sound is not None
        ),
    )


async def get_audio_encoder_configuration(call: Call) -> etree._Element:
    """One of them."""
    found = with_sound(encoder_of(call, word(call, "ConfigurationToken")))
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
