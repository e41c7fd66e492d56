"""When a load test is held, and what speaks against believing it."""

from typing import Any

import msgspec
import pytest

from relaycore.bench.quality import Quality, doubts, shortfalls, units_sent
from relaycore.bench.report import (
    AccessUnits,
    Distribution,
    Fairness,
    Generator,
    Machine,
    Packets,
    Report,
)
from tests.support.bench import SENT, distribution, plan, report, spoilt

QUALITY = Quality()


def test_readers_who_got_everything_in_time_hold_it() -> None:
    for profile in ("steady", "churn", "stalled", "join-storm", "many-streams"):
        wanted = plan(profile)
        assert shortfalls(wanted, report(wanted), QUALITY) == [], profile
        assert doubts(wanted, report(wanted)) == []
    assert str(QUALITY) == "p99 at most 100 ms, all playing, nothing lost"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"playing": 9}, "9 of 10 play"),
        ({"failed": 2}, "2 sessions failed"),
        ({"latency_ms": distribution(30.0)}, "p99 120.0 ms"),
        ({"latency_ms": Distribution()}, "nothing came that tells its time"),
        ({"packets": Packets(lost=3)}, "3 packets lost"),
        ({"access_units": AccessUnits(incomplete=4)}, "4 access units incomplete"),
        ({"access_units": AccessUnits(corrupt=5)}, "5 access units corrupt"),
        ({"access_units": AccessUnits(missing=6)}, "6 access units missing"),
        ({"fairness": Fairness(least=500, most=SENT)}, "a reader got 500 of 600 access units"),
    ],
)
def test_what_is_missed_is_told(changes: dict[str, Any], sentence: str) -> None:
    wanted = plan()
    assert shortfalls(wanted, spoilt(report(wanted), **changes), QUALITY) == [sentence]


def test_losses_may_be_allowed() -> None:
    wanted = plan()
    lossy = spoilt(report(wanted), packets=Packets(lost=3), access_units=AccessUnits(incomplete=4))
    assert shortfalls(wanted, lossy, Quality(lossless=False)) == []


def test_only_good_readers_are_held_against_it() -> None:
    wanted = plan("stalled")
    found = report(wanted)
    stalled = msgspec.structs.replace(found.groups[1], playing=0, failed=2, latency_ms=distribution(5000.0))
    assert (
        shortfalls(wanted, msgspec.structs.replace(found, groups=[found.groups[0], stalled]), QUALITY) == []
    )


def test_nobody_may_come_in_with_a_wrong_password() -> None:
    wanted = plan("wrong-passwords")
    found = report(wanted)
    assert shortfalls(wanted, found, QUALITY) == ["guessing: 2 sessions began with a wrong password"]
    refused = msgspec.structs.replace(found.groups[1], playing=0, refused=2, setup_ms=Distribution())
    assert (
        shortfalls(wanted, msgspec.structs.replace(found, groups=[found.groups[0], refused]), QUALITY) == []
    )


def test_readers_who_come_and_go_need_not_get_everything() -> None:
    fairness = Fairness(least=10, most=SENT)
    for profile in ("churn", "join-storm"):
        wanted = plan(profile)
        found = report(wanted)
        groups = [msgspec.structs.replace(group, fairness=fairness) for group in found.groups]
        told = shortfalls(wanted, msgspec.structs.replace(found, groups=groups), QUALITY)
        assert told == ([] if profile == "churn" else ["watching: a reader got 10 of 600 access units"])


def test_a_report_of_nothing_holds_nothing() -> None:
    assert shortfalls(plan(), Report(), QUALITY) == ["nobody read"]


def test_what_was_sent_is_counted_for_each_stream() -> None:
    assert units_sent(report(plan("many-streams"))) == SENT
    assert units_sent(report(plan(no_publish=True))) is None


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"generator": Generator(busiest_thread=0.9)}, "busy 90% of the time"),
        ({"machine": Machine(optimised=False)}, "without optimisation"),
        ({"machine": Machine(descriptors=5)}, "ulimit -n"),
        (
            {"sources": [msgspec.structs.replace(report(plan()).sources[0], late_ms=distribution(3.0))]},
            "12.0 ms late",
        ),
    ],
)
def test_what_speaks_against_the_figures_is_told(changes: dict[str, Any], word: str) -> None:
    wanted = plan()
    (doubt,) = doubts(wanted, msgspec.structs.replace(report(wanted), **changes))
    assert word in doubt
