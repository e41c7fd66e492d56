"""The command line program ``relaycore``.

Exit codes: 0 when all went well, also after SIGINT and SIGTERM; 1 for what was looked for and found, such as
records of the ledger that were edited; 2 for what a person can put right, said in a
sentence on standard error.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from relaycore.control.checking import did_you_mean
from relaycore.control.commands import (
    alerts,
    audit,
    bench,
    check,
    devices,
    doctor,
    fleet,
    reload,
    report,
    serve,
    share,
    user,
    version,
)
from relaycore.control.console import legible
from relaycore.control.parser import Parser
from relaycore.control.speaking import add_language_option, check_language_option, language_of
from relaycore.errors import ConfigurationError, RelaycoreError
from relaycore.language import Message, shown, using

__all__ = ["main"]

EXIT_USER = 2
EXIT_INTERRUPTED = 130

_COMMANDS = (serve, check, reload, user, share, audit, alerts, report, devices, fleet, bench, doctor, version)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the program with these arguments, those of the process by default, and returns its exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    with using(language_of(given, os.environ)):
        return _run(given)


def _run(arguments: Sequence[str]) -> int:
    parser = _parser()
    try:
        found, unknown = parser.parse_known_args(arguments)
        if unknown:
            raise ConfigurationError(_unknown(unknown[0], found.options))
        check_language_option(found)
        code: int = found.run(found)
    except RelaycoreError as error:
        _complain(shown(error))
        return EXIT_USER
    except BrokenPipeError:
        return EXIT_USER
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    return code


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="relaycore",
        description="Makes a webcam an IP camera, and relays live video to any number of readers.",
        allow_abbrev=False,
    )
    add_language_option(parser)
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=Parser)
    for command in _COMMANDS:
        sub = commands.add_parser(
            command.NAME, help=command.HELP, description=command.DESCRIPTION, allow_abbrev=False
        )
        command.add_options(sub)
        sub.set_defaults(run=command.run)
        _name_options(sub)
    return parser


def _name_options(parser: argparse.ArgumentParser) -> None:
    """Gives a command, and each of its acts, the option of the language.

    Keeps all options for those who misspell one.
    """
    add_language_option(parser)
    options = [option for action in parser._actions for option in action.option_strings]
    parser.set_defaults(options=options)
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for act in action.choices.values():
                _name_options(act)


def _unknown(argument: str, options: Sequence[str]) -> str:
    if argument.startswith("-"):
        name = argument.partition("=")[0]
        return Message("There is no option {name}; {hint}", name=name, hint=did_you_mean(name, options))
    return Message(
        "There is one argument too many: {argument}; put names with spaces in quotes.",
        argument=repr(argument),
    )


def _complain(text: str) -> None:
    sys.stderr.write("".join(f"relaycore: {line}\n" for line in legible(text, _encoding()).splitlines()))


def _encoding() -> str:
    return sys.stderr.encoding or "ascii"
