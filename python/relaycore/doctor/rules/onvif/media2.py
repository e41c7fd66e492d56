"""Rules of ONVIF about Media2: whether it tells what Media does."""

from __future__ import annotations

import re
from typing import Final

from lxml import etree

from relaycore.doctor.findings import Broken, Rule, Untried
from relaycore.doctor.onvif.asking import ask, need_text, service
from relaycore.doctor.onvif.demands import need_range, need_same, need_value, text_of
from relaycore.doctor.onvif.profiles import escaped, known_profiles, need_scheme, whole
from relaycore.doctor.visit import Visit, without_login
from relaycore.language import Message
from relaycore.onvif.soap.names import NSMAP

__all__ = ["RULES"]


PROTOCOLS: Final = (("RtspUnicast", ("rtsp",)), ("RTSP", ("rtsp",)), ("RtspOverHttp", ("http", "rtsp")))
"""Transports that clients ask for, and what schemes of the addresses begin with."""

WEBSOCKET: Final = re.compile(r"wss?:/(?!/)\S*")
"""A path without a host."""

ALL: Final = "<tr2:GetProfiles><tr2:Type>All</tr2:Type></tr2:GetProfiles>"


async def same_profiles(visit: Visit) -> None:
    """Both services tell of the same cameras."""
    found = {one.get("token") for one in await _profiles(visit)}
    if missing := [one.token for one in await known_profiles(visit) if one.token not in found]:
        raise Broken(Message("Media2 lacks the profiles {tokens}.", tokens=", ".join(missing[:4])))


async def same_encoders(visit: Visit) -> None:
    """A client may ask the one or the other."""
    told = {one.get("token"): one for one in await _profiles(visit)}
    for profile in await known_profiles(visit):
        if profile.token not in told or not profile.configuration:
            continue
        path = "tr2:Configurations/tr2:VideoEncoder"
        encoder = told[profile.token].find(path, namespaces=NSMAP)
        if encoder is None:
            raise Broken(Message("The answer has no {name}.", name=f"VideoEncoder ({profile.token})"))
        own = (encoder.get("token"), text_of(encoder, "tt:Encoding"), *_size(encoder))
        other = (profile.configuration, profile.encoding, profile.width, profile.height)
        need_same(f"VideoEncoder ({profile.token})", own, other, "GetProfiles")


async def types(visit: Visit) -> None:
    """Who asks for no types wants to know of profiles alone."""
    for one in await _profiles(visit, "<tr2:GetProfiles/>"):
        configurations = one.find("tr2:Configurations", namespaces=NSMAP)
        if configurations is not None and len(configurations):
            need_range(f"Configurations ({one.get('token')})", len(configurations), 0, 0)


async def streams(visit: Visit) -> None:
    """The address of a stream by every transport that clients ask for."""
    token = (await _profiles(visit))[0].get("token") or ""
    for protocol, schemes in PROTOCOLS:
        body = (
            f"<tr2:GetStreamUri><tr2:Protocol>{protocol}</tr2:Protocol>"
            f"<tr2:ProfileToken>{escaped(token)}</tr2:ProfileToken></tr2:GetStreamUri>"
        )
        answer = await ask(visit, body, await service(visit, "tr2"))
        need_scheme(visit, protocol, need_text(answer, ".//tr2:Uri"), schemes)


async def websocket(visit: Visit) -> None:
    """Browsers put the host in front that they have reached."""
    answer = await ask(visit, "<tr2:GetServiceCapabilities/>", await service(visit, "tr2"))
    found = [one.get("RTSPWebSocketUri") for one in answer.all(".//tr2:StreamingCapabilities")]
    if not any(found):
        raise Untried(Message("The device does not have this service."))
    for address in found:
        if address and WEBSOCKET.fullmatch(address) is None:
            need_value("RTSPWebSocketUri", without_login(address), "ws:/...", "wss:/...")


async def _profiles(visit: Visit, question: str = ALL) -> list[etree._Element]:
    answer = await ask(visit, question, await service(visit, "tr2"))
    found = answer.all(".//tr2:GetProfilesResponse/tr2:Profiles")
    if not found:
        raise Broken(Message("There is no profile."))
    return found


def _size(encoder: etree._Element) -> tuple[int, int]:
    return whole(encoder, "tt:Resolution/tt:Width"), whole(encoder, "tt:Resolution/tt:Height")


RULES: Final = (
    Rule(
        "onvif-media2",
        Message("Media2 has the profiles of Media."),
        "ONVIF Media2 §5.1.2",
        same_profiles,
    ),
    Rule(
        "onvif-media2-encoders",
        Message("Media2 tells the encoders that Media tells."),
        "ONVIF Media2 §5.1.2",
        same_encoders,
    ),
    Rule(
        "onvif-media2-types",
        Message("Media2 tells no configurations where nobody asks for them."),
        "ONVIF Media2 §5.1.2",
        types,
    ),
    Rule(
        "onvif-media2-streams",
        Message("Streams of Media2 have addresses for UDP, RTSP and HTTP."),
        "ONVIF Media2, GetStreamUri",
        streams,
    ),
    Rule(
        "onvif-websocket",
        Message("RTSP in WebSockets is told by a path of ws or wss."),
        "ONVIF Streaming §5.1.1.6",
        websocket,
    ),
)
"""In the order in which they are checked."""
