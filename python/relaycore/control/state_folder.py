"""Where the command line program keeps what has to last."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from pathlib import Path

import platformdirs

from relaycore.control.environment import PREFIX

__all__ = ["folder_of", "state_folder"]


def state_folder(named: str | None, environment: Mapping[str, str]) -> Path:
    """The folder that was named, or that of the environment, or else that of the platform."""
    folder = named or environment.get(f"{PREFIX}STATE_FOLDER")
    return Path(folder) if folder else platformdirs.user_data_path("relaycore", appauthor=False)


def folder_of(arguments: argparse.Namespace) -> Path:
    """The folder of a command that has an option for it."""
    return state_folder(arguments.state_folder, os.environ)
