"""Elements that are the same in both services, in the order of the schema."""

from __future__ import annotations

from typing import Final

from lxml import etree

from relaycore._relaycore import Track
from relaycore.encode.audio import AAC_BITRATE
from relaycore.onvif.profiles import Profile
from relaycore.onvif.soap.build import node
from relaycore.onvif.soap.operations import Call
from relaycore.settings import MulticastSettings

__all__ = [
    "audio_source_configuration",
    "between",
    "gov_length",
    "most_profiles",
    "multicast",
    "size",
    "sound_kbps",
    "video_source_configuration",
]

G711_KBPS: Final = 64
"""Thousands of bits per second, by one channel."""


def gov_length(seconds: float, fps: float) -> int:
    """Pictures from one random access point to the next."""
    return max(1, round(seconds * fps))


def most_profiles(call: Call) -> int:
    """Profiles that the device may have: two for each camera."""
    return max(1, 2 * len(call.device.cameras))


def video_source_configuration(name: str, profile: Profile) -> etree._Element:
    """All of a camera's picture, for both of its profiles."""
    width, height = profile.source.width, profile.source.height
    return node(
        name,
        node("tt:Name", profile.camera),
        node("tt:UseCount", 1 if profile.is_mirror else 2),
        node("tt:SourceToken", profile.camera),
        node("tt:Bounds", x=0, y=0, width=width, height=height),
        token=profile.camera,
    )


def audio_source_configuration(name: str, profile: Profile) -> etree._Element:
    """The microphone of a camera, for both of its profiles."""
    return node(
        name,
        node("tt:Name", profile.camera),
        node("tt:UseCount", 1 if profile.is_mirror else 2),
        node("tt:SourceToken", profile.camera),
        token=profile.camera,
    )


def sound_kbps(sound: Track) -> int:
    """What the sound of cameras is encoded with."""
    if sound.codec == "aac":
        return AAC_BITRATE.get(sound.channels, AAC_BITRATE[2]) // 1000
    return G711_KBPS * max(1, sound.channels)


def multicast(call: Call, profile: Profile) -> etree._Element:
    """Where packets go when a reader asks for multicast; an address of nowhere where that is not set up.

    AutoStart says whether they go there without a session, also after a restart.
    """
    settings: MulticastSettings | None = call.relay.config.path_settings(profile.path).multicast
    if settings is None:
        group, port, ttl = "0.0.0.0", 0, 0  # noqa: S104 (no address)
    else:
        group, port, ttl = settings.group, settings.port, settings.ttl
    kind = "IPv6" if ":" in group else "IPv4"
    return node(
        "tt:Multicast",
        node("tt:Address", node("tt:Type", kind), node(f"tt:{kind}Address", group)),
        node("tt:Port", port),
        node("tt:TTL", ttl),
        node("tt:AutoStart", settings is not None and call.relay.keeps_multicast(profile.path)),
    )


def size(name: str, width: int, height: int) -> etree._Element:
    """Pixels across and down."""
    return node(name, node("tt:Width", width), node("tt:Height", height))


def between(name: str, least: int, most: int) -> etree._Element:
    """A range with both of its ends."""
    return node(name, node("tt:Min", least), node("tt:Max", most))
