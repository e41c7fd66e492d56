"""A result in a sentence, and the sentences that speak against believing it."""

from __future__ import annotations

from relaycore.bench.quality import MANY_OTHERS, Quality, doubts, shortfalls
from relaycore.bench.result import Result
from relaycore.bench.text import tame

__all__ = ["verdict", "warnings"]


def verdict(result: Result, quality: Quality) -> tuple[bool, str]:
    """Whether the quality was held, and the same in words; of a search, what it found."""
    if result.search is not None:
        largest = result.search.largest
        most = "No count" if largest is None else f"{largest:,} readers"
        return largest is not None, f"{most} held {result.search.quality}. {result.search.limit}"
    missed = shortfalls(result.plan, result.report, quality)
    if missed:
        return False, tame(f"Not held ({quality}): {'; '.join(missed)}.")
    return True, f"Held: {quality}."


def warnings(result: Result) -> list[str]:
    """What makes the figures less than they look."""
    found = doubts(result.plan, result.report)
    if result.server is not None and result.server.others >= MANY_OTHERS:
        found.append(
            f"Other programs used {result.server.others:.1f} processors meanwhile: figures are theirs, too."
        )
    if result.server_ended:
        found.append("The server under test ended before the load test did.")
    if result.interrupted:
        found.append("It was ended before its time: the figures are those until then.")
    return found
