"""One load test from its start to its result: runs, search, bare loop, and the signals that end it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import msgspec

from relaycore._relaycore import LoadRun
from relaycore.bench.floor import fitting_floor, measure
from relaycore.bench.plan import FloorPlan, Plan, encode
from relaycore.bench.profiles import PROFILES, RAMP, make_plan
from relaycore.bench.quality import Quality
from relaycore.bench.report import Snapshot
from relaycore.bench.result import Floor, Result, Search, Step, make_result
from relaycore.bench.run import Load, Outcome, carry_out
from relaycore.bench.search import CountSearch, find_max
from relaycore.bench.server import ServerProcess
from relaycore.bench.view import Progress
from relaycore.bench.wishes import Wishes
from relaycore.errors import ConfigurationError
from relaycore.language import Message, _, _n, shown
from relaycore.system.event_loop import call_on_stop_signals

__all__ = ["Test", "most_readers", "perform"]

STEP_S: Final = 10.0
"""Seconds that are measured in each step of a search, where nothing else is asked for."""

ALL_IN_S: Final = 5.0
"""Seconds in which all readers of a step begin, where they are many."""

SETTLE_S: Final = 2.0
"""Shortest pause between two steps."""

SETTLE_MOST_S: Final = 15.0
"""Longest pause between two steps, in which a server under test closes what the last one left."""

LINGERING: Final = 10
"""Descriptors that a server may have open beyond those from before the load, and is settled."""

SPARE_DESCRIPTORS: Final = 200
"""Descriptors that this process keeps for other things than readers."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Test:
    """What is to be done. With ``most`` the largest count of readers up to it is searched for."""

    profile: str
    wishes: Wishes
    password: str | None
    quality: Quality
    command: list[str]
    server: ServerProcess | None = None
    with_floor: bool = False
    most: int | None = None


async def perform(test: Test, progress: Progress, load: Callable[[bytes], Load] = LoadRun) -> Result:
    """Does it. SIGINT and SIGTERM end it with what was found so far; a second one ends it without ceremony.

    ConfigurationError when the load generator or the bare loop cannot do what is asked.
    """
    stop = asyncio.Event()

    def end() -> None:
        stop.set()
        release()

    release = call_on_stop_signals(asyncio.get_running_loop(), end)
    runner = _Runner(test, progress, load, stop)
    try:
        search: Search | None = None
        plan = make_plan(test.profile, test.wishes, test.password)
        if test.with_floor:
            runner.floor_plan(plan)
        if test.most is None:
            outcome = await runner.run(plan)
        else:
            plan, outcome, search = await runner.search(test.most)
        floor = await runner.floor(plan) if test.with_floor and not stop.is_set() else None
    finally:
        release()
    if stop.is_set():
        outcome = msgspec.structs.replace(outcome, interrupted=True)
    return make_result(test.profile, plan, outcome, test.command, floor=floor, search=search)


def most_readers(wishes: Wishes, most: int, descriptors: int | None) -> int:
    """``most``, or as many as fit into the limit of descriptors: over UDP each reader needs three."""
    if descriptors is None:
        return most
    fit = (descriptors - SPARE_DESCRIPTORS) // (1 if wishes.transport == "tcp" else 3)
    return max(1, min(most, fit))


class _Runner:
    def __init__(
        self, test: Test, progress: Progress, load: Callable[[bytes], Load], stop: asyncio.Event
    ) -> None:
        self._test, self._progress, self._load, self._stop = test, progress, load, stop
        self._idle_descriptors: int | None = None
        if test.server is not None and (sample := test.server.sample(Snapshot())) is not None:
            self._idle_descriptors = sample.descriptors

    async def run(self, plan: Plan) -> Outcome:
        """One run."""
        self._progress.begin(
            _n(
                "{profile}, {count} reader",
                "{profile}, {count} readers",
                plan.readers,
                profile=self._test.profile,
            ),
            plan,
        )
        try:
            load = self._load(encode(plan))
            return await carry_out(plan, load, self._progress, server=self._test.server, stop=self._stop)
        except (OSError, ValueError) as error:
            raise ConfigurationError(
                Message("The load generator cannot do this: {error}.", error=error)
            ) from None

    async def search(self, most: int) -> tuple[Plan, Outcome, Search]:
        """The search for the largest count."""
        test = self._test
        counts = CountSearch(test.wishes.readers or PROFILES[test.profile].readers, most)
        found = await find_max(counts, self._plan, self.run, self._settle, test.quality, self._tell)
        outcome = found.outcome
        if outcome.server is not None:
            # Memory that earlier steps have left in the server would count as free.
            outcome = msgspec.structs.replace(
                outcome, server=msgspec.structs.replace(outcome.server, bytes_per_reader=None)
            )
        return found.plan, outcome, found.search

    def floor_plan(self, plan: Plan) -> FloorPlan:
        """The bare loop that fits a run. ConfigurationError when there is none."""
        return fitting_floor(plan, [] if self._test.server is None else self._test.server.cpus())

    async def floor(self, plan: Plan) -> Floor | None:
        """Measures that loop. Where the machine cannot, the result of the run is worth keeping without it."""
        wanted = self.floor_plan(plan)
        self._progress.pause(
            _n(
                "Measuring a bare loop to {count} socket…",
                "Measuring a bare loop to {count} sockets…",
                wanted.sockets,
            )
        )
        try:
            return await measure(wanted)
        except ConfigurationError as error:
            self._progress.keep(shown(error))
            return None

    def _plan(self, readers: int) -> Plan:
        wishes = self._test.wishes
        ramp = wishes.ramp if wishes.ramp is not None else max(RAMP, readers / ALL_IN_S)
        duration = wishes.duration if wishes.duration is not None else STEP_S
        wishes = msgspec.structs.replace(wishes, readers=readers, ramp=ramp, duration=duration)
        return make_plan(self._test.profile, wishes, self._test.password)

    async def _settle(self) -> None:
        """Waits until the server has closed what the last run left, which the next one would pay for."""
        self._progress.pause(_("Letting the server settle…"))
        loop = asyncio.get_running_loop()
        until = loop.time() + SETTLE_MOST_S
        while not self._stop.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), SETTLE_S)
            if self._is_settled() or loop.time() >= until:
                break

    def _is_settled(self) -> bool:
        if self._test.server is None or self._idle_descriptors is None:
            return True
        sample = self._test.server.sample(Snapshot())
        return (
            sample is None or sample.descriptors is None or sample.descriptors <= self._idle_descriptors + 10
        )

    def _tell(self, step: Step) -> None:
        verdict = _("held") if step.held else _("not held: {missed}", missed="; ".join(step.shortfalls))
        self._progress.keep(
            _n(
                "{count} reader: p99 {latency} ms, {verdict}",
                "{count} readers: p99 {latency} ms, {verdict}",
                step.readers,
                latency=f"{step.p99_ms:.1f}",
                verdict=verdict,
            )
        )
