"""From the moment a picture shows to the moment a player has it decoded."""

from __future__ import annotations

import time

import numpy as np

from benchmarks.player import pictures
from benchmarks.result import Figure, Options, Result
from benchmarks.server import PATTERN_720P30, serve
from relaycore.capture.pattern import read_strip

PICTURES = 450
"""Fifteen seconds."""

WARM_UP = 60
"""The first pictures come while the player still starts."""


def run(_options: Options) -> Result:
    """Compares the wallclock in the strip of each decoded picture with the wallclock."""
    latencies: list[float] = []
    counters: list[int] = []
    with serve(*PATTERN_720P30) as server:
        began = time.process_time()
        for number, frame in enumerate(pictures(server.url)):
            decoded_ms = time.time_ns() / 1e6
            shown = read_strip(frame.to_ndarray()[: frame.height])
            if number >= WARM_UP and shown is not None:
                counters.append(shown[0])
                latencies.append(decoded_ms - shown[1])
            if number == WARM_UP + PICTURES:
                break
        cpu = {"server": server.cpu_seconds(), "player": time.process_time() - began}
    median, p95 = np.percentile(latencies, [50, 95])
    missing = counters[-1] - counters[0] + 1 - len(counters)
    return Result(
        title="Glass to glass",
        method=(
            f"{len(latencies)} pictures of the pattern at 720p30, encoded, sent over loopback TCP, decoded "
            "at once by PyAV with FFmpeg's options for low delay. The time is from that of the strip in the "
            "picture, when it was due to be taken, until the decoder gave it out, both by the same "
            "wallclock. FFmpeg's RTSP client holds each picture until the first packet of the next one."
        ),
        figures=[
            Figure("median", float(median), "ms", below=60),
            Figure("95th percentile", float(p95), "ms"),
            Figure("best", min(latencies), "ms"),
            Figure("pictures not seen", missing, ""),
        ],
        cpu_seconds=cpu,
    )
