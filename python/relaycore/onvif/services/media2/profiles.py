"""Profiles: they are made of the cameras, and stay as they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from lxml import etree

from relaycore.onvif.media import sources as shared
from relaycore.onvif.media.asked import asked, reply, told, word
from relaycore.onvif.services.media2 import elements
from relaycore.onvif.services.media2.elements import ALL_TYPES
from relaycore.onvif.soap.build import text_of
from relaycore.onvif.soap.faults import Fault, invalid
from relaycore.onvif.soap.names import TR2, local_name
from relaycore.onvif.soap.operations import Call, Operation

__all__ = ["OPERATIONS"]


async def get_profiles(call: Call) -> etree._Element:
    """All profiles or one, with the configurations of the types that are asked for and no others."""
    types = {(one.text or "").strip() for one in call.body if local_name(str(one.tag)) == "Type"}
    wanted = ALL_TYPES if "All" in types else types
    found = list(told(call)) if word(call, "Token") is None else [asked(call, "Token")]
    return reply(call, *(elements.profile_element(call, one, wanted) for one in found))


async def delete_profile(call: Call) -> etree._Element:
    """All profiles stay."""
    asked(call, "Token")
    raise shared.deletion_refused()


async def add_configuration(call: Call) -> etree._Element:
    """A profile may be given what it has already. What another one has does not go with it."""
    profile = asked(call)
    name = word(call, "Name")
    has = elements.configurations(call, profile)
    others = [elements.configurations(call, one) for one in told(call)]
    for kind, token in _named(call):
        if kind not in has or has[kind][0] != token:
            if not any(token == other[kind][0] for other in others if kind in other):
                raise invalid("NoConfig", "There is no such configuration.")
            raise _conflict("The configuration is of another profile.")
    if name not in (None, profile.token):
        raise _conflict("The names of profiles stay.")
    return reply(call)


async def remove_configuration(call: Call) -> etree._Element:
    """What a profile has stays. What it does not have may be taken from it."""
    profile = asked(call)
    has = elements.configurations(call, profile)
    types = {text_of(one, "tr2:Type") for one in _references(call)}
    if "All" in types or types & has.keys():
        raise _conflict("What a profile has stays in it.")
    return reply(call)


OPERATIONS: Final = (
    Operation(TR2, "GetProfiles", "view", get_profiles),
    Operation(TR2, "CreateProfile", "operate", shared.create_profile),
    Operation(TR2, "DeleteProfile", "operate", delete_profile),
    Operation(TR2, "AddConfiguration", "operate", add_configuration),
    Operation(TR2, "RemoveConfiguration", "operate", remove_configuration),
)


def _references(call: Call) -> Iterator[etree._Element]:
    return (one for one in call.body if local_name(str(one.tag)) == "Configuration")


def _named(call: Call) -> Iterator[tuple[str, str | None]]:
    """Types and tokens of a request; ``All`` is left out, as the specification has it."""
    for one in _references(call):
        kind = text_of(one, "tr2:Type") or ""
        if kind != "All":
            yield kind, text_of(one, "tr2:Token")


def _conflict(reason: str) -> Fault:
    return Fault("Receiver", ["ter:Action", "ter:ConfigurationConflict"], reason)
