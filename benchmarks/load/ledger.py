"""What the ledger costs, and how fast it answers."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.load.visits import PER_SECOND, cost_of_visits, environment
from benchmarks.result import Figure, Options, Result, middle
from relaycore.ledger.keys import PUBLIC_KEY_FILE, PublicKey
from relaycore.ledger.query import Question, ask
from relaycore.ledger.records import Opening, Record, Session
from relaycore.ledger.schema import LEDGER_FILE
from relaycore.ledger.store import LedgerFile
from relaycore.ledger.verify import verify

SESSIONS: Final = 1_000_000
USERS, PATHS, DAYS = 1000, 50, 365
TOGETHER: Final = 500
"""Sessions of one transaction while the ledger is filled."""

START_MS: Final = 1_750_000_000_000
DAY_MS: Final = 86_400_000

ASKED: Final = 20
"""Questions of each kind."""


def run(options: Options) -> Result:
    """Fills a ledger and asks it, and lets sessions come with one and without."""
    found: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        began = time.process_time()
        _fill(Path(folder))
        filled = time.process_time() - began
        for name, question in _questions():
            found.setdefault(name, []).append(_seconds(partial(ask, Path(folder), question)))
        key = PublicKey.load(Path(folder) / PUBLIC_KEY_FILE)
        verified = _seconds(partial(_verified, Path(folder), key))
        size = (Path(folder) / LEDGER_FILE).stat().st_size
    cost: dict[str, list[float]] = {"without": [], "with": []}
    waits: dict[str, list[float]] = {"without": [], "with": []}
    for _ in range(options.repeats):
        for kind in cost:
            with (
                tempfile.TemporaryDirectory() as folder,
                environment(folder, "ledger", enabled=kind == "with"),
            ):
                share, waited = cost_of_visits(options.seconds)
                cost[kind].append(share)
                waits[kind].append(median(waited) * 1000)
    more = median(cost["with"]) - median(cost["without"])
    return Result(
        title="The ledger",
        method=(
            f"A ledger that was just filled with {SESSIONS} sessions of {USERS} users at {PATHS} paths on "
            f"{DAYS} days, one in four of one user, is asked for the newest 100 records, in {ASKED} ways of "
            "each kind. Then "
            f"{PER_SECOND} readers a second set up, play and tear down a small stream, for "
            f"{options.seconds:g} s and {options.repeats} times, of a relay with a ledger, where each waits "
            "until it is on record, and of one "
            "without, in turns: the difference of the medians of their processor time."
        ),
        figures=[
            *(
                middle(f"a question {name}, slowest", [max(values)], "s", below=1)
                for name, values in found.items()
            ),
            Figure("processor time for the ledger", more * 100, "% of a core", below=2),
            middle("PLAY answered, median, without a ledger", waits["without"], "ms"),
            middle("PLAY answered, median, with a ledger", waits["with"], "ms"),
            Figure("verifying a million sessions", verified, "s"),
            Figure("a session on disk", size / SESSIONS, "bytes"),
            Figure("writing a session among 500", filled / SESSIONS * 1e6, "us of a core"),
        ],
        runs=[{"questions": found, "shares": cost, "waits_ms": waits}],
    )


def _fill(folder: Path) -> None:
    chance = random.Random(1)
    file = LedgerFile(folder, synchronous="normal")
    for first in range(0, SESSIONS, TOGETHER):
        records: list[Record] = []
        for number in range(first, first + TOGETHER):
            begun = START_MS + number * DAYS * DAY_MS // SESSIONS
            user = "user0" if chance.random() < 0.25 else f"user{chance.randrange(USERS)}"
            opening = _opening(user, f"path{chance.randrange(PATHS)}", begun)
            records += [opening, _session(opening, chance.randrange(600_000))]
        file.append(records)
    file.close()


def _opening(user: str, path: str, begun: int) -> Opening:
    return Opening(
        at=begun,
        subject=user,
        role="viewer",
        purpose="safety of the crane",
        action="read",
        path=path,
        protocol="rtsp",
        transport="tcp",
        client="LibVLC/3.0.20 (LIVE555 Streaming Media v2016.11.28)",
        network="192.0.2.0/24",
        begun=begun,
    )


def _session(opening: Opening, lasted_ms: int) -> Session:
    fields = {
        name: getattr(opening, name) for name in Opening.__struct_fields__ if name not in ("number", "at")
    }
    end = opening.begun + lasted_ms
    return Session(
        **fields,
        at=end,
        to=end,
        bytes=lasted_ms * 500,
        discarded=0,
        first_picture_ms=40,
        reason="the client ended it",
    )


def _questions() -> Iterator[tuple[str, Question]]:
    chance = random.Random(2)
    for _ in range(ASKED):
        user, path = f"user{chance.randrange(USERS)}", f"path{chance.randrange(PATHS)}"
        since = START_MS + chance.randrange(DAYS) * DAY_MS
        yield "by user", Question(subject=user)
        yield "by path", Question(path=path)
        yield "by day", Question(since=since, until=since + DAY_MS)
        yield "by user and day", Question(subject="user0", since=since, until=since + DAY_MS)
        yield "by user and path", Question(subject="user0", path=path)
        yield "by path and day", Question(path=path, since=since, until=since + DAY_MS)
    yield "by user", Question(subject="user0", limit=10_000)
    yield "by day", Question(until=START_MS)
    yield "by path and day", Question(path="path0", until=START_MS)
    yield "by user and day", Question(subject="user0", until=START_MS)


def _seconds(what: Callable[[], object]) -> float:
    began = time.perf_counter()
    what()
    return time.perf_counter() - began


def _verified(folder: Path, key: PublicKey) -> None:
    if not verify(folder, key).intact:
        raise RuntimeError("the ledger is not as it was written")
