"""Rules of ONVIF about what is said of the device."""

from __future__ import annotations

from typing import Final

from relaycore.doctor.findings import Broken, Rule
from relaycore.doctor.onvif.asking import ask, need_here, need_text
from relaycore.doctor.onvif.questions import CAPABILITIES, INFORMATION, SERVICES
from relaycore.doctor.visit import Visit
from relaycore.language import Message

__all__ = ["RULES"]


async def information(visit: Visit) -> None:
    """What lists of devices show."""
    answer = await ask(visit, INFORMATION)
    for name in ("Manufacturer", "Model", "FirmwareVersion", "SerialNumber", "HardwareId"):
        need_text(answer, f".//tds:{name}")


async def addresses(visit: Visit) -> None:
    """Services are where the client can go."""
    for body in (SERVICES, CAPABILITIES):
        answer = await ask(visit, body)
        found = answer.all(".//tds:XAddr") or answer.all(".//tt:XAddr")
        if not found:
            raise Broken(Message("The answer has no {name}.", name="XAddr"))
        for one in found:
            need_here(visit, (one.text or "").strip())


async def scopes(visit: Visit) -> None:
    """By these a device is found, and named."""
    answer = await ask(visit, "<tds:GetScopes/>")
    found = [(one.text or "").strip() for one in answer.all(".//tt:ScopeItem")]
    for wanted in ("Profile", "name", "hardware"):
        if not any(one.startswith(f"onvif://www.onvif.org/{wanted}") for one in found):
            raise Broken(Message("The scopes have no {name}.", name=wanted))


RULES: Final = (
    Rule(
        "onvif-information",
        Message("The device tells maker, model, version and number."),
        "ONVIF Core, device",
        information,
    ),
    Rule(
        "onvif-addresses",
        Message("Addresses of services are at the host that was asked."),
        "ONVIF Core, capabilities",
        addresses,
    ),
    Rule(
        "onvif-scopes",
        Message("The scopes tell profile, name and hardware."),
        "ONVIF Core, scopes",
        scopes,
    ),
)
"""In the order in which they are checked."""
