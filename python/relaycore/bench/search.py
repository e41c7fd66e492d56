"""The search for the largest number of readers that a quality is held for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from relaycore.bench.plan import Plan
from relaycore.bench.quality import BUSY, MANY_OTHERS, Quality, good_groups, shortfalls
from relaycore.bench.result import Search, Step
from relaycore.bench.run import Outcome

__all__ = ["CountSearch", "Found", "find_max"]

PRECISION: Final = 0.05
"""Share of the largest count that was held, by which the smallest one that was not may be above it."""


class CountSearch:
    """Doubles until the quality is missed, then halves the interval.

    :attr:`next` is the count to try; :meth:`record` says how it went. It ends when ``next`` is ``None``.
    """

    def __init__(self, start: int, most: int, precision: float = PRECISION) -> None:
        self._most = most
        self._precision = precision
        self.held: int | None = None
        self.missed: int | None = None
        self.next: int | None = min(start, most)

    def record(self, held: bool) -> None:
        """Whether the quality was held for the count that was to be tried."""
        assert self.next is not None
        if held:
            self.held = self.next
        else:
            self.missed = self.next
        self.next = self._following()

    def _following(self) -> int | None:
        held, missed = self.held, self.missed
        if missed is None:
            assert held is not None
            return min(2 * held, self._most) if held < self._most else None
        if held is None:
            return missed // 2 or None
        close = missed - held <= max(1, self._precision * held)
        return None if close else (held + missed) // 2


@dataclass(frozen=True, slots=True)
class Found:
    """What a search gave: its steps, and the run of the largest count that was held, or of the last one."""

    search: Search
    plan: Plan
    outcome: Outcome


async def find_max(
    counts: CountSearch,
    plan_for: Callable[[int], Plan],
    run: Callable[[Plan], Awaitable[Outcome]],
    settle: Callable[[], Awaitable[None]],
    quality: Quality,
    tell: Callable[[Step], None] = lambda _: None,
) -> Found:
    """Tries counts until the largest one is known; between two runs ``settle`` gives the server time."""
    steps: list[Step] = []
    best: tuple[Plan, Outcome] | None = None
    limit = ""
    while True:
        assert counts.next is not None
        plan = plan_for(counts.next)
        outcome = await run(plan)
        if outcome.interrupted:
            limit = "The search was ended before its time."
            break
        missed = shortfalls(plan, outcome.report, quality)
        if outcome.server_ended:
            missed.append("the server ended")
        step = _step(counts.next, plan, outcome, missed)
        steps.append(step)
        tell(step)
        if step.held or counts.held is None:
            best = (plan, outcome)
        counts.record(step.held)
        if outcome.server_ended:
            limit = "The server ended."
            break
        if counts.next is None:
            limit = _limit(counts, steps)
            break
        await settle()
    plan, outcome = best or (plan, outcome)
    search = Search(quality=quality, steps=steps, largest=counts.held, limit=limit)
    return Found(search, plan, outcome)


def _step(readers: int, plan: Plan, outcome: Outcome, missed: list[str]) -> Step:
    report = outcome.report
    latencies = [group.latency_ms.p99 for _, group in good_groups(plan, report)]
    return Step(
        readers=readers,
        held=not missed,
        shortfalls=missed,
        p99_ms=max(latencies, default=0.0),
        busiest_thread=report.generator.busiest_thread,
        cpu_seconds_per_gigabit=None if outcome.server is None else outcome.server.cpu_seconds_per_gigabit,
        others=0.0 if outcome.server is None else outcome.server.others,
    )


def _limit(counts: CountSearch, steps: list[Step]) -> str:
    """What kept the largest count from being larger."""
    if counts.missed is None:
        return "No more were asked for."
    (step,) = [step for step in steps if step.readers == counts.missed]
    if step.busiest_thread >= BUSY:
        return (
            f"At {step.readers:,} the load generator was the limit (its busiest thread worked "
            f"{step.busiest_thread:.0%} of the time): the server may carry more."
        )
    if step.others >= MANY_OTHERS:
        return f"At {step.readers:,} it was missed while other programs used {step.others:.1f} processors."
    return f"At {step.readers:,} the server missed it."
