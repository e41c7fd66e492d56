"""Who somebody is, as far as that is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from relaycore.settings import Role

__all__ = ["NOBODY", "Identity"]


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody with this name and this role; without a name where that was not asked."""

    name: str | None
    role: Role | None = None


NOBODY: Final = Identity(None)
"""Somebody who has not said who it is."""
