"""How many readers over UDP relaycore holds on one processor."""

from __future__ import annotations

from benchmarks.load.most import most
from benchmarks.result import Options, Result


def run(options: Options) -> Result:
    """See :func:`benchmarks.load.most.most`."""
    return most("udp", options)
