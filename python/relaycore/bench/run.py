"""Carries out a plan: looks at it while it runs, and at the server under test, and ends it in order."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Protocol

import msgspec

from relaycore.bench.plan import Plan
from relaycore.bench.report import Report, Snapshot, read_report, read_snapshot
from relaycore.bench.server import Sample, ServerFigures, figures_of

__all__ = ["LOOK_S", "Load", "Outcome", "Server", "View", "carry_out"]

LOOK_S = 0.25
"""Seconds between two looks at a run."""

SAMPLE_MS = 1000
"""Milliseconds between two looks at the server under test."""

MARGIN_MS = 50
"""What is looked at before something happens is looked at so many milliseconds before it."""


class Load(Protocol):
    """A run in the load generator: :class:`relaycore._relaycore.LoadRun`."""

    def start(self) -> None:
        """Starts it."""

    def snapshot(self) -> bytes:
        """Where it is."""

    def stop(self) -> bytes:
        """Ends it, and gives the report."""


class Server(Protocol):
    """The server under test: :class:`relaycore.bench.server.ServerProcess`."""

    @property
    def program(self) -> str:
        """Name of its program."""

    def sample(self, snapshot: Snapshot) -> Sample | None:
        """What it uses now; ``None`` when it has ended."""


class View(Protocol):
    """Who is shown a run while it goes on."""

    def show(self, snapshot: Snapshot, sample: Sample | None) -> None:
        """Shows where it is."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a run gave."""

    report: Report
    server: ServerFigures | None = None

    server_ended: bool = False
    """Whether the server under test was gone before the end."""

    interrupted: bool = False
    """Whether somebody ended the run before its time."""


async def carry_out(
    plan: Plan,
    load: Load,
    view: View,
    *,
    server: Server | None = None,
    stop: asyncio.Event | None = None,
    look_s: float = LOOK_S,
) -> Outcome:
    """Runs to the end of the plan, or until ``stop`` is set, and gives what was found so far.

    OSError when the system has no threads left for the load generator.
    """
    stop = asyncio.Event() if stop is None else stop
    due = _moments(plan)
    samples: list[Sample] = []
    ended = False
    await asyncio.to_thread(load.start)
    try:
        while True:
            snapshot = read_snapshot(load.snapshot())
            if due and snapshot.elapsed_ms >= due[0]:
                due = [moment for moment in due if moment > snapshot.elapsed_ms]
                sample = None if server is None or ended else server.sample(snapshot)
                ended = ended or (server is not None and sample is None)
                if sample is not None:
                    samples.append(sample)
            view.show(snapshot, samples[-1] if samples else None)
            if snapshot.finished or stop.is_set():
                break
            to_next = (due[0] - snapshot.elapsed_ms) / 1000 if due else look_s
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), min(look_s, to_next))
    finally:
        report = read_report(await asyncio.to_thread(load.stop))
    figures = None
    if server is not None:
        figures = figures_of(server.program, samples, report, plan.warm_up_ms / 1000)
    return Outcome(report=report, server=figures, server_ended=ended, interrupted=not snapshot.finished)


def _moments(plan: Plan) -> list[int]:
    """When the server is looked at: each second, before the first reader, and at both ends of measuring.

    The last time is before the end, since the load generator closes its connections then, which costs the
    server something, too.
    """
    total = plan.total_ms
    first_reader = min((group.start_ms for group in plan.groups), default=0)
    moments = {plan.warm_up_ms, max(0, first_reader - MARGIN_MS), max(0, total - MARGIN_MS)}
    moments.update(range(0, total - SAMPLE_MS // 2, SAMPLE_MS))
    return sorted(moments)
