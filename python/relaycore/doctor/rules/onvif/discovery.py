"""Rules of ONVIF about being found by WS-Discovery: what is told there is what the device tells."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from relaycore.doctor.findings import Broken, Rule, Untried
from relaycore.doctor.onvif.asking import (
    ask,
    ask_openly,
    ask_optional,
    device,
    need_answer,
    need_here,
    need_text,
    parts_of,
)
from relaycore.doctor.onvif.demands import TRUE, need_known, need_same, need_value
from relaycore.doctor.onvif.questions import DEVICE_CAPABILITIES, REFERENCE, SCOPES, TIME
from relaycore.doctor.onvif.search import Found, found_device, look, probe, resolve
from relaycore.doctor.visit import Visit, without_login
from relaycore.language import Message
from relaycore.onvif.discovery.names import DEVICE_TYPE, DISCOVERY, NVT_TYPE

__all__ = ["RULES"]

EVERYBODY: Final = "onvif://www.onvif.org"
"""The scope that every device of ONVIF is in."""


async def types(visit: Visit) -> None:
    """New clients look for the one, old ones and Windows for the other."""
    found = await _found(visit)
    known = [f"{space}#{name}" for space, name in found.types]
    for space, name in (DEVICE_TYPE, NVT_TYPE):
        need_known("Types", f"{space}#{name}", known, "ProbeMatches")


async def relation(visit: Visit) -> None:
    """Who asks several times knows by this which question was answered."""
    found = await _found(visit)
    need_value("RelatesTo", found.header("RelatesTo"), found.asked)
    need_value("Action", found.header("Action"), f"{DISCOVERY}/ProbeMatches")


async def name(visit: Visit) -> None:
    """By its name, a device is not taken for another one after its address has changed."""
    found = await _found(visit)
    told = need_text(await ask_optional(visit, REFERENCE), ".//tds:GUID")
    need_same("EndpointReference", found.name, told, "GetEndpointReference")


async def scopes(visit: Visit) -> None:
    """What clients show of a camera before they may ask it is true of it."""
    answer = await ask(visit, SCOPES)
    told = {(one.text or "").strip() for one in answer.all(".//tt:ScopeItem")}
    need_same("Scopes", set((await _found(visit)).words("Scopes")), told, "GetScopes")


async def addresses(visit: Visit) -> None:
    """Who has found a device asks it there."""
    told = (await _found(visit)).words("XAddrs")
    if not told:
        raise Broken(Message("The answer has no {name}.", name="XAddrs"))
    host = (urlsplit(device(visit)).hostname or "").lower()
    here = [one for one in told if parts_of(one).hostname == host]
    need_answer(await ask_openly(visit, TIME, need_here(visit, (here or told)[0])))


async def scope(visit: Visit) -> None:
    """Scopes are compared by the beginnings of their paths."""
    await _found(visit)
    if not await look(visit, probe(EVERYBODY)):
        raise Broken(Message("A probe for {scope} is not answered.", scope=EVERYBODY))


async def others(visit: Visit) -> None:
    """Whole words are compared: who looks for D1 does not mean D1-566."""
    found = await _found(visit)
    long = [one for one in found.words("Scopes") if len(one.rpartition("/")[2]) > 1]
    if not long:
        raise Untried(Message("The scopes have no {name}.", name="name"))
    part = long[0][:-1]
    if any(one.name == found.name for one in await look(visit, probe(part))):
        raise Broken(Message("A probe for {scope} is answered.", scope=without_login(part)[:200]))


async def resolved(visit: Visit) -> None:
    """Who knows a name alone finds out where the device is now."""
    found = await _found(visit)
    answer = await ask_openly(visit, DEVICE_CAPABILITIES)
    if not any(one.get("DiscoveryResolve") in TRUE for one in answer.all(".//tds:System")):
        raise Untried(Message("The device does not have this service."))
    if not any(one.name == found.name for one in await look(visit, resolve(found.name))):
        raise Broken(Message("Resolve is not answered."))


async def _found(visit: Visit) -> Found:
    """The answer about this device. Untried where there is none."""
    answer = await ask_openly(visit, REFERENCE)
    return await found_device(visit, answer.text(".//tds:GUID") or "")


RULES: Final = (
    Rule(
        "onvif-found",
        Message("A device that is found is a tds:Device and a dn:NetworkVideoTransmitter."),
        "ONVIF Core §7.3.2.1, §7.3.3",
        types,
    ),
    Rule(
        "onvif-found-relation",
        Message("The answer to a probe names the probe."),
        "WS-Discovery §5.3",
        relation,
    ),
    Rule(
        "onvif-found-name",
        Message("A device is found by the name that it tells."),
        "ONVIF Core §7.3.1",
        name,
    ),
    Rule(
        "onvif-found-scopes",
        Message("A device is found in the scopes that it tells."),
        "ONVIF Core §7.3.2.2",
        scopes,
    ),
    Rule(
        "onvif-found-addresses",
        Message("A device is found at an address where it answers."),
        "ONVIF Core §7.3.2.3, §7.3.3",
        addresses,
    ),
    Rule(
        "onvif-found-scope",
        Message("Who looks in a scope that takes in one of the device finds it."),
        "ONVIF Core §7.3.2.2, §7.3.3",
        scope,
    ),
    Rule(
        "onvif-found-others",
        Message("Who looks for a part of a word in a scope does not find it."),
        "ONVIF Core §7.3.2.2",
        others,
    ),
    Rule(
        "onvif-found-resolve",
        Message("Where a device says that it is found by its name, it is."),
        "ONVIF Core §7.3.4",
        resolved,
    ),
)
"""In the order in which they are checked."""
