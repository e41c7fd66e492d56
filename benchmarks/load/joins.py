"""How soon a reader that joins a published stream has a picture, and how soon it is live."""

from __future__ import annotations

import random
import threading
import time
from contextlib import closing
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

from benchmarks.load.forward import forwarding
from benchmarks.player import pictures
from benchmarks.result import Figure, Options, Result
from benchmarks.server import serve
from relaycore.capture.pattern import read_strip

JOINS = 20
GOP_S = 10.0
LATER_S = 1.0
FPS = 30

_CONFIG = f"""
[cameras.cam]
camera = "pattern"
size = "1280x720"
fps = {FPS}
gop_seconds = {GOP_S}
"""


class _Live:
    """A player that reads all the time: the newest picture that anybody can have."""

    def __init__(self, url: str) -> None:
        self.counter = 0
        self.started = threading.Event()
        self._ends = False
        self._thread = threading.Thread(target=self._read, args=(url,), daemon=True)
        self._thread.start()
        self.started.wait()

    def _read(self, url: str) -> None:
        with closing(pictures(url, all_pictures=True)) as frames:
            for frame in frames:
                shown = read_strip(frame.to_ndarray()[: frame.height])
                if shown is not None:
                    self.counter = shown[0]
                    self.started.set()
                if self._ends:
                    return

    def close(self) -> None:
        self._ends = True
        self._thread.join()


def run(_options: Options) -> Result:
    """Joins at random moments of a group of pictures, beside a player that is live all the time."""
    chance = random.Random(1)
    first: list[float] = []
    behind: list[float] = []
    with TemporaryDirectory() as folder:
        config = Path(folder) / "camera.toml"
        config.write_text(_CONFIG, encoding="utf-8")
        with serve(str(config)) as source, serve("--no-camera") as relay:
            target = f"rtsp://{relay.address}/relayed"
            with forwarding(source.url, target):
                live = _Live(target)
                time.sleep(GOP_S)
                for _ in range(JOINS):
                    time.sleep(chance.random())
                    took, lag = _join(target, live)
                    first.append(took)
                    behind.append(lag)
                live.close()
            cpu = {"relay": relay.cpu_seconds()}
    return Result(
        title="Joining a published stream",
        method=(
            f"The pattern with a key frame every {GOP_S:g} s, published over TCP; {JOINS} readers (PyAV over "
            "TCP) join one after the other at random moments. `first picture` is from the start of the "
            "player to its first decoded picture, `behind live` what it is behind a player that reads all "
            f"the time, {LATER_S:g} s later: the difference of the counters in their newest pictures."
        ),
        figures=[
            Figure("first picture, median", median(first) * 1000, "ms"),
            Figure("first picture, 95th percentile", quantiles(first, n=20)[18] * 1000, "ms", below=100),
            Figure("behind live, median", median(behind) * 1000, "ms"),
            Figure("behind live, most", max(behind) * 1000, "ms", below=100),
        ],
        cpu_seconds=cpu,
    )


def _join(url: str, live: _Live) -> tuple[float, float]:
    """Seconds to the first picture, and seconds behind the live player a little later."""
    began = time.monotonic()
    took = 0.0
    with closing(pictures(url, all_pictures=True)) as frames:
        for frame in frames:
            took = took or time.monotonic() - began
            if time.monotonic() < began + took + LATER_S:
                continue
            shown = read_strip(frame.to_ndarray()[: frame.height])
            if shown is not None:
                return took, max(0, live.counter - shown[0]) / FPS
    raise RuntimeError("the stream ended")
