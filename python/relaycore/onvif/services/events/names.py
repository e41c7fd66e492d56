"""Namespaces and dialects of events (ONVIF Core section 9, WS-BaseNotification 1.3, WS-Topics 1.3)."""

from __future__ import annotations

from typing import Final

from relaycore.onvif.soap.names import TEV, TT, WSA, WSNT

__all__ = [
    "CONCRETE",
    "CONCRETE_SET",
    "ITEM_FILTER",
    "NSMAP",
    "OWN",
    "TEV",
    "TNS1",
    "TT",
    "WSA",
    "WSNT",
    "WSTOP",
    "XS",
]

WSTOP: Final = "http://docs.oasis-open.org/wsn/t-1"
XS: Final = "http://www.w3.org/2001/XMLSchema"

TNS1: Final = "http://www.onvif.org/ver10/topics"
"""The topics that ONVIF names."""

OWN: Final = "urn:x-relaycore:topics"
"""Those that it does not; they stand below one of its own."""

CONCRETE: Final = "http://docs.oasis-open.org/wsn/t-1/TopicExpression/Concrete"
CONCRETE_SET: Final = "http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet"

ITEM_FILTER: Final = "http://www.onvif.org/ver10/tev/messageContentFilter/ItemFilter"
"""That of filters for what stands in messages."""

NSMAP: Final[dict[str, str]] = {
    "tev": TEV,
    "tt": TT,
    "wsa": WSA,
    "wsnt": WSNT,
    "wstop": WSTOP,
    "xs": XS,
    "tns1": TNS1,
    "rc": OWN,
}
"""Prefixes of answers. Topics stand in texts, so these must be declared where the texts are."""
