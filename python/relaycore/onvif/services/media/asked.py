"""What requests name: profiles, configurations and numbers in them."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from relaycore.onvif.profiles import Profile, profile_named, profiles
from relaycore.onvif.soap.build import text_of
from relaycore.onvif.soap.faults import invalid
from relaycore.onvif.soap.names import TT
from relaycore.onvif.soap.operations import Call

__all__ = ["asked", "encoder_of", "filtered", "mains", "source_of", "wanted_token", "whole", "with_sound"]


def asked(call: Call) -> Profile:
    """The profile that a request names."""
    return profile_named(call, text_of(call.body, "trt:ProfileToken"))


def mains(call: Call) -> Iterator[Profile]:
    """One profile for each camera."""
    return (profile for profile in profiles(call) if profile.rendition == "main")


def source_of(call: Call) -> Profile:
    """The first profile with the configuration of a source that a request names."""
    token = text_of(call.body, "trt:ConfigurationToken")
    for profile in mains(call):
        if profile.camera == token:
            return profile
    raise invalid("NoConfig", "There is no such configuration.")


def encoder_of(call: Call, token: str | None) -> Profile:
    """The profile with this configuration of an encoder."""
    for profile in profiles(call):
        if profile.token == token:
            return profile
    raise invalid("NoConfig", "There is no such configuration.")


def wanted_token(call: Call) -> str | None:
    """The token of a configuration or of a profile; ``None`` where a request names none."""
    return text_of(call.body, "trt:ConfigurationToken") or text_of(call.body, "trt:ProfileToken")


def filtered(call: Call) -> Profile:
    """The profile that a request names, or whose configuration it names; the first one where it does not."""
    token = wanted_token(call)
    for profile in profiles(call):
        if token in (None, profile.token, profile.camera):
            return profile
    raise invalid("NoConfig", "There is no such configuration.")


def with_sound(profile: Profile) -> Profile:
    """The same profile. Fault where it has no sound."""
    if profile.sound is None:
        raise invalid("NoConfig", "The camera has no sound.")
    return profile


def whole(wish: etree._Element, path: str) -> int | None:
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
