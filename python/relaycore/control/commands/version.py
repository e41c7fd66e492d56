"""``relaycore version``: which versions of everything, for a report of a mistake."""

from __future__ import annotations

import argparse
import platform
from importlib.metadata import version

import av

from relaycore.control.console import make_console, say
from relaycore.system.name import system_name

NAME = "version"
HELP = "show the version"
DESCRIPTION = "Shows the version of relaycore and of what it stands on."


def add_options(parser: argparse.ArgumentParser) -> None:
    """There are none."""


def run(_arguments: argparse.Namespace) -> int:
    """Prints one line."""
    libraries = f"PyAV {av.__version__}, FFmpeg {av.ffmpeg_version_info}"
    python = f"Python {platform.python_version()}"
    say(make_console(), f"relaycore {version('relaycore')} ({python}, {libraries}, {system_name()})")
    return 0
