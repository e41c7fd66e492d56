"""Envelopes: what is in them, and those of answers."""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from relaycore.onvif.soap.build import node
from relaycore.onvif.soap.faults import Fault, unreadable
from relaycore.onvif.soap.names import ENVELOPE, ENVELOPE_11, WSA
from relaycore.onvif.soap.xml import BadXml, parse

__all__ = ["Envelope", "read", "write"]

LONGEST_ID = 256
"""Characters of a message's id that is sent back."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """A request."""

    header: etree._Element | None
    body: etree._Element
    """The first element in the body, which is that of the operation."""

    is_soap_11: bool


def read(data: bytes) -> Envelope:
    """What stands in a request. Raises Fault where that is no envelope."""
    try:
        root = parse(data)
    except BadXml as error:
        raise unreadable(f"The request cannot be read: {error}.") from None
    space = {f"{{{ENVELOPE}}}Envelope": ENVELOPE, f"{{{ENVELOPE_11}}}Envelope": ENVELOPE_11}.get(
        str(root.tag)
    )
    if space is None:
        raise Fault("VersionMismatch", [], "The request is no envelope of SOAP.")
    body = root.find(f"{{{space}}}Body")
    # With entities left as they are there may be other things than elements.
    found = [] if body is None else [child for child in body if isinstance(child.tag, str)]
    if not found:
        raise unreadable("There is no operation in the body of the request.")
    return Envelope(root.find(f"{{{space}}}Header"), found[0], space == ENVELOPE_11)


def write(content: etree._Element, asked: Envelope | None) -> bytes:
    """An envelope with an answer, in the version of the request."""
    if asked is not None and asked.is_soap_11:
        root = etree.Element(f"{{{ENVELOPE_11}}}Envelope", nsmap={"e": ENVELOPE_11})
        etree.SubElement(root, f"{{{ENVELOPE_11}}}Body").append(content)
    else:
        root = node("s:Envelope", _header(content, asked), node("s:Body", content))
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _header(content: etree._Element, asked: Envelope | None) -> etree._Element | None:
    """Which request it answers, where that had an id (WS-Addressing 1.0 section 3.4)."""
    if asked is None or asked.header is None:
        return None
    number = (asked.header.findtext(f"{{{WSA}}}MessageID") or "").strip()
    if not 0 < len(number) <= LONGEST_ID:
        return None
    action = (asked.header.findtext(f"{{{WSA}}}Action") or "").strip()
    name = etree.QName(content)
    if name.localname == "Fault":
        answered = f"{WSA}/soap/fault"
    else:
        answered = f"{action.removesuffix('Request')}Response"
    if len(action) > LONGEST_ID or not action:
        return node("s:Header", node("wsa:RelatesTo", number))
    return node("s:Header", node("wsa:RelatesTo", number), node("wsa:Action", answered))
