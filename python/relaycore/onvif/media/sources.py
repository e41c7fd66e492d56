"""Cameras and microphones, and what profiles never have. Both services answer alike."""

from __future__ import annotations

from lxml import etree

from relaycore.onvif.media import elements
from relaycore.onvif.media.asked import asked, own, reply, source_of, sources, with_sound, word
from relaycore.onvif.soap.build import node
from relaycore.onvif.soap.faults import Fault, invalid
from relaycore.onvif.soap.operations import Call

__all__ = [
    "create_profile",
    "deletion_refused",
    "get_audio_source_configuration_options",
    "get_audio_source_configurations",
    "get_nothing",
    "get_nothing_drawn",
    "get_video_source_configuration_options",
    "get_video_source_configurations",
]


async def create_profile(call: Call) -> etree._Element:  # noqa: ARG001
    """There are as many as there may be: recorders that make one of their own take that for an answer."""
    raise Fault(
        "Receiver", ["ter:Action", "ter:MaxNVTProfiles"], "There are as many profiles as there may be."
    )


def deletion_refused() -> Fault:
    """All profiles stay."""
    return Fault("Sender", ["ter:Action", "ter:DeletionOfFixedProfile"], "A fixed profile stays.")


async def get_video_source_configurations(call: Call) -> etree._Element:
    """One for each camera."""
    name = own(call, "Configurations")
    return reply(call, *(elements.video_source_configuration(name, one) for one in sources(call)))


async def get_video_source_configuration_options(call: Call) -> etree._Element:
    """The whole picture of each camera, and nothing else."""
    found = sources(call)
    if not found:
        raise invalid("NoConfig", "There is no camera that runs.")
    width, height = found[0].source.width, found[0].source.height
    bounds = node(
        "tt:BoundsRange",
        *(
            elements.between(f"tt:{name}Range", value, value)
            for name, value in (("X", 0), ("Y", 0), ("Width", width), ("Height", height))
        ),
    )
    tokens = (node("tt:VideoSourceTokensAvailable", one.camera) for one in found)
    return reply(call, node(own(call, "Options"), bounds, *tokens))


async def get_audio_source_configurations(call: Call) -> etree._Element:
    """One for each microphone."""
    found, name = sources(call), own(call, "Configurations")
    if word(call, "ConfigurationToken") is not None:
        with_sound(found[0])
    heard = [one for one in found if one.sound is not None]
    return reply(call, *(elements.audio_source_configuration(name, one) for one in heard))


async def get_audio_source_configuration_options(call: Call) -> etree._Element:
    """The microphones. Fault where there is none: the schema wants one at least."""
    heard = [one for one in sources(call) if one.sound is not None]
    if not heard:
        raise invalid("NoConfig", "No camera here has sound.")
    tokens = (node("tt:InputTokensAvailable", one.camera) for one in heard)
    return reply(call, node(own(call, "Options"), *tokens))


async def get_nothing(call: Call) -> etree._Element:
    """Configurations that cameras here never have, as of metadata, analytics and loudspeakers."""
    if word(call, "ProfileToken") is not None:
        asked(call)
    if word(call, "ConfigurationToken") is not None:
        raise invalid("NoConfig", "There is no such configuration.")
    return reply(call)


async def get_nothing_drawn(call: Call) -> etree._Element:
    """Texts and masks that could be changed: there are none. Masks of the settings are not ONVIF's."""
    if word(call, "ConfigurationToken") is not None:
        source_of(call)
    if word(call, "OSDToken") is not None or word(call, "Token") is not None:
        raise invalid("NoConfig", "There is no such configuration.")
    return reply(call)
