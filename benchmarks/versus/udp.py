"""A hundred readers over UDP, of each server: more than that, few of them carry."""

from __future__ import annotations

from benchmarks.result import Options, Result
from benchmarks.versus.cost import cost


def run(options: Options) -> Result:
    """See :func:`benchmarks.versus.cost.cost`."""
    return cost("udp", 100, options)
