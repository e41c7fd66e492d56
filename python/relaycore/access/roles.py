"""What there is to do, and which role may do it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from relaycore.settings import Action, Role

__all__ = ["NAMED_ACTIONS", "RIGHTS"]

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

NAMED_ACTIONS: Final[frozenset[Action]] = frozenset({"record", "control", "audit"})
"""Actions that nobody may do without a name, whatever rules say."""
