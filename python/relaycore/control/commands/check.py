"""``relaycore check``: whether a configuration is right, and what it means."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from relaycore.control.config import load_config
from relaycore.control.console import make_console, say, show_table
from relaycore.control.summary import (
    MASK_COLUMNS,
    PATH_COLUMNS,
    PROTOCOL_COLUMNS,
    mask_rows,
    path_rows,
    protocol_rows,
    who_comes_in,
)
from relaycore.language import Message

NAME = "check"
HELP = "explain all mistakes of a configuration file"
DESCRIPTION = (
    "Reads a configuration file and the environment as `relaycore serve` does, and starts nothing. Explains "
    "every mistake, with file, line and key, and ends with 2; or shows what would be served, and ends with 0."
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument("config", metavar="CONFIG", help="a configuration file (TOML)")


def run(arguments: argparse.Namespace) -> int:
    """Prints what it means. ConfigurationError with all mistakes."""
    config = load_config(Path(arguments.config), os.environ)
    console = make_console()
    say(
        console,
        Message(
            "{config} is right. {who_comes_in}", config=arguments.config, who_comes_in=who_comes_in(config)
        ),
    )
    show_table(console, Message("Paths"), PATH_COLUMNS, path_rows(config))
    if masks := mask_rows(config):
        show_table(console, Message("Privacy masks"), MASK_COLUMNS, masks)
    if protocols := protocol_rows(config):
        show_table(console, Message("Data protocols"), PROTOCOL_COLUMNS, protocols)
    return 0
