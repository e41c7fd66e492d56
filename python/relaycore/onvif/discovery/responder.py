"""What is answered to which datagram, and what is said unasked. No sockets, no clock, no timers."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from random import Random
from typing import Final

from relaycore.addresses import url_host
from relaycore.onvif.discovery.limits import Allowance, Allowances
from relaycore.onvif.discovery.messages import (
    About,
    AppSequence,
    BadMessage,
    Kind,
    Probe,
    Resolve,
    read,
    write,
)
from relaycore.onvif.discovery.names import MAX_DELAY_S
from relaycore.onvif.discovery.networks import Address, Interface
from relaycore.onvif.discovery.targets import Target

__all__ = ["Responder"]

MANY: Final = 16
"""Devices up to which each answers by a message of its own."""

BATCH: Final = 8
"""Devices in one message where there are more: 8 kB at most. Clients read few datagrams a second (the library
that Home Assistant has reads 10 to 100) and lose those that their system cannot keep meanwhile."""

HEARD: Final = 512
"""Ids of messages that are remembered: each is sent several times (SOAP-over-UDP section 3.2)."""

DATAGRAMS_BURST: Final = 64
DATAGRAMS_RATE: Final = 16.0
"""Datagrams of one sender that are read at once, and a second."""

QUESTIONS_BURST: Final = 8
QUESTIONS_RATE: Final = 2.0
"""Questions of one sender that are answered at once, and a second."""

ROUNDS_BURST: Final = 8
ROUNDS_RATE: Final = 4.0
"""How often all devices may answer at once, and a second, to all senders together."""


class Responder:
    """The devices that are found here.

    Give it what comes by :meth:`receive`, and send what that gives after the seconds that stand with it.
    Times are seconds of one steady clock. ``started`` is the Unix time in seconds, which brings the runs of
    the program into order.
    """

    def __init__(
        self, port: int, started: int, *, scheme: str = "http", random: Random | None = None
    ) -> None:
        self._port, self._scheme = port, scheme
        self._instance = started
        self._numbers = itertools.count(1)
        self._random = random or Random()  # noqa: S311 (keeps devices from speaking at once)
        self._targets: dict[str, Target] = {}
        self._versions: dict[str, int] = {}
        self._heard: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._datagrams = Allowances(DATAGRAMS_BURST, DATAGRAMS_RATE)
        self._questions = Allowances(QUESTIONS_BURST, QUESTIONS_RATE)
        self._answers = Allowance(0, 0)
        self.ignored = 0
        """Datagrams that were not answered because they are none of WS-Discovery, or too many."""

    @property
    def targets(self) -> list[Target]:
        """The devices, as they were given."""
        return list(self._targets.values())

    def set_targets(self, targets: Iterable[Target]) -> tuple[list[Target], list[Target]]:
        """Has these devices and no others; gives those that came or changed, and those that are gone."""
        before, self._targets = self._targets, {target.urn: target for target in targets}
        changed = [target for urn, target in self._targets.items() if before.get(urn) != target]
        for target in changed:
            self._versions[target.urn] = self._versions.get(target.urn, self._instance - 1) + 1
        count = max(len(self._targets), 1)
        self._answers = Allowance(ROUNDS_BURST * count, ROUNDS_RATE * count)
        return changed, [target for urn, target in before.items() if urn not in self._targets]

    def receive(
        self, data: bytes, source: Address, interface: Interface, now: float
    ) -> list[tuple[float, bytes]]:
        """Answers to a datagram, each with the seconds that it waits. They go to where that came from."""
        name = str(source)
        if not self._datagrams.take(name, now):
            self.ignored += 1
            return []
        try:
            asked = read(data)
        except BadMessage:
            self.ignored += 1
            return []
        if asked is None or self._was_heard(name, asked.message_id):
            return []
        meant = self._meant(asked)
        if not meant:
            return []
        if not (self._questions.take(name, now) and self._answers.take(now, len(meant))):
            self.ignored += 1
            return []
        addresses = interface.own_for(source)
        if isinstance(asked, Resolve):
            return [(0.0, self._write("ResolveMatches", meant[:1], addresses, asked.message_id))]
        return [
            (
                self._random.uniform(0.0, MAX_DELAY_S),
                self._write("ProbeMatches", some, addresses, asked.message_id),
            )
            for some in self._batches(meant)
        ]

    def hello(self, target: Target, interface: Interface) -> bytes:
        """Says on a network that a device is there."""
        return self._write("Hello", [target], interface.reached_at)

    def bye(self, target: Target) -> bytes:
        """Says that a device is there no more."""
        return self._write("Bye", [target], ())

    def _meant(self, asked: Probe | Resolve) -> list[Target]:
        if isinstance(asked, Resolve):
            target = self._targets.get(asked.urn) or self._targets.get(asked.urn.lower())
            return [] if target is None else [target]
        return [
            target
            for target in self._targets.values()
            if target.is_meant(asked.types, asked.scopes, asked.rule)
        ]

    def _was_heard(self, source: str, message_id: str) -> bool:
        key = source, message_id
        if key in self._heard:
            return True
        self._heard[key] = None
        if len(self._heard) > HEARD:
            self._heard.popitem(last=False)
        return False

    def _batches(self, targets: list[Target]) -> list[list[Target]]:
        """What goes into a message each: one device, as every client expects, or some where there are many.

        Another order each time has clients that read the first of a message alone find all of them, too.
        """
        if len(targets) <= MANY:
            return [[target] for target in targets]
        self._random.shuffle(targets)
        return [targets[at : at + BATCH] for at in range(0, len(targets), BATCH)]

    def _write(
        self, kind: Kind, targets: list[Target], addresses: Sequence[Address], relates_to: str = ""
    ) -> bytes:
        hosts = [f"{self._scheme}://{url_host(str(address))}:{self._port}" for address in addresses]
        devices = [
            About(
                target,
                tuple(f"{host}{target.path}" for host in hosts),
                self._versions.get(target.urn, self._instance),
            )
            for target in targets
        ]
        sequence = AppSequence(self._instance, next(self._numbers))
        return write(kind, devices, sequence, relates_to=relates_to)
