"""What memory a reader takes."""

from __future__ import annotations

import resource
import time

from benchmarks.drain import readers
from benchmarks.load.forward import forwarding
from benchmarks.result import Figure, Options, Result
from benchmarks.server import PATTERN_720P30, serve

BEFORE, READERS = 100, 1000
CACHE_S, SETTLE_S = 15.0, 2.0


def run(_options: Options) -> Result:
    """Compares the memory of a relay with few and with many readers."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    arguments = (*PATTERN_720P30, "--bitrate", "200k")
    with serve(*arguments) as source, serve("--no-camera") as relay:
        target = f"rtsp://{relay.address}/relayed"
        with forwarding(source.url, target), readers(target, BEFORE):
            # The cache of the stream fills up, and what the allocator takes once is taken.
            time.sleep(CACHE_S)
            few = relay.rss_mib()
            with readers(target, READERS):
                time.sleep(SETTLE_S)
                many = relay.rss_mib()
        cpu = relay.cpu_seconds()
    return Result(
        title="Memory by readers of a published stream",
        method=(
            f"A published stream with {BEFORE} readers over TCP and with {READERS} more, which other "
            "processes drain: the difference of what the relay has in RAM, by the number of readers. The "
            "kernel's buffers are not in it."
        ),
        figures=[
            Figure("one more reader", (many - few) * 1024 / READERS, "KiB", below=5.0),
            Figure(f"the relay with {BEFORE + READERS} readers", many, "MiB"),
        ],
        cpu_seconds={"relay": cpu},
    )
