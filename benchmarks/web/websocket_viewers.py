"""What viewers over WebSockets cost."""

from __future__ import annotations

import time
from typing import Final

from benchmarks.drain import Drain, readers
from benchmarks.load.forward import forwarding
from benchmarks.pinned import more_files
from benchmarks.result import Figure, Options, Result, middle
from benchmarks.server import PATTERN_720P30, Server, serve

VIEWERS: Final = 500
SETTLE_S: Final = 3.0
"""Until the viewers have caught up."""


def run(options: Options) -> Result:
    """Compares a relay with and without viewers."""
    more_files()
    shares: list[float] = []
    costs: list[float] = []
    drains: list[float] = []
    cpu = 0.0
    with serve(*PATTERN_720P30, "--bitrate", "2M") as source, serve("--no-camera") as relay:
        with forwarding(source.url, f"rtsp://{relay.address}/relayed"):
            url = f"ws://{relay.address}/relayed/ws"
            for _ in range(options.repeats):
                without, *_ = _spend(relay, url, 1, options.seconds)
                used, seconds, many, drain = _spend(relay, url, VIEWERS, options.seconds)
                shares.append((used - without) / seconds / (VIEWERS - 1) * 100)
                costs.append((used - without) / (many * 8 / 1e9))
                drains.append(drain / seconds * 100)
        cpu = relay.cpu_seconds()
    return Result(
        title=f"{VIEWERS} viewers over WebSockets",
        method=(
            "A stream of 720p30 and about 2 Mbit/s is published to a relay that is not pinned, and watched "
            f"as fragments of MP4 by one viewer, and by {VIEWERS}, which another process drains, "
            f"for {options.seconds:g} s each, {options.repeats} times. The cost is the difference, so that "
            "making the fragments is no part of it."
        ),
        figures=[
            middle("one more viewer", shares, "% of a core"),
            middle("CPU", costs, "s/Gbit"),
            middle("the process that empties the connections", drains, "% of a core"),
            Figure("viewers", VIEWERS, ""),
        ],
        cpu_seconds={"relay": cpu},
    )


def _spend(relay: Server, url: str, count: int, seconds: float) -> tuple[float, float, float, float]:
    """Processor time of the relay and of who empties, the time that passed, and the bytes that came."""
    drain: Drain
    with readers(url, count) as drain:
        time.sleep(SETTLE_S)
        before, begin = relay.cpu_seconds(), time.monotonic()
        time.sleep(seconds)
        used, passed = relay.cpu_seconds() - before, time.monotonic() - begin
    # All that came since the connections opened, less what came in the time around.
    share = passed / (passed + SETTLE_S)
    return used, passed, drain.received * share, drain.cpu_seconds * share
