"""Dialects of filters, and the prefixes of answers (ONVIF Core section 9, WS-Topics 1.3)."""

from __future__ import annotations

from typing import Final

__all__ = ["CONCRETE", "CONCRETE_SET", "ITEM_FILTER", "PREFIXES"]

CONCRETE: Final = "http://docs.oasis-open.org/wsn/t-1/TopicExpression/Concrete"
CONCRETE_SET: Final = "http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet"

ITEM_FILTER: Final = "http://www.onvif.org/ver10/tev/messageContentFilter/ItemFilter"
"""That of filters for what stands in messages."""

PREFIXES: Final = ("wsnt", "tt", "tns1", "rc")
"""Of what messages are made. Topics stand in texts, so these must be declared where the texts are."""
