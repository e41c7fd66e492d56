"""Rules of ONVIF about where streams are."""

from __future__ import annotations

import ipaddress
from typing import Final
from urllib.parse import urlsplit

from relaycore.doctor.findings import Broken, Rule
from relaycore.doctor.onvif.asking import (
    answer_to,
    need_answer,
    need_here,
    need_permission,
    need_text,
    service,
    shown_address,
)
from relaycore.doctor.onvif.demands import need_range, need_value, text_of
from relaycore.doctor.onvif.profiles import (
    known_profiles,
    need_scheme,
    number,
    profile_elements,
    snapshot_question,
    stream_address,
    stream_question,
)
from relaycore.doctor.visit import Visit
from relaycore.language import Message
from relaycore.onvif.soap.names import NSMAP

__all__ = ["RULES"]

STREAMS: Final = (("UDP", ("rtsp",)), ("RTSP", ("rtsp",)), ("HTTP", ("http", "rtsp")))
"""Transports that clients ask for, and what schemes of the addresses begin with."""

LONGEST: Final = 128
"""Bytes of an address."""

PORTS: Final = {"http": 80, "https": 443, "rtsp": 554, "rtsps": 322}
"""Ports of addresses without one."""


async def streams(visit: Visit) -> None:
    """The address of a stream by every transport that clients ask for."""
    first = (await known_profiles(visit))[0].token
    for transport, schemes in STREAMS:
        need_scheme(visit, transport, await stream_address(visit, first, transport), schemes)


async def lengths(visit: Visit) -> None:
    """Other services of ONVIF keep no longer ones."""
    first = (await known_profiles(visit))[0].token
    for transport, _ in STREAMS:
        address = await stream_address(visit, first, transport)
        need_range(f"Uri ({transport})", len(address.encode()), 1, LONGEST)


async def tunnel_port(visit: Visit) -> None:
    """Who reaches the web services through a router reaches the stream as well."""
    first = (await known_profiles(visit))[0].token
    address = need_here(visit, await stream_address(visit, first, "HTTP"))
    need_value("Uri, port", str(_port(address)), str(_port(await service(visit, "trt"))))


async def lasting(visit: Visit) -> None:
    """Recorders keep an address for years."""
    first = (await known_profiles(visit))[0].token
    for question in (stream_question(first), snapshot_question(first)):
        answer = await answer_to(visit, question, await service(visit, "trt"))
        if answer.is_fault and "GetSnapshotUri" in question:
            continue
        need_answer(answer)
        for name in ("InvalidAfterConnect", "InvalidAfterReboot"):
            need_value(name, need_text(answer, f".//tt:{name}"), "false", "0")
        need_value("Timeout", need_text(answer, ".//tt:Timeout"), "PT0S", "P0D", "PT0H", "PT0M", "P0Y")


async def multicast(visit: Visit) -> None:
    """Who is told of a stream by multicast has to hear it somewhere."""
    profile = (await profile_elements(visit))[0]
    answer = await answer_to(
        visit,
        stream_question(profile.get("token") or "", "UDP", "RTP-Multicast"),
        await service(visit, "trt"),
    )
    need_permission(visit, answer)
    if answer.is_fault:
        return
    need_answer(answer)
    place = profile.find("tt:VideoEncoderConfiguration/tt:Multicast", namespaces=NSMAP)
    if place is None:
        raise Broken(Message("The answer has no {name}.", name="Multicast"))
    group = text_of(place, "tt:Address/tt:IPv4Address") or text_of(place, "tt:Address/tt:IPv6Address")
    if not _is_group(group):
        need_value("Multicast", group, "224.0.0.0/4", "ff00::/8")
    need_range("Port", number(text_of(place, "tt:Port")), 1, 65535)
    need_range("TTL", number(text_of(place, "tt:TTL")), 1, 255)


def _port(address: str) -> int | None:
    """The port of an address. Broken where it is none."""
    parts = urlsplit(address)
    try:
        return parts.port or PORTS.get(parts.scheme)
    except ValueError:
        raise Broken(Message("{address} is no address.", address=repr(shown_address(address)))) from None


def _is_group(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).is_multicast
    except ValueError:
        return False


RULES: Final = (
    Rule(
        "onvif-streams",
        Message("Streams have addresses for UDP, RTSP and HTTP."),
        "ONVIF Media §5.15.1",
        streams,
    ),
    Rule(
        "onvif-uri-length",
        Message("Addresses of streams have no more than 128 bytes."),
        "ONVIF Media §5.15.1",
        lengths,
    ),
    Rule(
        "onvif-tunnel-port",
        Message("The stream over HTTP is at the port of the web service."),
        "ONVIF Media §5.15.1",
        tunnel_port,
    ),
    Rule(
        "onvif-lasting",
        Message("Addresses of streams and pictures hold for ever."),
        "ONVIF Media §5.15.1, §5.16.1",
        lasting,
    ),
    Rule(
        "onvif-multicast",
        Message("A stream by multicast has a group, a port and a TTL, or is refused."),
        "ONVIF Media §5.15.1, §5.17",
        multicast,
    ),
)
"""In the order in which they are checked."""
