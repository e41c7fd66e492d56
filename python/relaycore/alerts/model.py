"""What rules take, what they find, and what becomes of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar, Final, Protocol, runtime_checkable

import msgspec

from relaycore.ledger.records import Record
from relaycore.settings.alerts import Severity

__all__ = [
    "MOST_RECORDS",
    "Alert",
    "CameraPicture",
    "Evidence",
    "Finding",
    "Gone",
    "Happening",
    "Removed",
    "Rule",
    "Shed",
    "There",
    "Waiting",
]

MOST_RECORDS: Final = 20
"""Records that an alert names; the newest where there are more."""


class Alert(msgspec.Struct, kw_only=True):
    """Something odd. Times are milliseconds of Unix time."""

    id: str
    """Names it: the same for the same of the same subject at the same time."""
    at: int
    """When it was noticed."""
    rule: str
    """What it is, by the name that the rule has in the configuration."""
    severity: Severity
    """How bad it may be: `info`, `warning` or `critical`."""
    subject: str
    """What it is about: an account, a network, a share link or a path."""
    path: str | None
    """The path that it is about, where it is about one."""
    text: str
    """A sentence for a person."""
    records: list[str]
    """The ids of the records of the ledger that it comes from, the newest last, 20 at most."""
    over: bool = False
    """Whether this tells that what an alert before told of has ended."""
    repeats: int = 0
    """How often the same was found again, and only counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a rule has found: see :class:`Alert`."""

    at: int
    rule: str
    subject: str
    text: str
    path: str | None = None
    records: tuple[str, ...] = ()
    over: bool = False

    @property
    def id(self) -> str:
        """Names it."""
        text = f"{self.rule}\n{self.subject}\n{self.at}\n{self.over}"
        return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class CameraPicture:
    """A small picture of a camera's, and its mean brightness of 0 to 255.

    ``luma`` has a byte a point, always the same number of them for one camera.
    """

    at: int
    path: str
    luma: bytes
    brightness: float


@dataclass(frozen=True, slots=True)
class Gone:
    """A camera, or a source of a path, does not deliver any more."""

    at: int
    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class There:
    """It delivers."""

    at: int
    path: str


@dataclass(frozen=True, slots=True)
class Removed:
    """A path has no camera and no source any more, because somebody wants that."""

    at: int
    path: str


@dataclass(frozen=True, slots=True)
class Shed:
    """A session goes on and has been too slow: ``discarded`` RTP packets since its beginning.

    ``record`` is the id that the session has in the ledger, ``reader`` who it is, as well as that is known.
    """

    at: int
    record: str
    reader: str
    path: str
    discarded: int


Happening = Record | CameraPicture | Gone | There | Removed | Shed
"""What rules take: a record of the ledger, or something that is in no ledger."""


class Rule(Protocol):
    """Looks for one thing. Its time is that of what it takes; none is earlier than the one before by much."""

    takes: ClassVar[tuple[type, ...]]
    """The types of what it wants to be given."""

    def take(self, happening: Happening) -> Iterable[Finding]:
        """Something has happened."""


@runtime_checkable
class Waiting(Protocol):
    """A rule that finds some things by waiting."""

    def advance(self, now: int) -> Iterable[Finding]:
        """It is ``now``; what it finds is the same however often it is called."""


@dataclass(slots=True)
class Evidence:
    """Times and records, the newest last, at most ``most`` of them."""

    most: int
    items: dict[str, tuple[int, str]] = field(default_factory=dict)

    def add(self, key: str, at: int, record: str) -> None:
        """Adds one, in place of an older one of the same key."""
        self.items.pop(key, None)
        self.items[key] = at, record
        if len(self.items) > self.most:
            del self.items[next(iter(self.items))]

    def forget(self, key: str) -> None:
        """Takes one out."""
        self.items.pop(key, None)

    def since(self, at: int) -> dict[str, tuple[int, str]]:
        """Forgets those that are older, and gives the others."""
        for key in [key for key, (then, _) in self.items.items() if then < at]:
            del self.items[key]
        return self.items

    @property
    def records(self) -> tuple[str, ...]:
        """The newest records."""
        return tuple(record for _, record in self.items.values())[-MOST_RECORDS:]
