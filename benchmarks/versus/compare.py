"""Measures the same with each server in turns, and sets relaycore beside the best of the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Any, Final

from benchmarks.measure import Measured
from benchmarks.peer import Peer, peer, peers, version
from benchmarks.result import Figure, Options, middle

__all__ = ["OURS", "Compared", "ahead", "compare", "installed"]

OURS: Final = "relaycore"


@dataclass(slots=True)
class Compared:
    """What was measured of each server that was there, by its name, in the order of their files.

    ``failed`` says why one has nothing, ``versions`` are theirs, ``runs`` the records.
    """

    measured: dict[str, list[Measured]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    runs: list[dict[str, Any]] = field(default_factory=list)

    def figures(
        self, name: str, unit: str, value: Callable[[Measured], float], *, aim: bool = True
    ) -> list[Figure]:
        """One figure of each server; with ``aim``, relaycore's is to be below all others."""
        values = {server: [value(one) for one in each] for server, each in self.measured.items()}
        figures = ahead(name, unit, values)
        return figures if aim else [replace(one, below=None) for one in figures]

    @property
    def cpu_seconds(self) -> dict[str, float]:
        """Processor time of each server."""
        return {server: sum(one.cpu_seconds for one in each) for server, each in self.measured.items()}

    @property
    def remarks(self) -> str:
        """What has no figures and why; empty when all have."""
        return "".join(f" {server}: {why}." for server, why in self.failed.items())


def ahead(
    name: str, unit: str, values: Mapping[str, Sequence[float]], *, more_is_better: bool = False
) -> list[Figure]:
    """One figure of each server; the aim of relaycore's is to be ahead of all others."""
    figures = [middle(name, each, unit, of=server) for server, each in values.items()]
    others = [median(each) for server, each in values.items() if server != OURS]
    if not others:
        return figures
    below = None if more_is_better else min(others)
    at_least = max(others) if more_is_better else None
    return [replace(one, below=below, at_least=at_least) if one.of == OURS else one for one in figures]


def installed(options: Options, compared: Compared) -> list[Peer]:
    """The servers that are asked for and there; what is not there is put down as failed."""
    found = []
    for name in options.peers or peers():
        which = peer(name)
        told = version(which)
        if told is None:
            compared.failed[which.name] = "not installed here"
        else:
            compared.versions[which.name] = told
            found.append(which)
    return found


def compare(options: Options, measure: Callable[[Peer], Measured], **about: Any) -> Compared:
    """Measures each server so often, in turns; ``about`` goes into the records.

    A server that cannot be measured once is left out from then on, with the reason.
    """
    compared = Compared()
    there = installed(options, compared)
    for turn in range(options.repeats):
        for which in there:
            if which.name in compared.failed:
                continue
            try:
                measured = _measure(which, measure)
            except (OSError, RuntimeError) as error:
                compared.failed[which.name] = str(error).splitlines()[0]
                compared.measured.pop(which.name, None)
                continue
            compared.measured.setdefault(which.name, []).append(measured)
            compared.runs.append(measured.record(server=which.name, turn=turn, **about))
    return compared


def _measure(which: Peer, measure: Callable[[Peer], Measured]) -> Measured:
    """RuntimeError when the server sends nothing; OSError when it has ended on the way."""
    measured = measure(which)
    if measured.report.bytes == 0:
        kinds = ", ".join(f"{one.kind} ({one.example})" for one in measured.report.findings)
        raise RuntimeError(f"no reader got anything: {kinds}")
    return measured
