"""What a second processor is worth."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.measure import STREAM, Cores, Measured, cores, measure_once
from benchmarks.peer import peer
from benchmarks.result import Figure, Options, Result, middle

READERS = 500
"""Half of what one processor carries, so that the load generator finds room beside two."""

SHARDS = "relaycore-shar"
"""How the names of the threads begin that carry packets; the kernel keeps 15 characters."""


@dataclass(frozen=True, slots=True)
class Scaling:
    """How much more work two processors do than one, and what makes it less than twice as much."""

    cost: float
    evenness: float

    @property
    def times(self) -> float:
        """Two processors are full when the busier one is."""
        return 2 * self.evenness / self.cost


def run(options: Options) -> Result:
    """Compares the cost of a gigabit on one processor and on two, and how evenly two are used."""
    which = peer("relaycore")
    one_core = cores()
    both = cores(2)
    all_cores = tuple(sorted({*both.server, *both.load}))
    runs, found, measured = [], [], []
    for turn in range(options.repeats):
        alone = measure_once(which, one_core, READERS, transport="tcp", seconds=options.seconds)
        shared = measure_once(
            which, Cores(both.server, all_cores[-1:]), READERS, transport="tcp", seconds=options.seconds
        )
        measured += [alone, shared]
        found.append(scaling(alone, shared))
        for one, count in ((alone, 1), (shared, 2)):
            runs.append(one.record(server="relaycore", turn=turn, readers=READERS, processors=count))
    return Result(
        title="Two processors beside one",
        method=(
            f"A stream of {STREAM}, published to relaycore and read by {READERS} readers over TCP; once with "
            "relaycore on one processor and the load on the others, once with relaycore free to use two. In "
            f"turns, {options.repeats} times for {options.seconds:g} s each. On a machine with two "
            "processors the load generator needs one of them, so that no run can show twice the readers; "
            "the cost shows it: two processors carry twice what one does, less what a gigabit costs more on "
            "two, and less what the busier thread does more than the other, since the server is full when "
            "that one is."
        ),
        figures=[
            middle("two processors, times one", [one.times for one in found], "", at_least=1.8),
            middle("CPU of a gigabit, two beside one", [one.cost for one in found], ""),
            middle("mean by most of the threads' work", [one.evenness for one in found], ""),
            Figure("access units that did not come whole", sum(one.broken for one in measured), "", below=1),
        ],
        cpu_seconds={"relaycore": sum(one.cpu_seconds for one in measured)},
        runs=runs,
    )


def scaling(alone: Measured, shared: Measured) -> Scaling:
    """From a run on one processor and one on two."""
    shards = [ran for name, ran in shared.thread_seconds.items() if name.startswith(SHARDS)]
    return Scaling(shared.cpu_per_gigabit / alone.cpu_per_gigabit, sum(shards) / len(shards) / max(shards))
