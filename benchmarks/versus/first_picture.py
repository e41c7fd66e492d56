"""How soon a reader that joins has a picture, of each server."""

from __future__ import annotations

from benchmarks.load.first_picture import PER_SECOND, WATCHING, joining
from benchmarks.measure import GOP_MS, STREAM, cores
from benchmarks.result import Options, Result
from benchmarks.versus.compare import compare


def run(options: Options) -> Result:
    """Lets readers join each server at all moments of a group of pictures."""
    on = cores()
    compared = compare(options, lambda which: joining(which, on, options.seconds))
    return Result(
        title="The first picture of a reader that joins, beside other servers",
        method=(
            f"A stream of {STREAM}, to each server on one processor, watched by {WATCHING} readers over TCP; "
            f"{PER_SECOND} more join in each second, for {options.seconds:g} s, {options.repeats} times. "
            "From the moment when a reader connects until it has the last packet of the first access unit "
            f"that a decoder can begin with: {GOP_MS / 2000:g} s on average where it waits for the next key "
            f"frame. The aim of relaycore is the best of the others.{compared.remarks}"
        ),
        figures=[
            *compared.figures("first picture, p95", "ms", lambda one: one.readers.first_picture_ms.p95),
            *compared.figures("first picture, median", "ms", lambda one: one.readers.first_picture_ms.p50),
            *compared.figures("PLAY answered, p95", "ms", lambda one: one.readers.setup_ms.p95, aim=False),
            *compared.figures("readers that failed", "", lambda one: one.failed, aim=False),
        ],
        cpu_seconds=compared.cpu_seconds,
        runs=compared.runs,
        versions=compared.versions,
    )
