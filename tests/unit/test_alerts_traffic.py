"""Alerts tell attacks from people: by labelled traffic, and by the numbers that are made of it."""

from __future__ import annotations

import pytest

from benchmarks.alerts.score import Score, score, told_of_cameras
from benchmarks.alerts.traffic import Incident, traffic
from relaycore.alerts.model import Alert
from relaycore.alerts.replay import replay
from relaycore.settings import AlertSettings

PEOPLE = ("spraying", "networks", "shared_link", "hour", "amount", "viewers", "shed")
CAMERAS = ("camera_frozen", "camera_dark", "camera_lost")


def alert(rule: str, subject: str, at: int) -> Alert:
    return Alert(id="", at=at, rule=rule, severity="info", subject=subject, path=None, text="", records=[])


def test_precision_and_recall_are_of_alerts_and_of_incidents() -> None:
    incidents = [
        Incident("hour", frozenset({"a"}), 10, 20),
        Incident("hour", frozenset({"b"}), 10, 20),
        Incident("amount", frozenset({"c"}), 10, 20),
    ]
    alerts = [
        alert("hour", "a", 10),
        alert("hour", "a", 20),
        alert("hour", "a", 21),  # too late
        alert("hour", "c", 15),  # it is odd, though for another reason
        alert("viewers", "b", 15),
    ]
    scores = score(["hour", "amount", "viewers"], alerts, incidents)
    assert scores["hour"] == Score(alerts=4, right=3, incidents=2, found=1)
    assert (scores["hour"].precision, scores["hour"].recall) == (0.75, 0.5)
    assert (scores["amount"].precision, scores["amount"].recall) == (1.0, 0.0)
    assert scores["viewers"] == Score(alerts=1, right=1, incidents=0, found=0)


def test_traffic_is_the_same_for_the_same_seed() -> None:
    assert traffic(5).records[:2000] == traffic(5).records[:2000]
    assert traffic(5).records[:100] != traffic(6).records[:100]


@pytest.mark.parametrize("seed", [21])
def test_most_attacks_are_told_of_and_most_alerts_are_right(seed: int) -> None:
    made = traffic(seed)
    alerts = list(replay(iter(made.records), AlertSettings()))
    scores = score(PEOPLE, alerts, made.incidents)
    scores |= score(CAMERAS, *told_of_cameras(seed, AlertSettings(), cameras=10))
    for rule, found in scores.items():
        assert found.incidents > 0, rule
        assert found.precision >= 0.7, (rule, found)
        assert found.recall >= 0.6, (rule, found)
