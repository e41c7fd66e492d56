"""The rules of the settings: the first that is about a request decides."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from relaycore.access.hours import Hours
from relaycore.access.identity import Identity
from relaycore.access.patterns import Pattern
from relaycore.settings import AccessRule, AccessSettings, Action
from relaycore.settings.access import find_time_zone, parse_network

__all__ = ["RuleBook", "Verdict", "Wish"]

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True)
class Wish:
    """What somebody wants.

    ``path`` is that of a stream, without slashes around it, or ``None`` where it is about none or all of
    them. ``client`` is the address of whoever asks, ``at`` the moment in seconds of Unix time.
    """

    action: Action
    path: str | None
    client: str
    at: float

    @cached_property
    def address(self) -> Address | None:
        """The address, that of IPv4 where it is written as one of IPv6."""
        try:
            address = ipaddress.ip_address(self.client.partition("%")[0])
        except ValueError:
            return None
        mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
        return mapped or address


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules say.

    ``rule`` is how the log calls the one that decided. ``others_may`` says that a rule before it lets in who
    has a certain name or role, so that it may help to say who one is.
    """

    allows: bool
    rule: str
    others_may: bool


class RuleBook:
    """The rules of all paths, in their order. False where there are none.

    ConfigurationError where one of the settings is not right.
    """

    def __init__(self, settings: AccessSettings | None = None) -> None:
        settings = settings or AccessSettings()
        self._rules = [_Rule(number, rule) for number, rule in enumerate(settings.rules, 1)]
        self._zone = find_time_zone(settings.time_zone)

    def __bool__(self) -> bool:
        return bool(self._rules)

    def verdict(self, wish: Wish, who: Identity) -> Verdict | None:
        """What the first rule says that is about this wish of somebody; ``None`` where no rule is."""
        others_may = False
        for rule in self._fitting(wish):
            if rule.is_about(who):
                return Verdict(rule.allows, rule.name, others_may)
            others_may |= rule.allows
        return None

    def in_force(self, at: float) -> tuple[bool, ...]:
        """Of each rule that has hours, whether it holds at this moment: differs when some begin or end."""
        local = self._local(at)
        return tuple(rule.hours.hold(local) for rule in self._rules if rule.hours is not None)

    def _fitting(self, wish: Wish) -> Iterator[_Rule]:
        """The rules that are about this wish, if they are about who has it."""
        local: datetime | None = None
        for rule in self._rules:
            if not rule.fits(wish):
                continue
            if rule.hours is not None:
                local = local or self._local(wish.at)
                if not rule.hours.hold(local):
                    continue
            yield rule

    def _local(self, at: float) -> datetime:
        return datetime.fromtimestamp(at, UTC).astimezone(self._zone)


class _Rule:
    """One rule, ready to be compared."""

    def __init__(self, number: int, rule: AccessRule) -> None:
        self.name = f"{rule.name!r}" if rule.name else f"number {number}"
        self.allows = rule.effect == "allow"
        self.names_somebody = bool(rule.users or rule.roles)
        self.hours = Hours.of(rule.hours, rule.weekdays)
        self._actions = frozenset(rule.actions)
        self._paths = [Pattern(path) for path in rule.paths]
        self._users, self._roles = frozenset(rule.users), frozenset(rule.roles)
        self._networks = [parse_network(network) for network in rule.networks]

    def fits(self, wish: Wish) -> bool:
        """Whether it is about this wish, apart from who has it and when."""
        if wish.action not in self._actions:
            return False
        if self._networks:
            address = wish.address
            if address is None or not any(address in network for network in self._networks):
                return False
        path = wish.path
        return any(
            pattern.is_everything or (path is not None and pattern.matches(path)) for pattern in self._paths
        )

    def is_about(self, who: Identity) -> bool:
        return not self.names_somebody or who.name in self._users or who.role in self._roles
