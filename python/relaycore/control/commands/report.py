"""``relaycore report``: what is on record, as a table or a page."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import msgspec

from relaycore.control.config import load_config
from relaycore.control.console import make_console, say, show_table
from relaycore.errors import ConfigurationError
from relaycore.privacy.page import record_page
from relaycore.privacy.record import PathProtocol, fields_of, protocols_of

NAME = "report"
HELP = "write down what is processed for which purpose, by the configuration"
DESCRIPTION = "Reports of a relay, for people who have to account for it. Starts nothing."


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    reports = parser.add_subparsers(metavar="REPORT", required=True)
    protocol = reports.add_parser(
        "protocol",
        help="the record of processing activities (GDPR article 30), one line for each path",
        allow_abbrev=False,
    )
    protocol.add_argument("config", metavar="CONFIG", help="a configuration file (TOML)")
    form = protocol.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print it as JSON")
    form.add_argument("--html", metavar="FILE", help="write it as a page that needs nothing else")
    protocol.set_defaults(report=_protocol)


def run(arguments: argparse.Namespace) -> int:
    """Makes one of the reports. ConfigurationError when it cannot be made."""
    code: int = arguments.report(arguments)
    return code


def _protocol(arguments: argparse.Namespace) -> int:
    protocols = protocols_of(load_config(Path(arguments.config), os.environ))
    if arguments.json:
        sys.stdout.write(
            msgspec.json.format(msgspec.json.encode({"paths": protocols}), indent=2).decode() + "\n"
        )
    elif arguments.html is not None:
        file = Path(arguments.html)
        try:
            file.write_text(record_page(protocols), encoding="utf-8")
        except OSError as error:
            raise ConfigurationError(f"{file} cannot be written: {error.strerror}.") from None
    else:
        _show(protocols)
    return 0


def _show(protocols: list[PathProtocol]) -> None:
    console = make_console()
    if not protocols:
        say(console, "The configuration names no path.")
    for protocol in protocols:
        rows = [(title, text or "not set") for title, text in fields_of(protocol)]
        show_table(console, protocol.path, ("about", "on record"), rows)
