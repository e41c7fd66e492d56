"""Namespaces, and the prefixes that answers have for them."""

from __future__ import annotations

from typing import Final

__all__ = [
    "ENVELOPE",
    "ENVELOPE_11",
    "NSMAP",
    "OWN_TOPICS",
    "TDS",
    "TER",
    "TEV",
    "TIMG",
    "TMD",
    "TNS1",
    "TPTZ",
    "TR2",
    "TRT",
    "TT",
    "WSA",
    "WSNT",
    "WSSE",
    "WSTOP",
    "WSU",
    "XS",
    "local_name",
    "qualified",
]

ENVELOPE: Final = "http://www.w3.org/2003/05/soap-envelope"
"""SOAP 1.2, which ONVIF prescribes."""

ENVELOPE_11: Final = "http://schemas.xmlsoap.org/soap/envelope/"
"""SOAP 1.1, which some clients speak all the same."""

TDS: Final = "http://www.onvif.org/ver10/device/wsdl"
TRT: Final = "http://www.onvif.org/ver10/media/wsdl"
TR2: Final = "http://www.onvif.org/ver20/media/wsdl"
TMD: Final = "http://www.onvif.org/ver10/deviceIO/wsdl"
TIMG: Final = "http://www.onvif.org/ver20/imaging/wsdl"
TPTZ: Final = "http://www.onvif.org/ver20/ptz/wsdl"
TEV: Final = "http://www.onvif.org/ver10/events/wsdl"
TT: Final = "http://www.onvif.org/ver10/schema"
TER: Final = "http://www.onvif.org/ver10/error"
WSA: Final = "http://www.w3.org/2005/08/addressing"
WSNT: Final = "http://docs.oasis-open.org/wsn/b-2"
WSTOP: Final = "http://docs.oasis-open.org/wsn/t-1"
XS: Final = "http://www.w3.org/2001/XMLSchema"
WSSE: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
WSU: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"

TNS1: Final = "http://www.onvif.org/ver10/topics"
"""The topics that ONVIF names."""

OWN_TOPICS: Final = "urn:x-relaycore:topics"
"""Those that it does not; they stand below one of its own."""

NSMAP: Final[dict[str, str]] = {
    "s": ENVELOPE,
    "tds": TDS,
    "trt": TRT,
    "tr2": TR2,
    "tmd": TMD,
    "timg": TIMG,
    "tptz": TPTZ,
    "tev": TEV,
    "tt": TT,
    "ter": TER,
    "wsa": WSA,
    "wsnt": WSNT,
    "wstop": WSTOP,
    "xs": XS,
    "tns1": TNS1,
    "rc": OWN_TOPICS,
}
"""By prefix."""


def qualified(name: str) -> str:
    """``prefix:name`` as lxml wants it."""
    prefix, _, local = name.partition(":")
    return f"{{{NSMAP[prefix]}}}{local}"


def local_name(tag: str) -> str:
    """A name without its namespace."""
    return tag.rpartition("}")[2]
