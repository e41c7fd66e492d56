"""What is demanded of a server, and what became of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from relaycore.doctor.visit import Visit

__all__ = ["Broken", "Finding", "Outcome", "Rule", "Untried"]


class Outcome(Enum):
    """What became of a rule."""

    HOLDS = "holds"
    FAILS = "fails"
    UNTRIED = "untried"


@dataclass(frozen=True, slots=True)
class Rule:
    """One demand. ``text`` is a message, ``source`` the specification and its section.

    ``check`` returns where the rule holds and raises :class:`Broken` or :class:`Untried` otherwise.
    """

    id: str
    text: str
    source: str
    check: Callable[[Visit], Awaitable[None]]
    seconds: float = 0.0
    """What it may take beside what every rule may."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of a rule, why, and the lines that show it: ``> `` was sent, ``< `` came back."""

    rule: Rule
    outcome: Outcome
    why: str
    shown: tuple[str, ...]


class Broken(Exception):
    """The server breaks the rule that is being checked. ``why`` is a message."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Untried(Exception):
    """The rule cannot be checked here, which is no fault of the server. ``why`` is a message."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why
