"""``relaycore reload --dry-run``: what a new configuration would do to a relay that runs with an old one."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from relaycore.control.config import load_config
from relaycore.control.console import make_console, say, show_table
from relaycore.errors import ConfigurationError
from relaycore.reload.difference import Change, Effect, difference

NAME = "reload"
HELP = "show what a changed configuration file would do to a running relay"
DESCRIPTION = (
    "A running `relaycore serve` reads its configuration file again by itself when it has changed, and on "
    "SIGHUP. This shows beforehand what a new file would change and whose sessions it would end, and changes "
    "nothing."
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument("config", metavar="CONFIG", help="the new configuration file (TOML)")
    parser.add_argument("--against", metavar="OLD", required=True, help="the file that the relay runs with")
    parser.add_argument("--dry-run", action="store_true", help="show it; has to be given")


def run(arguments: argparse.Namespace) -> int:
    """Prints the changes. ConfigurationError with all mistakes of one of the files."""
    if not arguments.dry_run:
        raise ConfigurationError(
            "A running relay reads its file again by itself: add --dry-run to see what that would do."
        )
    new = load_config(Path(arguments.config), os.environ)
    changes = difference(load_config(Path(arguments.against), os.environ), new)
    console = make_console()
    if not changes:
        say(console, "Nothing would change, and no session would end.")
        return 0
    rows = [(change.setting, change.kind, change.effect.value, _who_ends(change)) for change in changes]
    show_table(console, "Changes", ("setting", "change", "takes effect", "sessions that end"), rows)
    if not any(change.effect is Effect.ENDS_SESSIONS for change in changes):
        say(console, "No session would end, except those that the new rules do not admit.")
    return 0


def _who_ends(change: Change) -> str:
    if change.effect is not Effect.ENDS_SESSIONS:
        return ""
    return f"those of {change.user}" if change.user is not None else f"those at {change.path}"
