"""Rules of ONVIF about pan, tilt and zoom. Nothing is moved."""

from __future__ import annotations

from typing import Final

from lxml import etree

from relaycore.doctor.findings import Broken, Rule, Untried
from relaycore.doctor.onvif.asking import ask, service
from relaycore.doctor.onvif.client import Soap
from relaycore.doctor.onvif.demands import (
    TRUE,
    content,
    need_known,
    need_range,
    need_same,
    need_tokens,
    need_utc,
    need_value,
    signed,
    text_of,
)
from relaycore.doctor.onvif.profiles import escaped, number, profile_elements
from relaycore.doctor.visit import Visit
from relaycore.language import Message
from relaycore.onvif.soap.durations import seconds_of
from relaycore.onvif.soap.names import NSMAP, local_name

__all__ = ["RULES"]

FOV: Final = "http://www.onvif.org/ver10/tptz/PanTiltSpaces/TranslationSpaceFov"
"""The space whose unit is what is seen."""

MOST_NODES: Final = 4
"""Nodes and configurations that are asked for one by one."""

DEFAULTS: Final = {
    # The schema has the first one with this letter too many.
    "DefaultAbsolutePantTiltPositionSpace": "AbsolutePanTiltPositionSpace",
    "DefaultAbsoluteZoomPositionSpace": "AbsoluteZoomPositionSpace",
    "DefaultRelativePanTiltTranslationSpace": "RelativePanTiltTranslationSpace",
    "DefaultRelativeZoomTranslationSpace": "RelativeZoomTranslationSpace",
    "DefaultContinuousPanTiltVelocitySpace": "ContinuousPanTiltVelocitySpace",
    "DefaultContinuousZoomVelocitySpace": "ContinuousZoomVelocitySpace",
}
"""What a configuration calls spaces that are taken where nobody names one, and what nodes call them."""

SLACK: Final = 0.001
"""How far a position may lie beyond the end of its range, since it is rounded."""

MOVING: Final = ("IDLE", "MOVING", "UNKNOWN")


async def nodes(visit: Visit) -> None:
    """What can be moved says how, and says the same when it is asked for alone."""
    found = await _nodes(visit)
    need_tokens("GetNodes", [one.get("token") for one in found])
    for node in found[:MOST_NODES]:
        token = node.get("token") or ""
        if not _spaces(node, "tt:SupportedPTZSpaces"):
            raise Broken(Message("The answer has no {name}.", name=f"SupportedPTZSpaces ({token})"))
        body = f"<tptz:GetNode><tptz:NodeToken>{escaped(token)}</tptz:NodeToken></tptz:GetNode>"
        alone = (await ask(visit, body, await service(visit, "tptz"))).all(".//tptz:PTZNode")
        if not alone:
            raise Broken(Message("The answer has no {name}.", name="PTZNode"))
        need_same(f"GetNodes ({token})", content(node), content(alone[0]), "GetNode")


async def configurations(visit: Visit) -> None:
    """A move without a space is one in the space of the configuration, which its node has to have."""
    by_token = {one.get("token") or "": one for one in await _nodes(visit)}
    found = await _configurations(visit)
    need_tokens("GetConfigurations", [one.get("token") for one in found])
    for one in found:
        token = one.get("token")
        need_known(f"NodeToken ({token})", text_of(one, "tt:NodeToken"), by_token, "GetNodes")
        spaces = _spaces(by_token[text_of(one, "tt:NodeToken")], "tt:SupportedPTZSpaces")
        for default, kind in DEFAULTS.items():
            space = text_of(one, f"tt:{default}")
            if space or kind in spaces:
                need_known(f"{default} ({token})", space, spaces.get(kind, ()), "GetNodes")
        if any(kind.startswith("Continuous") for kind in spaces):
            _need_duration(f"DefaultPTZTimeout ({token})", text_of(one, "tt:DefaultPTZTimeout"))


async def profiles(visit: Visit) -> None:
    """What a profile moves by is one of the configurations."""
    moved = await _moved_profiles(visit)
    known = {one.get("token") or "": content(one) for one in await _configurations(visit)}
    for profile in moved:
        own = profile.find("tt:PTZConfiguration", namespaces=NSMAP)
        assert own is not None
        token = own.get("token") or ""
        need_known("PTZConfiguration", token, known, "GetConfigurations")
        need_same(f"PTZConfiguration ({token})", content(own), known[token], "GetConfigurations")


async def options(visit: Visit) -> None:
    """What may be asked for is what the node has."""
    by_token = {one.get("token") or "": one for one in await _nodes(visit)}
    for one in (await _configurations(visit))[:MOST_NODES]:
        answer = await _options(visit, one)
        found = answer.all(".//tptz:PTZConfigurationOptions")
        node = by_token.get(text_of(one, "tt:NodeToken"))
        if not found or node is None:
            raise Broken(Message("The answer has no {name}.", name="PTZConfigurationOptions"))
        offered = _spaces(found[0], "tt:Spaces")
        for kind, spaces in _spaces(node, "tt:SupportedPTZSpaces").items():
            for space in spaces:
                need_known(kind, space, offered.get(kind, ()), "GetConfigurationOptions")
        timeout = seconds_of(text_of(one, "tt:DefaultPTZTimeout"), with_calendar=False)
        if timeout is not None:
            least, most = (
                _need_duration(f"PTZTimeout {end}", text_of(found[0], f"tt:PTZTimeout/tt:{end}"))
                for end in ("Min", "Max")
            )
            need_range("DefaultPTZTimeout", timeout, least, most)


async def status(visit: Visit) -> None:
    """Who follows what moves asks for this many times in a second."""
    address = await service(visit, "tptz")
    answer = await ask(visit, "<tptz:GetServiceCapabilities/>", address)
    told = {
        name
        for one in answer.all(".//tptz:Capabilities")
        for name, value in one.attrib.items()
        if value in TRUE
    }
    token = escaped((await _moved_profiles(visit))[0].get("token") or "")
    body = f"<tptz:GetStatus><tptz:ProfileToken>{token}</tptz:ProfileToken></tptz:GetStatus>"
    found = (await ask(visit, body, address)).all(".//tptz:PTZStatus")
    if not found:
        raise Broken(Message("The answer has no {name}.", name="PTZStatus"))
    for capability, name in (("MoveStatus", "MoveStatus"), ("StatusPosition", "Position")):
        if capability in told and found[0].find(f"tt:{name}", namespaces=NSMAP) is None:
            raise Broken(Message("The answer has no {name}.", name=name))
    for one in found[0].findall("tt:MoveStatus/*", namespaces=NSMAP):
        need_value(f"MoveStatus {local_name(str(one.tag))}", (one.text or "").strip(), *MOVING)
    need_utc("UtcTime", text_of(found[0], "tt:UtcTime"))


async def position(visit: Visit) -> None:
    """Where it looks is a place of a space that its node has."""
    profile = (await _moved_profiles(visit))[0]
    token = escaped(profile.get("token") or "")
    body = f"<tptz:GetStatus><tptz:ProfileToken>{token}</tptz:ProfileToken></tptz:GetStatus>"
    answer = await ask(visit, body, await service(visit, "tptz"))
    node = await _node_of(visit, profile)
    places = answer.all(".//tptz:PTZStatus/tt:Position/*")
    if not places:
        raise Untried(Message("The device does not tell where it looks."))
    for place in places:
        kind = f"Absolute{local_name(str(place.tag))}PositionSpace"
        for space in node.findall(f"tt:SupportedPTZSpaces/tt:{kind}", namespaces=NSMAP):
            if place.get("space") in (None, text_of(space, "tt:URI")):
                _need_place(place, space)
                break
        else:
            space_name = place.get("space") or ""
            need_known(kind, space_name, _spaces(node, "tt:SupportedPTZSpaces").get(kind, ()), "GetNodes")


async def field_of_view(visit: Visit) -> None:
    """Trackers move by what they see, and do not know the angles of a lens."""
    kind = "RelativePanTiltTranslationSpace"
    spaces = [_spaces(one, "tt:SupportedPTZSpaces").get(kind, []) for one in await _nodes(visit)]
    if not any(spaces):
        raise Untried(Message("The device does not move by steps."))
    need_known(kind, FOV, [space for known in spaces for space in known], "GetNodes")


async def presets(visit: Visit) -> None:
    """Places that are kept are told apart, and are not more than there may be."""
    profile = (await _moved_profiles(visit))[0]
    token = escaped(profile.get("token") or "")
    body = f"<tptz:GetPresets><tptz:ProfileToken>{token}</tptz:ProfileToken></tptz:GetPresets>"
    found = (await ask(visit, body, await service(visit, "tptz"))).all(".//tptz:Preset")
    need_tokens("GetPresets", [one.get("token") for one in found])
    most = number(text_of(await _node_of(visit, profile), "tt:MaximumNumberOfPresets"))
    need_range("GetPresets", len(found), 0, most)


async def _nodes(visit: Visit) -> list[etree._Element]:
    """All nodes. Untried where nothing can be moved."""
    found = (await ask(visit, "<tptz:GetNodes/>", await service(visit, "tptz"))).all(".//tptz:PTZNode")
    if not found:
        raise Untried(Message("The device does not have this service."))
    return found


async def _configurations(visit: Visit) -> list[etree._Element]:
    answer = await ask(visit, "<tptz:GetConfigurations/>", await service(visit, "tptz"))
    found = answer.all(".//tptz:PTZConfiguration")
    if not found:
        raise Broken(Message("The answer has no {name}.", name="PTZConfiguration"))
    return found


async def _moved_profiles(visit: Visit) -> list[etree._Element]:
    """The profiles that can be moved. Untried where there are none."""
    await _nodes(visit)
    found = [
        one
        for one in await profile_elements(visit)
        if one.find("tt:PTZConfiguration", namespaces=NSMAP) is not None
    ]
    if not found:
        raise Untried(Message("No profile can be moved."))
    return found


async def _node_of(visit: Visit, profile: etree._Element) -> etree._Element:
    token = text_of(profile, "tt:PTZConfiguration/tt:NodeToken")
    by_token = {one.get("token") or "": one for one in await _nodes(visit)}
    need_known("NodeToken", token, by_token, "GetNodes")
    return by_token[token]


async def _options(visit: Visit, configuration: etree._Element) -> Soap:
    token = escaped(configuration.get("token") or "")
    body = (
        f"<tptz:GetConfigurationOptions><tptz:ConfigurationToken>{token}</tptz:ConfigurationToken>"
        "</tptz:GetConfigurationOptions>"
    )
    return await ask(visit, body, await service(visit, "tptz"))


def _spaces(element: etree._Element, path: str) -> dict[str, list[str]]:
    """The spaces at a path, by what they are for."""
    found: dict[str, list[str]] = {}
    for space in element.findall(f"{path}/*", namespaces=NSMAP):
        if uri := text_of(space, "tt:URI"):
            found.setdefault(local_name(str(space.tag)), []).append(uri)
    return found


def _need_place(place: etree._Element, space: etree._Element) -> None:
    """Broken where a place is out of its space."""
    for axis, limits in (("x", "XRange"), ("y", "YRange")):
        value, bounds = place.get(axis), space.find(f"tt:{limits}", namespaces=NSMAP)
        if value is not None and bounds is not None:
            least, most = (signed(text_of(bounds, f"tt:{end}")) for end in ("Min", "Max"))
            need_range(f"{local_name(str(place.tag))} {axis}", signed(value), least - SLACK, most + SLACK)


def _need_duration(name: str, text: str) -> float:
    """The seconds of a duration of days and less. Broken where it is none."""
    found = seconds_of(text, with_calendar=False)
    if found is None:
        need_value(name, text, "PT10S")
        return 0.0
    return found


RULES: Final = (
    Rule(
        "onvif-ptz-nodes",
        Message("What can be moved says in which spaces, and says the same alone."),
        "ONVIF PTZ §5.1",
        nodes,
    ),
    Rule(
        "onvif-ptz-configurations",
        Message("Configurations of PTZ have a node, and spaces that it has."),
        "ONVIF PTZ §5.2.1",
        configurations,
    ),
    Rule(
        "onvif-ptz-profiles",
        Message("Profiles move by configurations that are told."),
        "ONVIF PTZ §5.2.2",
        profiles,
    ),
    Rule(
        "onvif-ptz-options",
        Message("Options of PTZ have the spaces of the node, and the timeout that is set."),
        "ONVIF PTZ §5.2.4",
        options,
    ),
    Rule(
        "onvif-ptz-status",
        Message("GetStatus tells position and motion where the capabilities say so, and when."),
        "ONVIF PTZ §5.3, GetStatus",
        status,
    ),
    Rule(
        "onvif-ptz-position",
        Message("The position is one in a space of the node."),
        "ONVIF PTZ §5.3, GetStatus",
        position,
    ),
    Rule(
        "onvif-ptz-fov",
        Message("What moves by steps moves by parts of what is seen, too."),
        "Frigate, autotracking",
        field_of_view,
    ),
    Rule(
        "onvif-ptz-presets",
        Message("Presets have tokens of their own, and are not more than the node has."),
        "ONVIF PTZ, GetPresets",
        presets,
    ),
)
"""In the order in which they are checked."""
