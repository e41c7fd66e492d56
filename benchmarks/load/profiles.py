"""Every profile of ``relaycore bench``: what good readers get while others, or the publisher, misbehave."""

from __future__ import annotations

from typing import Final

import msgspec

from benchmarks.measure import STREAM, Measured, carry_out, cores
from benchmarks.peer import peer, start
from benchmarks.result import Figure, Options, Result, middle
from relaycore.bench.profiles import PROFILES, make_plan
from relaycore.bench.wishes import Wishes

READERS: Final = 200
USER, PASSWORD = "bench", "of the benchmark"

COUNT_OTHERWISE: Final = ("publisher-restart",)
"""What is missing while there is no publisher was never sent."""


def run(options: Options) -> Result:
    """Carries out each profile, with a server of its own."""
    figures, runs = [], []
    cpu = 0.0
    for name in PROFILES:
        found: list[Measured] = []
        for turn in range(options.repeats):
            found.append(_measure(name, options.seconds))
            runs.append(found[-1].record(server="relaycore", profile=name, turn=turn))
        cpu += sum(one.cpu_seconds for one in found)
        figures += _figures(name, found)
    about = "; ".join(f"`{name}`: {profile.about}" for name, profile in PROFILES.items())
    return Result(
        title="Every profile of the load test",
        method=(
            f"The profiles of `relaycore bench`, each for {options.seconds:g} s, {options.repeats} times, "
            f"with {READERS} readers over TCP on one processor and relaycore on the other; the stream has "
            f"{STREAM}, where a profile has no other. {about[0].upper() + about[1:]}. Figures are those of "
            "the good readers."
        ),
        figures=figures,
        cpu_seconds={"relaycore": cpu},
        runs=runs,
    )


def _measure(name: str, seconds: float) -> Measured:
    on = cores()
    which = peer("relaycore")
    user = USER if PROFILES[name].needs_user else None
    if user is not None:
        words = [*which.command, "--user", f"{USER}:{PASSWORD}"]
        which = msgspec.structs.replace(which, command=words)
    with start(which, on.server) as target:
        url = target.url + ("{n}" if PROFILES[name].many_streams else "")
        cpus = ",".join(map(str, on.load))
        wishes = Wishes(url=url, readers=READERS, duration=seconds, cpus=cpus, user=user, seed=1)
        return carry_out(target, on, make_plan(name, wishes, PASSWORD if user else None))


def _figures(name: str, found: list[Measured]) -> list[Figure]:
    latest = [max(group.latency_ms.p99 for group in one.good) for one in found]
    return [
        middle(f"{name}: latency p99", latest, "ms", below=100),
        Figure(
            f"{name}: access units that did not come whole",
            sum(one.broken for one in found),
            "",
            below=None if name in COUNT_OTHERWISE else 1,
        ),
        Figure(f"{name}: sessions that failed", sum(one.failed for one in found), "", below=1),
    ]
