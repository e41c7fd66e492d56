"""What the rules make of traffic whose incidents are known."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.alerts.traffic import Incident, camera_traffic, traffic
from benchmarks.result import Figure, Options, Result
from relaycore.alerts.model import Alert
from relaycore.alerts.replay import records_of, replay
from relaycore.alerts.watch import Watch, rules_of
from relaycore.ledger.schema import LEDGER_FILE
from relaycore.ledger.store import LedgerFile
from relaycore.settings import AlertSettings

__all__ = ["Score", "run", "score", "told_of_cameras", "told_of_people"]

SEEDS: Final = (1, 2, 3)
"""Numbers of traffic that thresholds were not chosen with."""

BATCH: Final = 2_000
"""Records that are written together."""

AIMS: Final = {"precision": 0.8, "recall": 0.8}


@dataclass(frozen=True, slots=True)
class Score:
    """How a rule does.

    ``right`` of its ``alerts`` are about an incident, ``found`` of its ``incidents`` were told of.
    """

    alerts: int
    right: int
    incidents: int
    found: int

    @property
    def precision(self) -> float:
        """The part of the alerts that are right; 1 where there are none."""
        return self.right / self.alerts if self.alerts else 1.0

    @property
    def recall(self) -> float:
        """The part of the incidents that were told of; 1 where there are none."""
        return self.found / self.incidents if self.incidents else 1.0

    def __add__(self, other: Score) -> Score:
        return Score(
            self.alerts + other.alerts,
            self.right + other.right,
            self.incidents + other.incidents,
            self.found + other.found,
        )


def run(_options: Options) -> Result:
    """Scores all rules, with the settings that they have at first."""
    settings = AlertSettings()
    rules = list(rules_of(settings))
    scores = dict.fromkeys(rules, Score(0, 0, 0, 0))
    for seed in SEEDS:
        for rule, found in score(rules, *told_of_people(seed, settings)).items():
            scores[rule] += found
        for rule, found in score(rules, *told_of_cameras(seed, settings)).items():
            scores[rule] += found
    figures: list[Figure] = []
    for rule, found in scores.items():
        alerts, incidents = (
            f"{rule}: precision of {found.alerts} alerts",
            f"{rule}: recall of {found.incidents}",
        )
        figures.append(Figure(alerts, found.precision, "", at_least=AIMS["precision"]))
        figures.append(Figure(f"{incidents} incidents", found.recall, "", at_least=AIMS["recall"]))
    return Result(
        "How well alerts tell attacks from people",
        f"Made-up traffic of eight weeks, {len(SEEDS)} times: a ledger is written and replayed, and cameras "
        "are shown to the rules. An alert is right where it is about the subject of an incident in its time, "
        "whatever the rule; an incident is found where its own rule tells of it.",
        figures,
    )


def told_of_people(seed: int, settings: AlertSettings) -> tuple[list[Alert], list[Incident]]:
    """The alerts of a replayed ledger, and the incidents in it."""
    made = traffic(seed)
    with tempfile.TemporaryDirectory() as folder:
        file = LedgerFile(Path(folder), synchronous="normal")
        for first in range(0, len(made.records), BATCH):
            file.append(made.records[first : first + BATCH])
        file.close()
        return list(replay(records_of(Path(folder) / LEDGER_FILE), settings)), made.incidents


def told_of_cameras(
    seed: int, settings: AlertSettings, *, cameras: int = 60
) -> tuple[list[Alert], list[Incident]]:
    """The alerts of cameras, and their incidents."""
    made, watch = camera_traffic(seed, cameras), Watch(settings)
    alerts = [alert for happening in made.happenings for alert in watch.take(happening)]
    return [alert for alert in alerts if not alert.over], made.incidents


def score(rules: Iterable[str], alerts: Sequence[Alert], incidents: Sequence[Incident]) -> dict[str, Score]:
    """How each rule does."""
    scores = {}
    for rule in rules:
        own = [alert for alert in alerts if alert.rule == rule]
        wanted = [incident for incident in incidents if incident.rule == rule]
        right = sum(any(_is_about(alert, incident) for incident in incidents) for alert in own)
        found = sum(any(_is_about(alert, incident) for alert in own) for incident in wanted)
        scores[rule] = Score(len(own), right, len(wanted), found)
    return scores


def _is_about(alert: Alert, incident: Incident) -> bool:
    return alert.subject in incident.subjects and incident.begin <= alert.at <= incident.end
