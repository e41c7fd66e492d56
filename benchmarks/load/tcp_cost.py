"""What a thousand readers over TCP cost, beside the bare loop."""

from __future__ import annotations

from benchmarks.load.cost import cost
from benchmarks.result import Options, Result


def run(options: Options) -> Result:
    """See :func:`benchmarks.load.cost.cost`."""
    return cost("tcp", options)
