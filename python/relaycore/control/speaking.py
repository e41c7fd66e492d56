"""The language of the command line: the one of ``--language``, of the environment, or of the system."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Final

from relaycore.language import SOURCE, known, of_environment
from relaycore.settings.language import check_language
from relaycore.system.language import system_language

__all__ = ["VARIABLE", "add_language_option", "check_language_option", "language_of"]

VARIABLE: Final = "RELAYCORE_LANGUAGE"
"""The variable of the setting ``language``, which holds for all commands."""

_OPTION: Final = "--language"


def add_language_option(parser: argparse.ArgumentParser) -> None:
    """Lets a command take the option, which :func:`language_of` has looked at already."""
    parser.add_argument(
        _OPTION, metavar="TAG", help="language of help, output and errors, like `fr`; that of LANG by default"
    )


def check_language_option(arguments: argparse.Namespace) -> None:
    """ConfigurationError where the option names a language that nobody knows here."""
    check_language(arguments.language or "")


def language_of(arguments: Sequence[str], environment: Mapping[str, str]) -> str:
    """The language to speak. It is needed before the arguments are parsed, whose mistakes are told in it.

    One that nobody knows is English here, and told as a mistake by who reads the option or the setting.
    """
    for number, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if name == _OPTION:
            value = value if equals else "".join(arguments[number + 1 : number + 2])
            return known(value) or SOURCE
    if chosen := environment.get(VARIABLE):
        return known(chosen) or SOURCE
    return of_environment(environment) or known(system_language() or "") or SOURCE
