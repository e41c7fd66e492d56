"""What the process uses, under the names that all Prometheus clients give it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from relaycore.system.process import open_descriptors, resident_bytes
from relaycore.web.metrics.exposition import Family

__all__ = ["process_families"]

_STARTED = time.time()
"""When this module was loaded; about when the process started."""


def process_families() -> Iterator[Family]:
    """CPU time everywhere; memory and descriptors where the system shows them as files."""
    cpu = Family(
        "process_cpu_seconds_total", "counter", "CPU time of the process, user and system, in seconds."
    )
    cpu.add(time.process_time())
    yield cpu
    start = Family(
        "process_start_time_seconds", "gauge", "When the process started, in seconds of Unix time."
    )
    start.add(_STARTED)
    yield start
    with contextlib.suppress(OSError):
        memory = Family("process_resident_memory_bytes", "gauge", "Memory of the process that is in RAM.")
        memory.add(resident_bytes())
        yield memory
    with contextlib.suppress(OSError):
        descriptors = Family("process_open_fds", "gauge", "Descriptors that the process has open.")
        descriptors.add(open_descriptors())
        yield descriptors
