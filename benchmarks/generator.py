"""The load generator and the bare loop, as the benchmarks drive them: in this process, in other threads."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Final

from relaycore._relaycore import LoadRun, measure_floor
from relaycore.bench.plan import FloorPlan, Plan, encode
from relaycore.bench.report import FloorReport, Report, read_floor, read_report, read_snapshot

__all__ = ["floor", "generate", "nothing"]

POLL_S: Final = 0.02
"""How exactly the begin and the end of what is measured are known."""

HANGS_S: Final = 60.0
"""A run that has not ended so long after its time never will."""


def nothing(_run: LoadRun) -> None:
    """For a run that nobody waits for."""


def generate(
    plan: Plan, at: Mapping[int, Callable[[], None]], begun: Callable[[LoadRun], None] = nothing
) -> Report:
    """Carries out a plan to its end, and calls each of ``at`` at its time in milliseconds.

    ``begun`` is called with the run when it has started.

    ValueError for a plan that cannot be carried out; RuntimeError for a run that does not end.
    """
    run = LoadRun(encode(plan))
    due = sorted(at)
    run.start()
    begun(run)
    ends = time.monotonic() + plan.total_ms / 1000 + HANGS_S
    while True:
        snapshot = read_snapshot(run.snapshot())
        while due and (snapshot.finished or snapshot.elapsed_ms >= due[0]):
            at[due.pop(0)]()
        if snapshot.finished:
            return read_report(run.stop())
        if time.monotonic() > ends:
            run.stop()
            raise RuntimeError("the load generator did not come to its end")
        time.sleep(POLL_S)


def floor(plan: FloorPlan) -> FloorReport:
    """What the bare loop does with the same bytes and the same number of sockets."""
    return read_floor(measure_floor(encode(plan)))
