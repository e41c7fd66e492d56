"""A thousand readers over TCP, of each server."""

from __future__ import annotations

from benchmarks.result import Options, Result
from benchmarks.versus.cost import cost


def run(options: Options) -> Result:
    """See :func:`benchmarks.versus.cost.cost`."""
    return cost("tcp", 1000, options)
