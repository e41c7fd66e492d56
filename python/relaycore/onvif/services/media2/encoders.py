"""Encoders: what they do, what they may be set to, and setting them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from lxml import etree

from relaycore.onvif.media.asked import (
    decimal,
    encoder_of,
    encoders,
    reply,
    source_of,
    whole,
    whole_attribute,
    with_sound,
    word,
)
from relaycore.onvif.media.encoders import Wish, change, encodings_of
from relaycore.onvif.profiles import Profile
from relaycore.onvif.services.media2 import elements
from relaycore.onvif.soap.build import node, text_of
from relaycore.onvif.soap.faults import invalid
from relaycore.onvif.soap.names import TR2
from relaycore.onvif.soap.operations import Call, Operation

__all__ = ["OPERATIONS"]


async def get_video_encoder_configurations(call: Call) -> etree._Element:
    """All of them, or those that tokens name."""
    return reply(call, *(elements.video_encoder(call, "tr2:Configurations", one) for one in encoders(call)))


async def get_video_encoder_configuration_options(call: Call) -> etree._Element:
    """What encoders may be set to, once for each encoding."""
    found = _by(lambda one: one.encoder.encoding, encoders(call))
    if not found:
        raise invalid("NoConfig", "There is no camera that runs.")
    options = [(one, call.relay.encoder_options(*one.encoded)) for one in found]
    return reply(call, *(elements.video_encoder_options("tr2:Options", *one) for one in options))


async def set_video_encoder_configuration(call: Call) -> etree._Element:
    """Changes an encoder that runs; sessions go on.

    A bitrate out of its range is brought into it, as the specification wants it.
    """
    asked = call.body.find(f"{{{TR2}}}Configuration")
    if asked is None:
        raise invalid("ConfigModify", "The configuration is missing.")
    found = encoder_of(call, asked.get("token"))
    state = found.encoder
    if text_of(asked, "tt:Encoding") not in (None, elements.encoding_name(state.encoding)):
        raise invalid("ConfigModify", "The encoding cannot be changed.")
    if asked.get("Profile") not in (None, "", state.profile):
        raise invalid("ConfigModify", "The profile of the encoder cannot be changed.")
    slowest, fastest = (bits // 1000 for bits in call.relay.encoder_options(*found.encoded).bitrate)
    kbps = whole(asked, "RateControl/BitrateLimit")
    wish = Wish(
        width=whole(asked, "Resolution/Width"),
        height=whole(asked, "Resolution/Height"),
        fps=decimal(asked, "RateControl/FrameRateLimit"),
        kbps=None if kbps is None else min(max(kbps, slowest), fastest),
        pictures=whole_attribute(asked, "GovLength"),
    )
    await change(call, found, wish)
    return reply(call)


async def get_video_encoder_instances(call: Call) -> etree._Element:
    """All profiles of a camera may be watched at a time."""
    found = encodings_of(call, source_of(call).camera)
    codecs = (
        node(
            "tr2:Codec",
            node("tr2:Encoding", elements.encoding_name(encoding)),
            node("tr2:Number", number),
        )
        for encoding, number in found.items()
    )
    return reply(call, node("tr2:Info", *codecs, node("tr2:Total", found.total())))


async def get_audio_encoder_configurations(call: Call) -> etree._Element:
    """All of them, or those that tokens name."""
    found = _heard(call)
    return reply(call, *(elements.audio_encoder(call, "tr2:Configurations", one) for one in found))


async def get_audio_encoder_configuration_options(call: Call) -> etree._Element:
    """What sound may be encoded like, once for each encoding. Fault where there is no sound."""
    found = _by(lambda one: one.sound and one.sound.codec, _heard(call))
    if not found:
        raise invalid("NoConfig", "No camera here has sound.")
    return reply(call, *(elements.audio_encoder_options("tr2:Options", one) for one in found))


OPERATIONS: Final = (
    Operation(TR2, "GetVideoEncoderConfigurations", "view", get_video_encoder_configurations),
    Operation(TR2, "GetVideoEncoderConfigurationOptions", "view", get_video_encoder_configuration_options),
    Operation(TR2, "SetVideoEncoderConfiguration", "operate", set_video_encoder_configuration),
    Operation(TR2, "GetVideoEncoderInstances", "view", get_video_encoder_instances),
    Operation(TR2, "GetAudioEncoderConfigurations", "view", get_audio_encoder_configurations),
    Operation(TR2, "GetAudioEncoderConfigurationOptions", "view", get_audio_encoder_configuration_options),
)


def _heard(call: Call) -> list[Profile]:
    """Those with sound; a fault where a token names one without."""
    found = encoders(call)
    if word(call, "ConfigurationToken") is not None:
        with_sound(found[0])
    return [one for one in found if one.sound is not None]


def _by(key: Callable[[Profile], str | None], found: list[Profile]) -> list[Profile]:
    """The first profile for each encoding."""
    first: dict[str | None, Profile] = {}
    for profile in found:
        first.setdefault(key(profile), profile)
    return list(first.values())
