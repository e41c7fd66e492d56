"""What the settings say of who may come in, in one piece, so that it changes in one step."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field
from typing import Self

from relaycore.access.rule_book import RuleBook
from relaycore.access.rules import PathRules
from relaycore.settings import Config

__all__ = ["Policy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Who may come in.

    ``anonymous`` lets strangers read, ``basic`` offers Basic, ``tls_required`` lets in what is not encrypted
    from this machine only. ``paths`` narrow down what ``rules``, or without them users and roles, allow.
    ``sessions_per_user`` is how many one user may have at a time; 0 is any number.
    """

    anonymous: bool = False
    basic: bool = False
    tls_required: bool = False
    paths: PathRules = field(default_factory=PathRules)
    rules: RuleBook = field(default_factory=RuleBook)
    sessions_per_user: int = 0

    @classmethod
    def of(cls, config: Config, cameras: Container[str] | None = None) -> Self:
        """The policy in the settings of a relay. ConfigurationError where they are not right.

        ``cameras`` are the paths of all cameras, where a program has added some to those of the settings.
        """
        return cls(
            anonymous=config.anonymous,
            basic=config.basic,
            tls_required=config.tls.required,
            paths=PathRules.of(config, cameras),
            rules=RuleBook(config.access),
            sessions_per_user=config.access.sessions_per_user,
        )

    @property
    def limits_sessions(self) -> bool:
        """Whether sessions have to be counted before they begin."""
        return self.sessions_per_user > 0 or self.paths.limits_readers
