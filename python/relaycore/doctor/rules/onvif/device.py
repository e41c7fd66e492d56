"""Rules of ONVIF about what is said of the device."""

from __future__ import annotations

import re
from typing import Final

from relaycore.doctor.findings import Broken, Rule
from relaycore.doctor.onvif.asking import ask, ask_optional, need_here, need_text, service, services
from relaycore.doctor.onvif.demands import (
    TRUE,
    content,
    need_known,
    need_same,
    need_tokens,
    need_value,
    text_of,
)
from relaycore.doctor.onvif.questions import CAPABILITIES, INFORMATION, REFERENCE, SERVICES, TIME
from relaycore.doctor.visit import Visit
from relaycore.language import Message
from relaycore.onvif.soap.names import NSMAP, TDS

__all__ = ["RULES"]


MOST_SERVICES: Final = 16
"""Services that are asked what they can do."""

CATEGORIES: Final = {
    "Device": NSMAP["tds"],
    "Events": NSMAP["tev"],
    "Imaging": NSMAP["timg"],
    "Media": NSMAP["trt"],
    "PTZ": NSMAP["tptz"],
}
"""What GetCapabilities calls services."""

ZONE: Final = re.compile(r"(?:<[A-Za-z0-9+-]{3,}>|[A-Za-z]{3,})[+-]?\d{1,3}(?::\d{1,2}){0,2}")
"""How POSIX begins a time zone: a name, and how far it is west of UTC (IEEE 1003.1 section 8.3)."""

URN: Final = re.compile(r"urn:uuid:[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
"""The name of a device (RFC 9562 section 4)."""

HARDWARE: Final = re.compile(r"[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5}")


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


async def time_zone(visit: Visit) -> None:
    """Some clients set a clock that is not said to follow NTP, and show the times of the device."""
    answer = await ask(visit, TIME)
    need_value("DateTimeType", need_text(answer, ".//tt:DateTimeType"), "Manual", "NTP")
    zone = answer.text(".//tt:TimeZone/tt:TZ")
    if zone is not None and ZONE.match(zone) is None:
        need_value("TZ", zone, "UTC0", "CET-1CEST", "<+0330>-3:30")


async def known_services(visit: Visit) -> None:
    """Each is there once, with the version by which clients choose."""
    answer = await ask(visit, SERVICES)
    found = answer.all(".//tds:GetServicesResponse/tds:Service")
    need_tokens("GetServices", [text_of(one, "tds:Namespace") for one in found])
    need_known("Namespace", TDS, [text_of(one, "tds:Namespace") for one in found], "GetServices")
    for one in found:
        for name in ("Major", "Minor"):
            version = text_of(one, f"tds:Version/tt:{name}")
            if not (version.isascii() and version.isdigit()):
                need_value(f"{text_of(one, 'tds:Namespace')} {name}", version, "0-99")


async def capabilities(visit: Visit) -> None:
    """Old clients ask by the one, new ones by the other, and all come to the same place."""
    told = await services(visit)
    answer = await ask(visit, CAPABILITIES)
    for category, namespace in CATEGORIES.items():
        address = answer.text(f".//tds:Capabilities/tt:{category}/tt:XAddr")
        if address is not None:
            need_known(f"{category} XAddr", address, [told.get(namespace, "")], "GetServices")


async def service_capabilities(visit: Visit) -> None:
    """What services can do is told with them, and by each of them."""
    answer = await ask(visit, SERVICES.replace("false", "true"))
    of_services = {
        text_of(one, "tds:Namespace"): one.find("tds:Capabilities/*", namespaces=NSMAP)
        for one in answer.all(".//tds:GetServicesResponse/tds:Service")
    }
    prefixes = {space: prefix for prefix, space in NSMAP.items()}
    for namespace, told in list(of_services.items())[:MOST_SERVICES]:
        if namespace not in prefixes:
            continue
        if told is None:
            raise Broken(Message("The answer has no {name}.", name=f"Capabilities ({namespace})"))
        prefix = prefixes[namespace]
        question = f"<{prefix}:GetServiceCapabilities/>"
        own = await ask(visit, question, await service(visit, prefix))
        found = next(iter(own.all(f".//{prefix}:Capabilities")), None)
        if found is None:
            raise Broken(Message("The answer has no {name}.", name="Capabilities"))
        need_same("GetServices", content(told), content(found), question.strip("</>"))


async def reference(visit: Visit) -> None:
    """By this name a device is the same one after any change of addresses."""
    answer = await ask_optional(visit, REFERENCE)
    name = need_text(answer, ".//tds:GUID")
    if URN.fullmatch(name) is None:
        need_value("GUID", name, "urn:uuid:01234567-89ab-cdef-0123-456789abcdef")
    need_same("GUID", name, (await ask(visit, REFERENCE)).text(".//tds:GUID"), "GetEndpointReference")


async def interfaces(visit: Visit) -> None:
    """Some clients tell devices apart by their hardware addresses."""
    answer = await ask_optional(visit, "<tds:GetNetworkInterfaces/>")
    found = [one for one in answer.all(".//tds:NetworkInterfaces") if text_of(one, "tt:Enabled") in TRUE]
    if not found:
        raise Broken(Message("The answer has no {name}.", name="NetworkInterfaces"))
    for one in found:
        address = text_of(one, "tt:Info/tt:HwAddress")
        if HARDWARE.fullmatch(address) is None:
            need_value("HwAddress", address, "00:11:22:33:44:55")


RULES: Final = (
    Rule(
        "onvif-information",
        Message("The device tells maker, model, version and number."),
        "ONVIF Core §8.3",
        information,
    ),
    Rule(
        "onvif-addresses",
        Message("Addresses of services are at the host that was asked."),
        "ONVIF Core §8.1.2",
        addresses,
    ),
    Rule(
        "onvif-scopes",
        Message("The scopes tell profile, name and hardware."),
        "ONVIF Core §7.3.2.2",
        scopes,
    ),
    Rule(
        "onvif-time-zone",
        Message("The clock is set by hand or by NTP, and its zone is written as POSIX has it."),
        "ONVIF Core §8.3",
        time_zone,
    ),
    Rule(
        "onvif-services",
        Message("Each service is told once, with its version."),
        "ONVIF Core §8.1.2.2",
        known_services,
    ),
    Rule(
        "onvif-capabilities",
        Message("GetCapabilities tells the addresses that GetServices tells."),
        "ONVIF Core §8.1.2",
        capabilities,
    ),
    Rule(
        "onvif-service-capabilities",
        Message("GetServices tells the capabilities that each service tells."),
        "ONVIF Core §8.1.2.2, §8.1.2.3",
        service_capabilities,
    ),
    Rule(
        "onvif-reference",
        Message("The name of the device is a URN with a UUID."),
        "ONVIF Core §7.3.1",
        reference,
    ),
    Rule(
        "onvif-interfaces",
        Message("Interfaces of the network are told with their hardware address."),
        "ONVIF Core §8.2",
        interfaces,
    ),
)
"""In the order in which they are checked."""
