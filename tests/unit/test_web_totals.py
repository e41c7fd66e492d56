"""What sessions have moved at a path only ever grows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from relaycore import Session
from relaycore.web.metrics.totals import MOST_PATHS, PathTotals, Totals


@dataclass
class Moved:
    id: str
    path: str = "cam"
    action: str = "read"
    bytes: int = 0
    packets: int = 0
    discarded: int = 0
    lost: int = 0


def session(number: str, **counters: object) -> Session:
    return cast(Session, Moved(number, **counters))  # type: ignore[arg-type]


def test_an_ended_session_stays_counted() -> None:
    totals = Totals()
    first, second = session("1", bytes=10, packets=1, discarded=2, lost=3), session("2", bytes=5)
    totals.started(first)
    totals.started(second)
    assert totals.now([first, second])["cam", "read"] == PathTotals(2, 15, 1, 2, 3)
    totals.ended(first)
    assert totals.now([second])["cam", "read"] == PathTotals(2, 15, 1, 2, 3)


def test_paths_and_actions_are_counted_apart() -> None:
    totals = Totals()
    published, other = session("2", bytes=2, action="publish"), session("3", path="b", bytes=4)
    found = totals.now([session("1", bytes=1), published, other])
    assert {key: sums.bytes for key, sums in found.items()} == {
        ("cam", "read"): 1,
        ("cam", "publish"): 2,
        ("b", "read"): 4,
    }


def test_a_session_counts_once_whatever_the_order_of_what_is_told() -> None:
    totals = Totals()
    early = session("1", bytes=10)
    totals.started(early)
    assert totals.now([])["cam", "read"].bytes == 10, "it ended, and the event is still to come"
    totals.ended(early)
    assert totals.now([])["cam", "read"].bytes == 10
    untold = session("2", bytes=7)
    assert totals.now([untold])["cam", "read"].bytes == 17, "its start was not told"
    totals.ended(untold)
    assert totals.now([])["cam", "read"].bytes == 17


def test_the_paths_that_are_remembered_are_bounded() -> None:
    totals = Totals()
    for number in range(MOST_PATHS + 5):
        moved = session(str(number), path=f"p{number}", bytes=1)
        totals.started(moved)
        totals.ended(moved)
    found = totals.now([])
    assert len(found) == MOST_PATHS
    assert ("p4", "read") not in found
