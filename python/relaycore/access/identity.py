"""Who somebody is, as far as that is known, and on which terms they came in."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from relaycore.access.patterns import Pattern
from relaycore.access.roles import RIGHTS
from relaycore.settings import Action, Role

__all__ = ["NOBODY", "SHARE", "Identity", "Offer"]

SHARE: Final = "share:"
"""What the name begins with of who came in by a share link. No user has a colon in the name."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What somebody may do who is let in by something else than a role alone: a link, a token, a program."""

    actions: frozenset[Action] | None = None
    """Only these; ``None`` is whatever the role may."""

    paths: tuple[str, ...] | None = None
    """Only at paths of these patterns; ``None`` is all."""

    ends: float = math.inf
    """Until when, in seconds of Unix time."""

    key: str | None = None
    """What tells the key from others that signed the token they came with."""

    sessions: int | None = None
    """How many at a time, 0 for any number; ``None`` is as for every user."""

    def covers(self, action: Action, path: str | None) -> bool:
        """Whether it is for this action at a path, which is ``None`` where the action is about none."""
        if self.actions is not None and action not in self.actions:
            return False
        return self.paths is None or (path is not None and any(_matches(one, path) for one in self.paths))


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody with this name and this role; without a name where that was not asked."""

    name: str | None
    role: Role | None = None

    purpose: str | None = None
    """What they came for, where somebody has said so: at the login, in the link, in the token."""

    offer: Offer | None = None
    """What they may do beyond or below the role; ``None`` for users, who may do what the role says."""

    is_user: bool = True
    """Whether the role is that of the user of this name, also when it changes, and nobody's when there is no
    such user any more."""

    @property
    def ends(self) -> float:
        """Until when they may stay, in seconds of Unix time."""
        return math.inf if self.offer is None else self.offer.ends

    @property
    def is_share(self) -> bool:
        """Whether it is a share link that they came in by."""
        return self.name is not None and self.name.startswith(SHARE)

    def may(self, action: Action) -> bool:
        """Whether the role, or what was offered in its place, lets them do this."""
        return self.role is not None and action in RIGHTS[self.role]

    def with_role(self, role: Role | None) -> Identity:
        """The same person in another role."""
        return replace(self, role=role)


@lru_cache(maxsize=1024)
def _pattern(text: str) -> Pattern:
    return Pattern(text)


def _matches(text: str, path: str) -> bool:
    return _pattern(text).matches(path)


NOBODY: Final = Identity(None)
"""Somebody who has not said who it is."""
