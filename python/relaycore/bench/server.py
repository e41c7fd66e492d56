"""The server under test, by its process id: what it and the programs that it started use."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from itertools import takewhile
from typing import TYPE_CHECKING

import msgspec

from relaycore.bench.extras import need
from relaycore.bench.report import Report, Snapshot
from relaycore.errors import ConfigurationError
from relaycore.language import Message

if TYPE_CHECKING:
    import psutil

__all__ = ["Sample", "ServerFigures", "ServerProcess", "figures_of"]


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """What the server used at a moment, and how far the load was then."""

    t: float
    """Seconds from the start of the run."""

    cpu_seconds: float
    """Processor time since the programs started, those included that have ended meanwhile."""

    resident_bytes: int
    threads: int

    descriptors: int | None
    """Files and sockets that are open; ``None`` where the system or its rights do not show them."""

    machine_cpu_seconds: float = 0.0
    """Processor time of the whole machine, of whatever."""

    playing: int = 0
    bytes: int = 0
    """Bytes that had arrived at readers."""


class ServerFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What the server used while it was measured."""

    program: str
    """Name of the program; its arguments may hold passwords."""

    seconds: float
    """Time between the first and the last sample of what was measured."""

    cpu_seconds: float
    cpu_seconds_per_gigabit: float | None
    """Processor time for each gigabit that readers got meanwhile; ``None`` where they got nothing."""

    idle_resident_bytes: int
    """Memory before the first reader came."""

    resident_bytes: int
    """Memory at the end of what was measured, with all readers."""

    most_resident_bytes: int

    bytes_per_reader: float | None
    """What memory grew by from before the first reader, for each that plays; ``None`` where it did not.

    What all readers share is in it, like buffers of the stream that filled meanwhile: with few readers that
    is most of it."""

    threads: int
    descriptors: int | None

    others: float = 0.0
    """Processors that neither the server nor the load generator used, but others did."""

    samples: list[Sample] = []


class ServerProcess:
    """Reads what a process and all that it has started use.

    ConfigurationError where there is no such process, or it may not be looked at.
    """

    def __init__(self, pid: int) -> None:
        self._psutil = need("psutil", "--pid")
        self.pid = pid
        self._seen: dict[tuple[int, float], float] = {}
        try:
            self._root: psutil.Process = self._psutil.Process(pid)
            self.program = self._root.name()
        except self._psutil.NoSuchProcess:
            raise ConfigurationError(Message("--pid: there is no process {pid}.", pid=pid)) from None
        except self._psutil.AccessDenied:
            raise ConfigurationError(
                Message(
                    "--pid: process {pid} may not be looked at; run the load test as the user whose it is.",
                    pid=pid,
                )
            ) from None
        self.sample(Snapshot())

    def sample(self, snapshot: Snapshot) -> Sample | None:
        """What it uses now; ``None`` when it has ended."""
        resident, threads, descriptors, alive = 0, 0, 0, False
        shown = True
        for process in self._family():
            with contextlib.suppress(self._psutil.NoSuchProcess, self._psutil.AccessDenied):
                times = process.cpu_times()
                self._seen[process.pid, process.create_time()] = times.user + times.system
                resident += process.memory_info().rss
                threads += process.num_threads()
                alive = True
                try:
                    descriptors += _descriptors(process)
                except self._psutil.AccessDenied:
                    shown = False
        if not alive:
            return None
        return Sample(
            t=snapshot.elapsed_ms / 1000,
            cpu_seconds=sum(self._seen.values()),
            resident_bytes=resident,
            threads=threads,
            descriptors=descriptors if shown else None,
            machine_cpu_seconds=self._machine_cpu_seconds(),
            playing=snapshot.playing,
            bytes=snapshot.bytes,
        )

    def cpus(self) -> list[int]:
        """The processors that it may use; empty where the system does not tell."""
        affinity: Callable[[], list[int]] | None = getattr(self._root, "cpu_affinity", None)
        if affinity is not None:
            with contextlib.suppress(self._psutil.Error):
                return affinity()
        return []

    def _machine_cpu_seconds(self) -> float:
        times = self._psutil.cpu_times()._asdict()
        # That of guests is in the time of the user already (proc_stat(5)).
        idle = ("idle", "iowait", "guest", "guest_nice")
        return float(sum(seconds for kind, seconds in times.items() if kind not in idle))

    def _family(self) -> list[psutil.Process]:
        with contextlib.suppress(self._psutil.Error):
            return [self._root, *self._root.children(recursive=True)]
        return [self._root]


def figures_of(program: str, samples: list[Sample], report: Report, begin_s: float) -> ServerFigures | None:
    """What the samples of a run say of the time from ``begin_s`` on; ``None`` where there are too few."""
    measured = [sample for sample in samples if sample.t >= begin_s]
    if len(measured) < 2:
        return None
    first, last = measured[0], measured[-1]
    idle = list(takewhile(lambda sample: sample.playing == 0, samples)) or samples[:1]
    gigabits = (last.bytes - first.bytes) * 8 / 1e9
    cpu_seconds = last.cpu_seconds - first.cpu_seconds
    grown = last.resident_bytes - idle[-1].resident_bytes
    playing = last.playing or report.playing
    seconds = last.t - first.t
    machine = last.machine_cpu_seconds - first.machine_cpu_seconds
    ours = cpu_seconds + report.generator.cpu_seconds
    return ServerFigures(
        program=program,
        seconds=seconds,
        cpu_seconds=cpu_seconds,
        cpu_seconds_per_gigabit=cpu_seconds / gigabits if gigabits > 0 else None,
        idle_resident_bytes=idle[-1].resident_bytes,
        resident_bytes=last.resident_bytes,
        most_resident_bytes=max(sample.resident_bytes for sample in samples),
        bytes_per_reader=grown / playing if playing and grown > 0 else None,
        threads=max(sample.threads for sample in measured),
        descriptors=max(
            (sample.descriptors for sample in measured if sample.descriptors is not None), default=None
        ),
        others=max(0.0, machine - ours) / seconds if seconds > 0 else 0.0,
        samples=samples,
    )


def _descriptors(process: psutil.Process) -> int:
    """Open descriptors; on Windows, where there are none, handles."""
    count: Callable[[], int] = getattr(process, "num_fds" if hasattr(process, "num_fds") else "num_handles")
    return count()
