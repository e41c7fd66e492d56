"""What there is to do, and which role may do it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

from relaycore.settings import Role

__all__ = ["RIGHTS", "Action"]

Action = Literal["read", "publish", "look", "record", "control", "audit"]
"""What a client wants: to read a path or to publish to it; of the relay, to look at what there is, to have it
record, to control it, or to see who did what."""

RIGHTS: Final[Mapping[Role, frozenset[Action]]] = MappingProxyType(
    {
        "viewer": frozenset({"read", "look"}),
        "publisher": frozenset({"read", "publish", "look"}),
        "operator": frozenset({"read", "publish", "look", "record", "control"}),
        "auditor": frozenset({"look", "audit"}),
        "administrator": frozenset({"read", "publish", "look", "record", "control", "audit"}),
    }
)
"""The actions of each role. An auditor sees who watched, and watches nothing."""
