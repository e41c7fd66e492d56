"""Looks for the device by WS-Discovery (April 2005), as programs that look for cameras do."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import uuid
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from lxml import etree

from relaycore.doctor.findings import Untried
from relaycore.doctor.onvif.asking import device
from relaycore.doctor.visit import Visit
from relaycore.language import Message
from relaycore.onvif.discovery.names import ADDRESSING, DISCOVERY, DISCOVERY_TO, GROUP_V4, NVT_TYPE
from relaycore.onvif.soap.names import ENVELOPE, TDS
from relaycore.onvif.soap.xml import BadXml, parse

__all__ = ["Found", "found_device", "look", "probe", "resolve"]

FIRST_S: Final = 2.0
"""Seconds until the first answer: devices wait for half a second, some for longer."""

MORE_S: Final = 0.6
"""Seconds after it in which further devices of the host answer (APP_MAX_DELAY is half a second)."""

MOST_DATAGRAMS: Final = 64
"""Datagrams that are read."""

MOST_BYTES: Final = 64 * 1024
"""Bytes of a datagram."""

_SPACES: Final = {"s": ENVELOPE, "a": ADDRESSING, "d": DISCOVERY}
_KEPT: Final = "onvif-found"


@dataclass(frozen=True, slots=True)
class Found:
    """An answer about one device. ``asked`` is the id of the question, ``root`` the envelope."""

    asked: str
    root: etree._Element
    match: etree._Element

    def header(self, name: str) -> str:
        """What a header of WS-Addressing says; empty without."""
        return (self.root.findtext(f"s:Header/a:{name}", namespaces=_SPACES) or "").strip()

    @property
    def name(self) -> str:
        """The name of the device."""
        return (self.match.findtext("a:EndpointReference/a:Address", namespaces=_SPACES) or "").strip()

    def words(self, name: str) -> list[str]:
        """What ``Scopes`` or ``XAddrs`` have."""
        return (self.match.findtext(f"d:{name}", namespaces=_SPACES) or "").split()

    @property
    def types(self) -> set[tuple[str | None, str]]:
        """What the device is, by namespace and name."""
        element = self.match.find("d:Types", namespaces=_SPACES)
        if element is None:
            return set()
        split = [word.rpartition(":") for word in (element.text or "").split()]
        return {(element.nsmap.get(prefix or None), name) for prefix, _, name in split}


async def found_device(visit: Visit, name: str) -> Found:
    """The answer about a device, asked for once and shown with every rule that looks at it.

    Where none has its name, it is the first one. Untried where nobody answers.
    """
    kept = visit.kept.get(_KEPT)
    if not isinstance(kept, tuple):
        begin = len(visit.said)
        kept = await look(visit, probe()), visit.said[begin:]
        visit.kept[_KEPT] = kept
    else:
        visit.said.extend(kept[1])
    found: list[Found] = kept[0]
    if not found:
        raise Untried(Message("Nobody answers a probe of WS-Discovery."))
    return next((one for one in found if one.name == name), found[0])


def probe(scope: str = "") -> str:
    """What asks for all cameras, or for those in a scope."""
    scopes = f"<d:Scopes>{scope}</d:Scopes>" if scope else ""
    return f"<d:Probe><d:Types>dn:NetworkVideoTransmitter</d:Types>{scopes}</d:Probe>"


def resolve(name: str) -> str:
    """What asks where a device is."""
    return f"<d:Resolve><a:EndpointReference><a:Address>{name}</a:Address></a:EndpointReference></d:Resolve>"


async def look(visit: Visit, body: str) -> list[Found]:
    """What the host of the device answers to a question, which it gets itself, and by multicast.

    Untried where nothing can be sent there.
    """
    host = urlsplit(device(visit)).hostname or ""
    asked = f"urn:uuid:{uuid.uuid4()}"
    visit.said.append((True, f"UDP {host}:{visit.discovery_port}\n{body}".encode()))
    try:
        known = await asyncio.get_running_loop().getaddrinfo(
            host, visit.discovery_port, type=socket.SOCK_DGRAM
        )
        family, place = known[0][0], str(known[0][4][0])
        datagrams = await _exchange(family, (place, visit.discovery_port), _question(asked, body))
    except OSError:
        raise Untried(Message("Nobody answers a probe of WS-Discovery.")) from None
    found = []
    for data in datagrams:
        visit.said.append((False, f"UDP {len(data)} B\n".encode() + data.replace(b"><", b">\n<")))
        with contextlib.suppress(BadXml):
            root = parse(data, MOST_BYTES)
            matches = root.findall("s:Body/*/d:ProbeMatch", namespaces=_SPACES)
            matches += root.findall("s:Body/*/d:ResolveMatch", namespaces=_SPACES)
            found += [Found(asked, root, match) for match in matches]
    return found


def _question(asked: str, body: str) -> bytes:
    action = "Resolve" if body.startswith("<d:Resolve") else "Probe"
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        f'<s:Envelope xmlns:s="{ENVELOPE}" xmlns:a="{ADDRESSING}" xmlns:d="{DISCOVERY}" '
        f'xmlns:dn="{NVT_TYPE[0]}" xmlns:tds="{TDS}"><s:Header><a:MessageID>{asked}</a:MessageID>'
        f"<a:To>{DISCOVERY_TO}</a:To>"
        f"<a:Action>{DISCOVERY}/{action}</a:Action></s:Header><s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


async def _exchange(family: socket.AddressFamily, address: tuple[str, int], data: bytes) -> list[bytes]:
    """Datagrams that come from an address after one was sent there. OSError where that is not possible."""
    transport, listening = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: _Listening(address[0]), family=family
    )
    try:
        transport.sendto(data, address)
        if family == socket.AF_INET and not address[0].startswith("127."):
            # Others may answer as well; they are not listened to.
            transport.sendto(data, (GROUP_V4, address[1]))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(listening.heard.wait(), FIRST_S)
            await asyncio.sleep(MORE_S)
    finally:
        transport.close()
    return listening.datagrams


class _Listening(asyncio.DatagramProtocol):
    """Keeps what one host sends."""

    def __init__(self, host: str) -> None:
        self.datagrams: list[bytes] = []
        self.heard = asyncio.Event()
        self._host = host

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if addr[0] == self._host and len(self.datagrams) < MOST_DATAGRAMS:
            self.datagrams.append(data)
            self.heard.set()
