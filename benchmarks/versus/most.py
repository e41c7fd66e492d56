"""The most readers that each server holds on one processor."""

from __future__ import annotations

from typing import Any, Final, get_args

from benchmarks.measure import STREAM, Transport, cores
from benchmarks.result import Options, Result
from benchmarks.search import IN_WORDS, find
from benchmarks.versus.compare import Compared, ahead, installed

FIRST: Final = 100
MOST: Final[dict[Transport, int]] = {"tcp": 6000, "udp": 4000}


def run(options: Options) -> Result:
    """Searches each server's over each transport, in turns."""
    on = cores()
    compared = Compared()
    there = installed(options, compared)
    found: dict[Transport, dict[str, list[float]]] = {name: {} for name in get_args(Transport)}
    cpu: dict[str, float] = {}
    runs: list[dict[str, Any]] = []
    full: set[str] = set()
    for turn in range(options.repeats):
        for which in there:
            for transport in which.transports:
                one = find(
                    which,
                    on,
                    transport=transport,
                    first=FIRST,
                    most=MOST[transport],
                    seconds=options.seconds,
                    server=which.name,
                    turn=turn,
                )
                found[transport].setdefault(which.name, []).append(one.most)
                cpu[which.name] = cpu.get(which.name, 0.0) + one.cpu_seconds
                runs += one.runs
                if one.full:
                    full.add(f"{which.name} over {transport.upper()}")
    limit = (
        " The load generator had no time left where these searches ended, so that the servers may hold more: "
        f"{', '.join(sorted(full))}."
        if full
        else ""
    )
    return Result(
        title="The most readers, beside other servers",
        method=(
            f"A stream of {STREAM}, to each server on one processor, readers on the other. A number of "
            f"readers is held when, for {options.seconds:g} s, {IN_WORDS}. {options.repeats} searches from "
            f"{FIRST} on, to a twentieth, each attempt with a new server; 0 where not even the first number "
            "is held. Medians, with the lowest and the highest. The aim of relaycore is the best of the "
            f"others.{limit}{compared.remarks}"
        ),
        figures=[
            figure
            for transport, values in found.items()
            for figure in ahead(f"readers over {transport.upper()}", "", values, more_is_better=True)
        ],
        cpu_seconds=cpu,
        runs=runs,
        versions=compared.versions,
    )
