"""``relaycore serve`` in a process of its own, and what that process uses."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

__all__ = ["PATTERN_720P30", "Server", "cpu_ns", "serve"]

PATTERN_720P30: Final = ("--camera", "pattern", "--size", "1280x720", "--fps", "30")
"""The camera that all benchmarks use."""

LIMIT: Final = 30.0
"""Seconds for a start or a stop; only a hang takes that long."""


class Server:
    """A server that is up.

    ``started`` is when its process was started, by ``time.monotonic``. ``url`` is that of its camera, if it
    has one, ``address`` its host and port.
    """

    def __init__(self, process: subprocess.Popen[str], started: float, has_camera: bool) -> None:
        self.process, self.started = process, started
        self._has_camera = has_camera
        self.records: list[dict[str, Any]] = []
        self.url = ""
        self.address = ""
        self.ready = threading.Event()

    def follow(self) -> None:
        """Reads the log to its end, so that the pipe never fills."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            record = json.loads(line)
            self.records.append(record)
            if record["message"] == "serving":
                self.url = record["urls"][0]
                self.ready.set()
            elif record["message"] == "listening":
                self.address = f"{record['host']}:{record['port']}"
                if not self._has_camera:
                    self.ready.set()
        self.ready.set()

    def cpu_seconds(self) -> float:
        """Processor time of all its threads up to now."""
        return cpu_ns(self.process.pid) / 1e9

    def shard_seconds(self) -> float:
        """Processor time of the threads that carry packets."""
        total = 0
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            # The kernel keeps 15 characters of a name: relaycore-shard-0 is relaycore-shard.
            if (task / "comm").read_text(encoding="utf-8").startswith("relaycore-shar"):
                total += int((task / "schedstat").read_text(encoding="utf-8").split()[0])
        return total / 1e9

    def rss_mib(self) -> float:
        """Memory that it has in RAM."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text(encoding="utf-8").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def cpu_ns(pid: int) -> int:
    """Processor time of a process in ns, by its CPU clock (Linux: the id of clock_getcpuclockid(3))."""
    return time.clock_gettime_ns((~pid << 3) | 2)


@contextmanager
def serve(*arguments: str) -> Iterator[Server]:
    """A server on a free port, from its ready line to its end. RuntimeError when it does not come up."""
    command = [sys.executable, "-m", "relaycore", "serve", "--log-json", "--port", "0", *arguments]
    started = time.monotonic()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    server = Server(process, started, "--no-camera" not in arguments)
    following = threading.Thread(target=server.follow, daemon=True)
    following.start()
    try:
        if not server.ready.wait(LIMIT) or not server.address:
            raise RuntimeError(f"the server did not come up: {server.records}")
        yield server
        process.send_signal(signal.SIGTERM)
        process.wait(LIMIT)
    finally:
        process.kill()
        process.wait()
        following.join()
