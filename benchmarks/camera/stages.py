"""How long pictures spend in each stage of the server."""

from __future__ import annotations

from benchmarks.player import pictures
from benchmarks.result import Figure, Options, Result
from benchmarks.server import PATTERN_720P30, serve

PICTURES = 500
"""As many as the trace remembers and some more."""

FRAME_MS = 1000 / 30


def run(_options: Options) -> Result:
    """Reads the trace that ``--trace-latency`` logs, with one player connected."""
    with serve(*PATTERN_720P30, "--trace-latency") as server:
        for number, _ in enumerate(pictures(server.url)):
            if number == PICTURES:
                break
        cpu = server.cpu_seconds()
    traces = [record for record in server.records if record["message"] == "latency"]
    newest = {record["stage"]: record for record in traces}
    figures = [
        Figure(
            f"{stage}, {name}",
            record[key],
            "ms",
            below=FRAME_MS if stage == "wait" and key == "p95_ms" else None,
        )
        for stage, record in newest.items()
        for name, key in (("median", "median_ms"), ("95th percentile", "p95_ms"))
    ]
    return Result(
        title="Latency by stage",
        method=(
            f"The pattern at 720p30 with one player over TCP; the newest {newest['total']['count']} "
            "pictures of the trace. `capture` is from when a picture was due until its thread ran, "
            "`decode` the painting of the pattern, `wait` the handoff to the encoder, `send` from ring to "
            "last socket. In the handoff at most one picture waits, and the next one displaces it."
        ),
        figures=figures,
        cpu_seconds={"server": cpu},
    )
