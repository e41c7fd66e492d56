"""What requests name: profiles, configurations and numbers in them. In both services names are alike."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Final

from lxml import etree

from relaycore.onvif.profiles import Profile, profiles
from relaycore.onvif.soap.build import Content, node, text_of
from relaycore.onvif.soap.faults import Fault, invalid
from relaycore.onvif.soap.names import TR2, TRT, TT, local_name
from relaycore.onvif.soap.operations import Call

__all__ = [
    "asked",
    "decimal",
    "encoder_of",
    "encoders",
    "filtered",
    "mains",
    "own",
    "reply",
    "source_of",
    "sources",
    "told",
    "whole",
    "whole_attribute",
    "with_sound",
    "word",
]

_PREFIXES: Final = {TRT: "trt", TR2: "tr2"}


def own(call: Call, name: str) -> str:
    """``prefix:name`` in the namespace of the service that was asked."""
    return f"{_PREFIXES[str(etree.QName(call.body).namespace)]}:{name}"


def word(call: Call, name: str) -> str | None:
    """The text of a child of the request; ``None`` where it is missing or empty."""
    return text_of(call.body, own(call, name))


def reply(call: Call, *content: Content) -> etree._Element:
    """The answer to a request, with this in it."""
    return node(own(call, f"{local_name(str(call.body.tag))}Response"), *content)


def told(call: Call) -> Iterator[Profile]:
    """The profiles that the service can tell of: Media has no name for H.265, Media2 tells of all."""
    can_all = etree.QName(call.body).namespace == TR2
    return (one for one in profiles(call) if can_all or one.encoder.encoding in ("h264", "jpeg"))


def asked(call: Call, name: str = "ProfileToken") -> Profile:
    """The profile that a request names."""
    return _named(told(call), word(call, name), "NoProfile")


def mains(call: Call) -> Iterator[Profile]:
    """One profile for each camera."""
    return (profile for profile in profiles(call) if profile.rendition == "main")


def sources(call: Call) -> list[Profile]:
    """A profile for each configuration of a source that a request means: all where it names none."""
    token, of = word(call, "ConfigurationToken"), word(call, "ProfileToken")
    found = list(mains(call))
    if of is not None:
        camera = asked(call).camera
        found = [profile for profile in found if profile.camera == camera]
    return found if token is None else [_of_camera(found, token)]


def encoders(call: Call) -> list[Profile]:
    """The profile of each configuration of an encoder that a request means: all where it names none."""
    token, of = word(call, "ConfigurationToken"), word(call, "ProfileToken")
    found = list(told(call)) if of is None else [asked(call)]
    return found if token is None else [_named(found, token, "NoConfig")]


def source_of(call: Call) -> Profile:
    """The first profile with the configuration of a source that a request names."""
    return _of_camera(mains(call), word(call, "ConfigurationToken"))


def encoder_of(call: Call, token: str | None) -> Profile:
    """The profile with this configuration of an encoder."""
    return _named(told(call), token, "NoConfig")


def filtered(call: Call) -> Profile:
    """The profile that a request to Media names, or whose configuration it names; else the first one."""
    token = word(call, "ConfigurationToken") or word(call, "ProfileToken")
    for profile in told(call):
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
    return _whole(_text(wish, path), path)


def decimal(wish: etree._Element, path: str) -> float | None:
    """A number in a configuration. Fault where it is none, or out of all bounds."""
    text = _text(wish, path)
    if text is None:
        return None
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    # Neither endless ones nor what is no number are in these bounds.
    if not 0 <= number < 1_000_000:
        raise _no_number(path)
    return number


def whole_attribute(wish: etree._Element, name: str) -> int | None:
    """A whole number in an attribute of a configuration. Fault where it is none, or out of all bounds."""
    return _whole(wish.get(name), name)


def _whole(text: str | None, name: str) -> int | None:
    if text is None or not text.strip():
        return None
    try:
        number = int(text)
    except ValueError:
        number = -1
    if not 0 <= number < 1_000_000:
        raise _no_number(name)
    return number


def _text(wish: etree._Element, path: str) -> str | None:
    text = wish.findtext("/".join(f"{{{TT}}}{part}" for part in path.split("/")))
    return None if text is None or not text.strip() else text


def _no_number(name: str) -> Fault:
    return invalid("ConfigModify", f"{name} is no number that can be.")


def _named(found: Iterable[Profile], token: str | None, subcode: str) -> Profile:
    for profile in found:
        if profile.token == token:
            return profile
    what = "profile" if subcode == "NoProfile" else "configuration"
    raise invalid(subcode, f"There is no such {what}.")


def _of_camera(found: Iterable[Profile], token: str | None) -> Profile:
    for profile in found:
        if profile.camera == token:
            return profile
    raise invalid("NoConfig", "There is no such configuration.")
