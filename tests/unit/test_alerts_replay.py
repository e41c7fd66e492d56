"""A ledger is read as it was written, and gives the alerts that a running relay gave."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from relaycore.alerts.replay import records_of, replay
from relaycore.alerts.watch import Watch
from relaycore.control.cli import main
from relaycore.errors import StateError
from relaycore.ledger.records import Act, Record
from relaycore.ledger.schema import LEDGER_FILE
from relaycore.ledger.store import LedgerFile
from relaycore.settings import AlertSettings
from tests.support.alerts import HOUR_MS, MINUTE_MS, NOON, came, left, wrong
from tests.support.ledger import rewrite, written

SETTINGS = AlertSettings()


def odd_day() -> list[Record]:
    """A day on which all rules of records but those of habits find something, in its order."""
    chance = random.Random(3)
    records: list[Record] = []
    for number in range(300):
        at = NOON + number * MINUTE_MS + chance.randrange(MINUTE_MS)
        begun = came(f"u{chance.randrange(20)}", f"10.0.{chance.randrange(30)}.0/24", at)
        records += [begun, left(begun, at + chance.randrange(HOUR_MS), discarded=0)]
    for number in range(9):
        records.append(came("share:f00", f"10.1.{number}.0/24", NOON + number))
        records.append(wrong(f"u{number}", "10.2.0.0/24", NOON + HOUR_MS + number))
    for number in range(5):
        begun = came("slow", at=NOON + number * MINUTE_MS)
        records += [begun, left(begun, begun.at + 1000, discarded=9)]
    records += [came(None, at=NOON + 6 * HOUR_MS + number) for number in range(60)]
    return sorted(records, key=lambda record: record.at)


def test_a_replay_gives_the_alerts_of_the_running_relay(tmp_path: Path) -> None:
    live = Watch(SETTINGS)
    told = []
    file = LedgerFile(tmp_path, synchronous="normal")
    for record in odd_day():
        told += live.take(record)
        # A running relay looks at the clock as well, at any time.
        told += live.advance(record.at + 3)
        file.append([record, Act(at=record.at, act="x", target=None, means="api")])
    told += live.advance(NOON + 48 * HOUR_MS)
    file.close()
    assert {alert.rule for alert in told} == {"spraying", "networks", "shared_link", "viewers", "shed"}
    assert list(replay(records_of(tmp_path / LEDGER_FILE), SETTINGS)) == told


def test_some_of_the_newest_records_can_be_read_alone(tmp_path: Path) -> None:
    file = LedgerFile(tmp_path)
    begun = [came(at=NOON + number) for number in range(9)]
    file.append([*begun, *(left(one, NOON + 10) for one in begun)])
    file.close()
    newest = list(records_of(tmp_path / LEDGER_FILE, most=2))
    assert [record.id for record in newest] == [one.id for one in (*begun[-2:], *begun[-2:])]
    assert len(list(records_of(tmp_path / LEDGER_FILE, since=NOON + 8))) == 1 + 9


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A state folder with a ledger of an odd day."""
    file = LedgerFile(tmp_path)
    file.append(odd_day())
    file.close()
    return tmp_path


def test_the_command_tells_what_would_have_been_told(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["alerts", "replay", str(folder)]) == 0
    said = capsys.readouterr().out
    assert "critical  spraying: From 10.2.0.0/24, wrong passwords were sent for 5 accounts" in said.replace(
        "\n", " "
    )
    assert main(["alerts", "replay", str(folder / LEDGER_FILE), "--json"]) == 0
    alerts = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {alert["rule"] for alert in alerts} >= {"spraying", "shared_link"}
    assert next(alert for alert in alerts if alert["rule"] == "spraying")["repeats"] == 4
    config = tmp_path / "rules.toml"
    config.write_text("[alerts.spraying]\naccounts = 10\n")
    assert main(["alerts", "replay", str(folder), "--config", str(config)]) == 0
    assert "spraying" not in capsys.readouterr().out
    assert [act.act for act in written(folder, "act")] == ["alerts replay"] * 3


def test_what_cannot_be_read_is_said_in_a_sentence(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["alerts", "replay", str(folder / "nothing.sqlite")]) == 2
    assert "There is no ledger at" in capsys.readouterr().err
    with rewrite(folder) as database:
        database.execute("UPDATE refusal SET body = '{}' WHERE number = 2")
    with pytest.raises(StateError, match="refusal record 2 of the ledger cannot be read"):
        list(records_of(folder / LEDGER_FILE))
