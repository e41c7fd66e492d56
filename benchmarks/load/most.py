"""How many readers relaycore holds on one processor."""

from __future__ import annotations

from typing import Final

from benchmarks.measure import STREAM, Transport, cores
from benchmarks.peer import peer
from benchmarks.result import Options, Result, middle
from benchmarks.search import IN_WORDS, find

__all__ = ["most"]

FIRST: Final = {"tcp": 1000, "udp": 500}
MOST: Final = {"tcp": 6000, "udp": 4000}
"""No more readers are tried: sockets are in the way before, three for each reader over UDP."""

AIM: Final = {"tcp": 3500, "udp": 1200}


def most(transport: Transport, options: Options) -> Result:
    """Searches several times."""
    on, which = cores(), peer("relaycore")
    found = [
        find(
            which,
            on,
            transport=transport,
            first=FIRST[transport],
            most=MOST[transport],
            seconds=options.seconds,
            server="relaycore",
            turn=turn,
        )
        for turn in range(options.repeats)
    ]
    limit = (
        " Where a search ended, the load generator had no time left: the server may hold more."
        if any(one.full for one in found)
        else ""
    )
    return Result(
        title=f"The most readers over {transport.upper()}",
        method=(
            f"A stream of {STREAM}, published over TCP to relaycore on one processor; readers over "
            f"{transport.upper()} on the other. A number of readers is held when, for {options.seconds:g} s, "
            f"{IN_WORDS}. {options.repeats} searches to a twentieth, each attempt with a new server; the "
            f"median, with the lowest and the highest.{limit}"
        ),
        figures=[middle("readers", [one.most for one in found], "", at_least=AIM[transport])],
        cpu_seconds={"relaycore": sum(one.cpu_seconds for one in found)},
        runs=[run for one in found for run in one.runs],
    )
