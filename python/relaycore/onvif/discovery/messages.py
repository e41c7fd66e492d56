"""What is said: envelopes of SOAP 1.2 in datagrams, read leniently and written as ONVIF has them."""

from __future__ import annotations

import codecs
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from lxml import etree

from relaycore.onvif.discovery.names import (
    ADDRESSING,
    ANONYMOUS,
    DEVICE_TYPE,
    DISCOVERY,
    DISCOVERY_TO,
    NVT_TYPE,
)
from relaycore.onvif.discovery.targets import QualifiedName, Target
from relaycore.onvif.soap.names import ENVELOPE
from relaycore.onvif.soap.xml import BadXml, parse

__all__ = [
    "DATAGRAM_BYTES",
    "About",
    "AppSequence",
    "BadMessage",
    "Kind",
    "Probe",
    "Resolve",
    "read",
    "write",
]

DATAGRAM_BYTES: Final = 4096
"""Most bytes of a datagram that is read; a probe has less than 1000."""

ID_LENGTH: Final = 256
"""Most characters of an id that is sent back."""

WORDS: Final = 32
"""Most types, and most scopes, that a probe may name."""

Kind = Literal["Hello", "Bye", "ProbeMatches", "ResolveMatches"]

_SPACES: Final = {
    "s": ENVELOPE,
    "a": ADDRESSING,
    "d": DISCOVERY,
    "dn": NVT_TYPE[0],
    "tds": DEVICE_TYPE[0],
}
_PREFIXES: Final[dict[str, str]] = {space: prefix for prefix, space in _SPACES.items()}


class BadMessage(ValueError):
    """A datagram that is none of WS-Discovery, or one that asks for too much."""


@dataclass(frozen=True, slots=True)
class Probe:
    """Asks who is there."""

    message_id: str
    types: tuple[QualifiedName, ...]
    scopes: tuple[str, ...]
    rule: str
    """How scopes are compared; empty for the default."""


@dataclass(frozen=True, slots=True)
class Resolve:
    """Asks where a device is."""

    message_id: str
    urn: str


@dataclass(frozen=True, slots=True)
class AppSequence:
    """Brings messages of one run of the program into order (WS-Discovery appendix I)."""

    instance: int
    number: int


@dataclass(frozen=True, slots=True)
class About:
    """What is said of a device."""

    target: Target
    xaddrs: tuple[str, ...]
    """Where it is."""

    version: int
    """Larger whenever something about the device has changed."""


def read(data: bytes) -> Probe | Resolve | None:
    """What a datagram asks; ``None`` for messages that ask nothing, like the Hello of others.

    Raises BadMessage.
    """
    if len(data) > DATAGRAM_BYTES:
        raise BadMessage(f"{len(data)} bytes are more than {DATAGRAM_BYTES}")
    root = _parse(data)
    body = root.find(f"{{{ENVELOPE}}}Body")
    if root.tag != f"{{{ENVELOPE}}}Envelope" or body is None:
        raise BadMessage("it is no envelope of SOAP 1.2")
    probe, resolve = body.find(f"{{{DISCOVERY}}}Probe"), body.find(f"{{{DISCOVERY}}}Resolve")
    if probe is None and resolve is None:
        return None
    message_id = _text(root, f"{{{ENVELOPE}}}Header/{{{ADDRESSING}}}MessageID")
    if not 0 < len(message_id) <= ID_LENGTH:
        raise BadMessage("it has no MessageID, or one that is too long")
    if probe is not None:
        return _probe(probe, message_id)
    assert resolve is not None
    address = _text(resolve, f"{{{ADDRESSING}}}EndpointReference/{{{ADDRESSING}}}Address")
    return Resolve(message_id, address)


def write(kind: Kind, devices: Sequence[About], sequence: AppSequence, *, relates_to: str = "") -> bytes:
    """A message about devices; only ``ProbeMatches`` has more than one."""
    envelope = etree.Element(f"{{{ENVELOPE}}}Envelope", nsmap=_SPACES)
    header = etree.SubElement(envelope, f"{{{ENVELOPE}}}Header")
    is_answer = kind in ("ProbeMatches", "ResolveMatches")
    _add(header, ADDRESSING, "MessageID", f"urn:uuid:{uuid.uuid4()}")
    if is_answer:
        _add(header, ADDRESSING, "RelatesTo", relates_to)
    _add(header, ADDRESSING, "To", ANONYMOUS if is_answer else DISCOVERY_TO)
    _add(header, ADDRESSING, "Action", f"{DISCOVERY}/{kind}")
    numbers = {"InstanceId": str(sequence.instance), "MessageNumber": str(sequence.number)}
    etree.SubElement(header, f"{{{DISCOVERY}}}AppSequence", numbers)
    body = etree.SubElement(envelope, f"{{{ENVELOPE}}}Body")
    said = etree.SubElement(body, f"{{{DISCOVERY}}}{kind}")
    for device in devices:
        _describe(
            etree.SubElement(said, f"{{{DISCOVERY}}}{kind.removesuffix('es')}") if is_answer else said,
            device,
            only_name=kind == "Bye",
        )
    return etree.tostring(envelope, xml_declaration=True, encoding="UTF-8")


def _describe(element: etree._Element, device: About, *, only_name: bool) -> None:
    target = device.target
    reference = etree.SubElement(element, f"{{{ADDRESSING}}}EndpointReference")
    _add(reference, ADDRESSING, "Address", target.urn)
    if only_name:
        return
    _add(element, DISCOVERY, "Types", " ".join(f"{_PREFIXES[space]}:{name}" for space, name in target.types))
    _add(element, DISCOVERY, "Scopes", " ".join(target.scopes))
    _add(element, DISCOVERY, "XAddrs", " ".join(device.xaddrs))
    _add(element, DISCOVERY, "MetadataVersion", str(device.version))


def _parse(data: bytes) -> etree._Element:
    try:
        # What SOAP may be written in, too (WS-I Basic Profile 1.1, R1012); no client that is known does.
        if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            data = data.decode("utf-16").encode()
        return parse(data)
    except (BadXml, UnicodeError) as error:
        raise BadMessage(str(error)) from None


def _probe(probe: etree._Element, message_id: str) -> Probe:
    types, scopes = probe.find(f"{{{DISCOVERY}}}Types"), probe.find(f"{{{DISCOVERY}}}Scopes")
    names = [] if types is None else (types.text or "").split()
    wanted = [] if scopes is None else (scopes.text or "").split()
    if max(len(names), len(wanted)) > WORDS:
        raise BadMessage(f"it names more than {WORDS} types or scopes")
    spaces = {} if types is None else types.nsmap
    rule = "" if scopes is None else str(scopes.get("MatchBy", "")).strip()
    return Probe(message_id, tuple(_qualified(name, spaces) for name in names), tuple(wanted), rule)


def _qualified(name: str, spaces: dict[str | None, str]) -> QualifiedName:
    prefix, colon, local = name.rpartition(":")
    return spaces.get(prefix if colon else None), local


def _text(element: etree._Element, path: str) -> str:
    return (element.findtext(path) or "").strip()


def _add(parent: etree._Element, space: str, name: str, text: str) -> None:
    etree.SubElement(parent, f"{{{space}}}{name}").text = text
