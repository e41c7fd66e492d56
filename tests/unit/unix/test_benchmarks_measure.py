"""What the benchmarks make of a run of the load generator, and that they drive it as it wants."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from benchmarks import generator, measure, search
from benchmarks.load.cores import scaling
from benchmarks.measure import Cores, Measured, cores, measure_once
from benchmarks.peer import Target, peer
from benchmarks.result import Options
from benchmarks.versus import compare
from relaycore.bench.plan import Group, Plan
from relaycore.bench.report import (
    AccessUnits,
    Distribution,
    Fairness,
    FloorReport,
    Generator,
    GroupReport,
    Report,
    SourceReport,
)

SECONDS = 10.0
FPS = 30


def times(p99: float) -> Distribution:
    """A distribution with this 99th percentile."""
    return Distribution(count=1000, p50=p99 / 2, p90=p99 / 2, p95=p99 * 0.9, p99=p99, p999=p99, max=p99)


def group(*, count: int = 10, lost: int = 0, p99: float = 5.0, playing: int | None = None) -> GroupReport:
    """Readers of 10 s of a stream."""
    expected = int(count * FPS * SECONDS)
    return GroupReport(
        name="readers",
        asked=count,
        playing=count if playing is None else playing,
        latency_ms=times(p99),
        first_picture_ms=times(20.0),
        setup_ms=times(2.0),
        access_units=AccessUnits(expected=expected, complete=expected - lost, missing=lost),
        bytes=1_000_000_000,
        fairness=Fairness(jain=1.0, least=int(FPS * SECONDS) - lost, most=int(FPS * SECONDS)),
    )


def measured(*groups: GroupReport, cpu_seconds: float = 0.8, busy: float = 0.5) -> Measured:
    """A run with these groups; the server has a first thread and two that carry packets."""
    report = Report(
        seconds=SECONDS,
        generator=Generator(busiest_thread=busy),
        groups=list(groups) or [group()],
        sources=[SourceReport(count=1, publishing=1, access_units=int(FPS * SECONDS), bytes=100_000)],
    )
    plan = Plan(
        warm_up_ms=1000,
        duration_ms=int(SECONDS * 1000),
        groups=[
            Group(name=one.name, url="rtsp://127.0.0.1:1/live", count=one.asked) for one in report.groups
        ],
    )
    threads = {"python/1": 0.1, "relaycore-shar/2": 0.4, "relaycore-shar/3": 0.3}
    return Measured(plan, report, cpu_seconds, 5000.0, threads)


def test_processor_time_is_that_of_a_delivered_gigabit() -> None:
    """8 gigabits in 0.8 seconds."""
    assert measured().cpu_per_gigabit == pytest.approx(0.1)
    with pytest.raises(RuntimeError, match="no reader got anything"):
        _ = measured(GroupReport(name="readers", asked=1)).cpu_per_gigabit


@pytest.mark.parametrize(
    ("readers", "held"),
    [
        (group(), True),
        (group(lost=1), False),
        (group(p99=100.1), False),
        (group(playing=9), False),
        (GroupReport(name="readers", asked=10, playing=10), False),
    ],
    ids=["all there", "one picture missing", "too late", "one reader missing", "nothing came"],
)
def test_a_number_is_held_when_all_have_all_of_it_in_time(readers: GroupReport, held: bool) -> None:
    assert (measured(readers).shortfalls == []) is held


def test_what_is_kept_of_a_run() -> None:
    """The last group is the one that is measured; losses count wherever they are."""
    run = measured(group(lost=30, playing=8), group(count=100))
    kept = run.record(server="relaycore", turn=1)
    assert (kept["server"], kept["turn"], kept["broken"], kept["failed"]) == ("relaycore", 1, 30, 2)
    assert kept["delivered"] == 1.0
    assert kept["latency_ms"]["p99"] == 5.0


def test_two_processors_are_full_when_the_busier_one_is() -> None:
    """A gigabit costs as much on two, and one of them does 4/7 of the work."""
    found = scaling(measured(), measured())
    assert found.evenness == pytest.approx(0.35 / 0.4)
    assert found.times == pytest.approx(2 * 0.35 / 0.4)
    assert scaling(measured(), measured(cpu_seconds=1.6)).times == pytest.approx(0.35 / 0.4)


def test_a_search_tells_that_the_load_generator_was_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to 300 readers are held, to a twentieth; the generator is busy beyond. Every attempt is kept."""

    def run(_peer: object, _on: object, count: int, **_more: object) -> Measured:
        return measured(group(count=count, lost=count > 300), busy=0.99 if count > 300 else 0.5)

    monkeypatch.setattr(search, "measure_once", run)
    found = search.find(
        peer("relaycore"), cores(), transport="tcp", first=100, most=800, seconds=1.0, server="relaycore"
    )
    assert 285 <= found.most <= 300
    assert found.full
    assert [one["readers"] for one in found.runs[:3]] == [100, 200, 400]
    assert [one["held"] for one in found.runs[:3]] == [True, True, False]
    assert found.runs[2]["shortfalls"]


def test_a_server_that_ends_under_the_load_does_not_hold_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(_peer: object, _on: object, count: int, **_more: object) -> Measured:
        if count > 100:
            raise ProcessLookupError("it has ended")
        return measured(group(count=count))

    monkeypatch.setattr(search, "measure_once", run)
    found = search.find(peer("relaycore"), cores(), transport="udp", first=100, most=200, seconds=1.0)
    assert found.most == 100
    assert found.runs[1]["shortfalls"] == ["it has ended"]


def test_the_generator_runs_a_plan_to_its_end() -> None:
    """What is to be called is called in its order, and the report is that of the plan."""
    called: list[str] = []
    plan = Plan(warm_up_ms=20, duration_ms=40, groups=[])
    report = generator.generate(plan, {60: lambda: called.append("end"), 20: lambda: called.append("begin")})
    assert called == ["begin", "end"]
    assert report.groups == []


def test_readers_of_relaycore_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server of its own, three readers that get all of the stream, and what it cost."""
    monkeypatch.setattr(measure, "SETTLE_MS", 200)
    run = measure_once(peer("relaycore"), cores(), 3, transport="tcp", seconds=0.5)
    assert run.readers.playing == 3
    assert run.broken == 0
    assert run.failed == 0
    assert run.cpu_seconds > 0
    assert run.memory_kib > 1000
    assert run.cpu_per_gigabit > 0
    assert any(name.startswith("relaycore-shar") for name in run.thread_seconds)
    assert os.sched_getaffinity(0) >= set(cores().load)


def test_a_server_that_takes_plain_rtp_has_one_reader_before_all_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And what is measured begins after the last one."""
    plans: list[Plan] = []

    def generate(plan: Plan, at: Any, _begun: Any) -> Report:
        plans.append(plan)
        for _, call in sorted(at.items()):
            call()
        return measured().report

    monkeypatch.setattr(measure, "generate", generate)
    target = Target(peer("gstreamer"), os.getpid(), "rtsp://127.0.0.1:1/live", "udp://127.0.0.1:2")
    readers = measure.group(target, 100, per_second=50)
    measure.measure(target, cores(), [readers], seconds=1.0)
    (plan,) = plans
    first, others = plan.groups
    assert first.count == 1
    assert first.start_ms < others.start_ms
    assert plan.warm_up_ms >= others.start_ms + 2000
    assert (plan.sources[0].kind, plan.sources[0].url) == ("rtp_udp", "udp://127.0.0.1:2")


LOADS = (
    "tcp_cost",
    "udp_cost",
    "tcp_most",
    "udp_most",
    "first_picture",
    "stalled",
    "cores",
    "publishers",
    "storm",
    "profiles",
)
VERSUS = ("tcp", "udp", "most", "first_picture", "memory")


@contextmanager
def no_server(which: Any, _cpus: object) -> Iterator[Target]:
    """A server that is not there: what is measured is made up."""
    yield Target(which, os.getpid(), "rtsp://127.0.0.1:1/live", "rtsp://127.0.0.1:1/live")


def made_up(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Puts made-up measurements in the place of real ones; gives the number of readers of each run."""
    counts: list[int] = []

    def once(which: Any, on: Cores, count: int, **_more: object) -> Measured:
        counts.append(count)
        return measured(group(count=count))

    def run(_target: object, _on: object, groups: Sequence[Group], **more: Any) -> Measured:
        for look in more.get("at", {}).values():
            look()
        counts.append(sum(one.count for one in groups))
        return measured(*(group(count=one.count) for one in groups))

    def carry_out(_target: object, _on: object, plan: Plan) -> Measured:
        counts.append(plan.readers)
        return replace(measured(*(group(count=one.count) for one in plan.groups)), plan=plan)

    def bare(*_arguments: object, **_more: object) -> FloorReport:
        return FloorReport(cpu_seconds_per_gigabit=0.08, latency_ms=times(4.0), bytes=1)

    for name in ("load.cost", "load.cores", "search", "versus.cost"):
        monkeypatch.setattr(importlib.import_module(f"benchmarks.{name}"), "measure_once", once)
    for name in ("load.first_picture", "load.stalled", "load.publishers", "load.storm", "versus.memory"):
        module = importlib.import_module(f"benchmarks.{name}")
        monkeypatch.setattr(module, "measure", run)
        monkeypatch.setattr(module, "start", no_server)
    profiles = importlib.import_module("benchmarks.load.profiles")
    monkeypatch.setattr(profiles, "carry_out", carry_out)
    monkeypatch.setattr(profiles, "start", no_server)
    for name in ("load.cost", "versus.cost"):
        monkeypatch.setattr(importlib.import_module(f"benchmarks.{name}"), "bare_loop", bare)
    monkeypatch.setattr(compare, "version", lambda which: f"{which.name} 1.0")
    return counts


@pytest.mark.parametrize("name", LOADS)
def test_every_load_gives_its_figures(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many runs as are asked for, and at least one figure that has an aim."""
    counts = made_up(monkeypatch)
    result = importlib.import_module(f"benchmarks.load.{name}").run(Options(repeats=2, seconds=1.0))
    assert len(counts) >= 2
    assert len(counts) % 2 == 0
    assert any(figure.met is not None for figure in result.figures)
    assert len([run for run in result.runs if run["server"] == "relaycore"]) == len(counts)


def test_ratios_are_those_of_the_same_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """0.1 beside 0.08 s/Gbit, and 5 beside 4 ms."""
    made_up(monkeypatch)
    result = importlib.import_module("benchmarks.load.tcp_cost").run(Options(repeats=1))
    figures = {figure.name: figure for figure in result.figures}
    assert figures["CPU, times that of the bare loop"].value == pytest.approx(1.25)
    assert figures["latency p99, times that of the bare loop"].value == pytest.approx(1.25)


@pytest.mark.parametrize("name", VERSUS)
def test_every_comparison_has_all_servers(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that are asked for; relaycore's aim is to be ahead, which it is not with the same figures."""
    made_up(monkeypatch)
    options = Options(repeats=2, seconds=1.0, peers=("relaycore", "gortsplib"))
    result = importlib.import_module(f"benchmarks.versus.{name}").run(options)
    assert {"relaycore", "gortsplib"} <= {figure.of for figure in result.figures}
    ours = [figure for figure in result.figures if figure.of == "relaycore"]
    assert any(figure.met is not None for figure in ours)
    assert all(figure.met is None for figure in result.figures if figure.of != "relaycore")
    assert result.versions == {"relaycore": "relaycore 1.0", "gortsplib": "gortsplib 1.0"}


def test_relaycore_is_ahead_when_it_is_ahead_of_the_best() -> None:
    values = {"relaycore": [1.0, 2.0, 9.0], "a": [3.0], "b": [4.0]}
    ours = compare.ahead("CPU", "s", values)[0]
    assert (ours.value, ours.low, ours.high, ours.below, ours.met) == (2.0, 1.0, 9.0, 3.0, True)
    ours = compare.ahead("readers", "", values, more_is_better=True)[0]
    assert (ours.at_least, ours.met) == (4.0, False)
    alone = compare.ahead("CPU", "s", {"relaycore": [1.0]})[0]
    assert alone.met is None


def test_a_server_that_sends_nothing_is_left_out_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """And one that is not installed."""
    monkeypatch.setattr(compare, "version", lambda which: None if which.name == "GStreamer" else which.name)
    options = Options(repeats=2, peers=("relaycore", "gortsplib", "gstreamer"))

    def one(which: Any) -> Measured:
        return measured(GroupReport(asked=1)) if which.name == "gortsplib" else measured()

    found = compare.compare(options, one)
    assert set(found.measured) == {"relaycore"}
    assert len(found.measured["relaycore"]) == 2
    assert found.failed["GStreamer"] == "not installed here"
    assert "no reader got anything" in found.failed["gortsplib"]
    assert "GStreamer: not installed here." in found.remarks
