"""What the cameras of a fleet cost: those that nobody watches, and those that somebody does."""

from __future__ import annotations

import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.result import Figure, Options, Result
from benchmarks.rtsp import Playing
from benchmarks.server import LIMIT, cpu_ns

CAMERAS = 200
WATCHED = 20
SETTLE_S = 2.0
"""Seconds until the start is over."""


def run(options: Options) -> Result:
    """Serves one camera, then many, then many of which some are watched, for ``options.seconds`` each."""
    with _fleet(1) as (pid, _):
        one = _share(pid, [], options.seconds)
    with _fleet(CAMERAS) as (pid, host):
        idle = _share(pid, [], options.seconds)
        players = [Playing(f"rtsp://{host}/cam{number}") for number in range(1, WATCHED + 1)]
        watched = _share(pid, players, options.seconds)
        for player in players:
            player.close()
    return Result(
        title="A fleet of cameras from one encode",
        method=(
            f"`relaycore fleet` with the pattern at 720p30, for {options.seconds:g} seconds each: one camera "
            f"that nobody watches, {CAMERAS} that nobody watches, and {CAMERAS} of which {WATCHED} are "
            "watched over TCP, each by another reader. Processor time of the program a second, encoding "
            "included."
        ),
        figures=[
            Figure("1 camera", one, "% of a core"),
            Figure(f"{CAMERAS} cameras", idle, "% of a core"),
            Figure("each idle camera more", (idle - one) / (CAMERAS - 1), "% of a core", below=0.05),
            Figure("each watched camera more", (watched - idle) / WATCHED, "% of a core"),
        ],
    )


def _share(pid: int, players: list[Playing], seconds: float) -> float:
    """Processor time of the program, in percent of one core, while the players throw away what comes."""
    _drain(players, SETTLE_S)
    before, begin = cpu_ns(pid), time.monotonic()
    _drain(players, seconds)
    return (cpu_ns(pid) - before) / 1e7 / (time.monotonic() - begin)


def _drain(players: list[Playing], seconds: float) -> None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        for ready in select.select(players, [], [], left)[0]:
            if not ready.socket.recv(1 << 18):
                raise ConnectionError("the fleet ended a reader")


@contextmanager
def _fleet(cameras: int) -> Iterator[tuple[int, str]]:
    """The number of the process of a fleet, and where it listens. RuntimeError when it does not come up."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "relaycore", "fleet", "--cameras", str(cameras), "--port", "0"]
        command += ["--size", "1280x720", "--fps", "30", "--state-folder", folder]
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
        ) as program:
            assert program.stdout is not None
            try:
                said = program.stdout.readline()
                if "rtsp://" not in said:
                    raise RuntimeError(f"the fleet did not come up: {said!r}")
                yield program.pid, said.split("rtsp://")[1].split("/")[0]
                program.send_signal(signal.SIGTERM)
                program.wait(LIMIT)
            finally:
                program.kill()
