"""What a session costs, and which thread pays for it."""

from __future__ import annotations

import time
from pathlib import Path

from benchmarks.load.visits import CAMERA, PER_SECOND, come_and_go
from benchmarks.result import Figure, Options, Result, middle
from benchmarks.server import serve

SHARD = "relaycore-shard"


def run(options: Options) -> Result:
    """Compares the threads of a relay while sessions come and go with those of one that nobody visits."""
    python: list[float] = []
    shards: list[float] = []
    cpu = 0.0
    for _ in range(options.repeats):
        with serve(*CAMERA) as server:
            pid = server.process.pid
            # What is done once is done.
            come_and_go(server.address, 1.0)
            start = _thread_ns(pid)
            time.sleep(options.seconds)
            idle = _thread_ns(pid)
            come_and_go(server.address, options.seconds)
            busy = _thread_ns(pid)
            cpu += server.cpu_seconds()
        count = PER_SECOND * options.seconds
        for name, found in (("python", python), (SHARD, shards)):
            found.append(((busy[name] - idle[name]) - (idle[name] - start[name])) / count / 1000)
    return Result(
        title="What a session costs",
        method=(
            f"{PER_SECOND} readers over TCP in each second come without a password, play a stream that costs "
            f"little and leave at once, for {options.seconds:g} s, {options.repeats} times; less what the "
            "threads take while nobody comes. Python's thread decides about each; there is one, so that "
            "what it takes says how many can begin in a second at most."
        ),
        figures=[
            middle("Python's thread, for each", python, "us"),
            middle("the shards, for each", shards, "us"),
            Figure("sessions in a second by that", 1e6 / sorted(python)[len(python) // 2], ""),
        ],
        cpu_seconds={"relaycore": cpu},
    )


def _thread_ns(pid: int) -> dict[str, int]:
    """Processor time in ns of the first thread of a process, ``python``, and of all of each other name."""
    times: dict[str, int] = {}
    for folder in Path(f"/proc/{pid}/task").iterdir():
        try:
            name = "python" if int(folder.name) == pid else (folder / "comm").read_text().strip()
            ran = int((folder / "schedstat").read_text().split()[0])
        except FileNotFoundError:
            continue
        times[name] = times.get(name, 0) + ran
    return times
