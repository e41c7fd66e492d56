"""What counting journeys costs, and how fast they are reported."""

from __future__ import annotations

import random
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from benchmarks.load.visits import PER_SECOND, cost_of_visits, environment
from benchmarks.result import Figure, Options, Result, middle
from relaycore.journeys.counts import Counts, Group, Name
from relaycore.journeys.histogram import bucket_of
from relaycore.journeys.report import Question, ask
from relaycore.journeys.stages import STAGES
from relaycore.journeys.store import FILE, Store

SESSIONS: Final = 1_000_000
DAYS, PATHS = 365, 50
CLIENTS: Final = ("VLC", "FFmpeg", "Chrome", "GStreamer")
TRANSPORTS: Final = ("tcp", "udp")
ASKED: Final = 5
"""Reports of each kind."""

FIRST_DAY: Final = date(2026, 1, 1)


def run(options: Options) -> Result:
    """Fills a file and asks it, and lets sessions come with journeys and without."""
    with tempfile.TemporaryDirectory() as folder:
        _fill(Path(folder))
        size = (Path(folder) / FILE).stat().st_size
        month = Question(since=FIRST_DAY + timedelta(DAYS - 30))
        questions = {"the last month": month, "a path": Question(path="path7"), "everything": Question()}
        found = {
            name: [_seconds(Path(folder), question) for _ in range(ASKED)]
            for name, question in questions.items()
        }
    cost: dict[str, list[float]] = {"without": [], "with": []}
    for _ in range(options.repeats):
        for kind, shares in cost.items():
            with (
                tempfile.TemporaryDirectory() as folder,
                environment(folder, "journeys", enabled=kind == "with"),
            ):
                shares.append(cost_of_visits(options.seconds)[0])
    more = [with_them - without for with_them, without in zip(cost["with"], cost["without"], strict=True)]
    return Result(
        title="Journeys",
        method=(
            f"{PER_SECOND} readers a second set up, play and tear down a small stream, for "
            f"{options.seconds:g} s and {options.repeats} times, of a relay that counts their journeys and "
            "of one that does not, in turns: the differences of their processor time, turn by turn. And a "
            f"file with the journeys of {SESSIONS} sessions, spread evenly over {DAYS} days, {PATHS} paths, "
            f"{len(CLIENTS)} families of clients and {len(TRANSPORTS)} transports, is reported: all stages, "
            "by each of them, which takes one thread and nothing but a file that is in memory."
        ),
        figures=[
            middle("processor time for journeys", [100 * share for share in more], "% of a core", below=2),
            *(
                middle(f"processor time of a report of {name}", seconds, "s", below=1)
                for name, seconds in found.items()
            ),
            Figure("the file", size / 1e6, "MB"),
        ],
        runs=[{"reports": found, "shares": cost}],
    )


def _fill(folder: Path) -> None:
    chance = random.Random(1)
    store = Store(folder)
    for number in range(DAYS):
        day = (FIRST_DAY + timedelta(number)).isoformat()
        counts = Counts()
        for _ in range(SESSIONS // DAYS):
            path, client = f"path{chance.randrange(PATHS)}", chance.choice(CLIENTS)
            group = Group(day, path, client, "rtsp", chance.choice(TRANSPORTS))
            reached = chance.choice((3, 6, 8, 9, 10))
            for stage in STAGES[:reached]:
                counts[group][Name(stage, "passed")] += 1
                took = str(bucket_of(round(chance.lognormvariate(16, 2))))
                counts[group][Name(stage, "took", took)] += 1
            if reached < len(STAGES):
                counts[group][Name(STAGES[reached - 1], "ended", "client closed the connection")] += 1
        store.add(counts)
    store.close()


def _seconds(folder: Path, question: Question) -> float:
    began = time.process_time()
    ask(folder, question)
    return time.process_time() - began
