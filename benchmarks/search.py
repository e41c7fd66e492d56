"""The largest number of readers that a server holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from benchmarks.measure import HELD, Cores, Measured, Transport, measure_once
from benchmarks.peer import Peer
from relaycore.bench.search import CountSearch

__all__ = ["IN_WORDS", "Found", "find"]

IN_WORDS: Final = (
    f"every reader has the whole stream, with a 99th percentile of the latency of at most {HELD.p99_ms:g} ms"
)


@dataclass(slots=True)
class Found:
    """What a search found: the largest number held, the processor time of its attempts and a record of each.

    ``full`` says that the load generator had no time left where the search failed: the server may hold more.
    """

    most: int = 0
    full: bool = False
    cpu_seconds: float = 0.0
    runs: list[dict[str, Any]] = field(default_factory=list)


def find(
    which: Peer, on: Cores, *, transport: Transport, first: int, most: int, seconds: float, **about: Any
) -> Found:
    """Tries numbers of readers, each with a server of its own; ``about`` goes into the records."""
    found = Found()
    counts = CountSearch(first, most)
    failed: Measured | None = None
    while (count := counts.next) is not None:
        tried = {**about, "transport": transport, "readers": count}
        try:
            measured = measure_once(which, on, count, transport=transport, seconds=seconds)
        except OSError as error:
            # The server has ended under the load.
            found.runs.append({**tried, "held": False, "shortfalls": [str(error)]})
            counts.record(False)
            continue
        short = measured.shortfalls
        found.cpu_seconds += measured.cpu_seconds
        found.runs.append(measured.record(**tried, held=not short, shortfalls=short))
        counts.record(not short)
        if short:
            failed = measured
    found.most = counts.held or 0
    found.full = failed is not None and failed.generator_is_full
    return found
