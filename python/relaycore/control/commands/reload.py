"""``relaycore reload --dry-run``: what a new configuration would do to a relay that runs with an old one."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Final

from relaycore.control.config import load_config
from relaycore.control.console import make_console, say, show_table
from relaycore.errors import ConfigurationError
from relaycore.language import Message
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
            Message(
                "A running relay reads its file again by itself: add --dry-run to see what that would do."
            )
        )
    new = load_config(Path(arguments.config), os.environ)
    changes = difference(load_config(Path(arguments.against), os.environ), new)
    console = make_console()
    if not changes:
        say(console, Message("Nothing would change, and no session would end."))
        return 0
    rows = [
        (change.setting, _KINDS[change.kind], _EFFECTS[change.effect], _who_ends(change))
        for change in changes
    ]
    show_table(
        console,
        Message("Changes"),
        (Message("setting"), Message("change"), Message("takes effect"), Message("sessions that end")),
        rows,
    )
    if not any(change.effect is Effect.ENDS_SESSIONS for change in changes):
        say(console, Message("No session would end, except those that the new rules do not admit."))
    return 0


_KINDS: Final = {"added": Message("added"), "changed": Message("changed"), "removed": Message("removed")}

_EFFECTS: Final = {
    Effect.LIVE: Message("at once"),
    Effect.ENDS_SESSIONS: Message("at once, ends sessions"),
    Effect.RESTART: Message("after a restart"),
}


def _who_ends(change: Change) -> str:
    if change.effect is not Effect.ENDS_SESSIONS:
        return ""
    return (
        Message("those of {user}", user=change.user)
        if change.user is not None
        else Message("those at {path}", path=change.path)
    )
