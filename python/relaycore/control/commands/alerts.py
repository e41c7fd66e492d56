"""``relaycore alerts``: tries out the rules of alerts on a ledger."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from relaycore.alerts.model import Alert
from relaycore.alerts.replay import records_of, replay
from relaycore.control.config import load_config
from relaycore.control.console import make_console, say
from relaycore.control.on_record import put_on_record
from relaycore.language import Message, message_lines, message_n
from relaycore.ledger.export import moment
from relaycore.ledger.records import Record
from relaycore.ledger.schema import LEDGER_FILE
from relaycore.settings import Config

NAME = "alerts"
HELP = "try out on a ledger what would have been told as odd"
DESCRIPTION = (
    "The rules are those of [alerts] in the configuration. Nothing is sent to anybody. That the ledger is "
    "read is put on record, unless the ledger is a copy without the key."
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    acts = parser.add_subparsers(metavar="ACT", required=True)
    act = acts.add_parser(
        "replay", help="read a ledger, and print the alerts that it would have raised", allow_abbrev=False
    )
    act.add_argument(
        "ledger",
        metavar="LEDGER",
        help=Message("a {ledger_file}, or the state folder that it is in", ledger_file=LEDGER_FILE),
    )
    act.add_argument(
        "--config", metavar="FILE", help="configuration with the rules; without one, as they are at first"
    )
    act.add_argument("--json", action="store_true", help="print each as a line of JSON")
    act.set_defaults(act=_replay)


def run(arguments: argparse.Namespace) -> int:
    """Does the act. ConfigurationError or StateError when it cannot be done."""
    code: int = arguments.act(arguments)
    return code


def _replay(arguments: argparse.Namespace) -> int:
    file = Path(arguments.ledger)
    if file.is_dir():
        file /= LEDGER_FILE
    config = Config() if arguments.config is None else load_config(Path(arguments.config), os.environ)
    if file.name == LEDGER_FILE and file.exists():
        put_on_record(file.parent, "alerts replay", None, unless_copy=True)
    read = _Counted(records_of(file))
    console = make_console()
    alerts = 0
    # Each with how often it was found again, which is not known before the end.
    for alert in list(replay(iter(read), config.alerts)):
        alerts += 1
        if arguments.json:
            sys.stdout.write(msgspec.json.encode(alert).decode() + "\n")
        else:
            say(console, _line(alert))
    if not arguments.json:
        of = message_n("{count} record", "{count} records", read.count)
        say(
            console,
            message_n("{count} alert of {records}.", "{count} alerts of {records}.", alerts, records=of),
        )
    return 0


def _line(alert: Alert) -> str:
    line = f"{moment(alert.at)}  {alert.severity:8}  {alert.rule}: {alert.text}"
    if not alert.repeats:
        return line
    return message_lines(
        [line, message_n("And {count} time again.", "And {count} times again.", alert.repeats)], " "
    )


class _Counted:
    """Counts what goes through."""

    def __init__(self, records: Iterator[Record]) -> None:
        self.count = 0
        self._records = records

    def __iter__(self) -> Iterator[Record]:
        for record in self._records:
            self.count += 1
            yield record
