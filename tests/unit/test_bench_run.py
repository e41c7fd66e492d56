"""A load test from its start to its result: what is looked at when, and that it ends in order."""

import asyncio
import os
import sys

import pytest

from relaycore.bench.extras import need
from relaycore.bench.plan import Plan
from relaycore.bench.report import Snapshot
from relaycore.bench.result import make_result
from relaycore.bench.run import carry_out
from relaycore.bench.server import Sample, ServerProcess
from relaycore.bench.verdict import warnings
from relaycore.errors import ConfigurationError
from tests.support.bench import FakeLoad, FakeServer, plan, report


class View:
    """Remembers what was shown; ends the run at a time of it."""

    def __init__(self, stop: asyncio.Event | None = None, at_ms: int = 0) -> None:
        self.seen: list[tuple[Snapshot, Sample | None]] = []
        self._stop, self._at_ms = stop, at_ms

    def show(self, snapshot: Snapshot, sample: Sample | None) -> None:
        self.seen.append((snapshot, sample))
        if self._stop is not None and snapshot.elapsed_ms >= self._at_ms:
            self._stop.set()


async def test_a_run_goes_on_until_the_load_generator_has_finished() -> None:
    wanted = plan()
    load, view = FakeLoad(wanted, report(wanted)), View()
    outcome = await carry_out(wanted, load, view, look_s=0.0)
    assert load.calls == ["start", "stop"]
    assert outcome.report == report(wanted)
    assert not outcome.interrupted
    assert outcome.server is None
    assert view.seen[-1][0].finished
    assert [seen.elapsed_ms for seen, _ in view.seen] == list(range(0, wanted.total_ms + 1, 250))


async def test_a_run_that_is_ended_gives_what_was_found_so_far() -> None:
    wanted, stop = plan(), asyncio.Event()
    load = FakeLoad(wanted, report(wanted))
    outcome = await carry_out(wanted, load, View(stop, 3000), stop=stop, look_s=0.0)
    assert load.calls == ["start", "stop"]
    assert outcome.interrupted
    assert outcome.report == report(wanted)


async def test_a_run_is_ended_where_something_goes_wrong() -> None:
    class Broken(View):
        def show(self, snapshot: Snapshot, sample: Sample | None) -> None:
            raise OSError("the terminal is gone")

    wanted = plan()
    load = FakeLoad(wanted, report(wanted))
    with pytest.raises(OSError, match="terminal"):
        await carry_out(wanted, load, Broken(), look_s=0.0)
    assert load.calls == ["start", "stop"]


async def test_the_server_is_measured_as_long_as_the_load_is() -> None:
    wanted = plan(readers=100)
    load = FakeLoad(wanted, report(wanted), step_ms=10)
    outcome = await carry_out(wanted, load, View(), server=FakeServer(), look_s=0.0)
    server = outcome.server
    assert server is not None
    seconds = wanted.duration_ms / 1000 - 0.05
    assert server.seconds == pytest.approx(seconds)
    assert server.cpu_seconds == pytest.approx(seconds / 10)
    # A megabyte a second, for a tenth of a second of processor time.
    assert server.cpu_seconds_per_gigabit == pytest.approx(0.1 / 0.008)
    assert server.idle_resident_bytes == 50 * 2**20
    assert server.bytes_per_reader == pytest.approx(1024)
    assert (server.threads, server.descriptors) == (3, 120)


async def test_the_server_is_looked_at_each_second_and_before_the_first_reader() -> None:
    wanted = plan(duration=2.0)
    load = FakeLoad(wanted, report(wanted), step_ms=10)
    outcome = await carry_out(wanted, load, View(), server=FakeServer(), look_s=0.0)
    assert outcome.server is not None
    times = [round(sample.t, 2) for sample in outcome.server.samples]
    # Readers begin at 2.5 s, measuring at 6.
    assert times == [0, 1, 2, 2.45, 3, 4, 5, 6, 7, 7.95]


async def test_what_other_programs_used_is_told() -> None:
    wanted = plan()
    server = FakeServer(machine=1.5)
    outcome = await carry_out(wanted, FakeLoad(wanted, report(wanted)), View(), server=server, look_s=0.0)
    assert outcome.server is not None
    # The server uses a tenth of a processor, and the load generator 3 s of its 20.
    assert outcome.server.others == pytest.approx(1.25, abs=0.02)
    told = make_result("steady", wanted, outcome, [])
    assert [text for text in warnings(told) if "Other programs used 1.2 processors" in text]
    outcome = await carry_out(
        wanted, FakeLoad(wanted, report(wanted)), View(), server=FakeServer(), look_s=0.0
    )
    assert warnings(make_result("steady", wanted, outcome, [])) == []


async def test_a_server_that_ends_is_told() -> None:
    wanted = plan()
    load = FakeLoad(wanted, report(wanted))
    outcome = await carry_out(wanted, load, View(), server=FakeServer(lives_s=8.0), look_s=0.0)
    assert outcome.server_ended
    assert outcome.server is not None
    assert outcome.server.seconds == pytest.approx(2.0)


async def test_a_server_that_ends_before_measuring_has_no_figures() -> None:
    wanted = plan()
    load = FakeLoad(wanted, report(wanted))
    outcome = await carry_out(wanted, load, View(), server=FakeServer(lives_s=1.0), look_s=0.0)
    assert (outcome.server, outcome.server_ended) == (None, True)


async def test_a_plan_without_readers_is_run() -> None:
    wanted = Plan(duration_ms=1000)
    outcome = await carry_out(wanted, FakeLoad(wanted, report(wanted)), View(), look_s=0.0)
    assert outcome.report.playing == 0


def test_a_process_is_read_with_its_children() -> None:
    """The test itself stands for the server; its numbers are those that the system tells of it."""
    server = ServerProcess(os.getpid())
    assert server.program
    sample = server.sample(Snapshot(elapsed_ms=1500, playing=3, bytes=4))
    assert sample is not None
    assert (sample.t, sample.playing, sample.bytes) == (1.5, 3, 4)
    assert sample.resident_bytes > 2**20
    assert sample.threads >= 1
    assert sample.descriptors is not None
    assert sample.cpu_seconds > 0


async def test_processor_time_of_children_that_have_ended_still_counts() -> None:
    server = ServerProcess(os.getpid())
    before = server.sample(Snapshot())
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "import time\nwhile time.process_time() < 0.3: pass\nprint(flush=True)\ninput()",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert child.stdout is not None
    await child.stdout.readline()
    during = server.sample(Snapshot())
    await child.communicate(b"\n")
    after = server.sample(Snapshot())
    assert before is not None
    assert during is not None
    assert after is not None
    assert during.cpu_seconds - before.cpu_seconds >= 0.25
    assert after.cpu_seconds >= during.cpu_seconds


def test_a_process_that_is_not_there_is_told() -> None:
    with pytest.raises(ConfigurationError, match="--pid: there is no process 4194305"):
        ServerProcess(4_194_305)  # above the largest one that Linux gives


def test_an_extra_that_is_missing_is_told_with_what_to_install() -> None:
    with pytest.raises(
        ConfigurationError, match=r"--html needs nonesuch, .*: pip install 'relaycore\[bench\]'"
    ):
        need("nonesuch.part", "--html")
