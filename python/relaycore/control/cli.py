"""The command line program ``relaycore``.

Exit codes: 0 when all went well, also after SIGINT and SIGTERM; 1 for what was looked for and found, such as
records of the ledger that were edited; 2 for what a person can put right, said in a
sentence on standard error.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

from relaycore.control.checking import did_you_mean
from relaycore.control.commands import (
    alerts,
    audit,
    bench,
    check,
    devices,
    reload,
    report,
    serve,
    share,
    user,
    version,
)
from relaycore.control.console import legible
from relaycore.errors import ConfigurationError, RelaycoreError

__all__ = ["main"]

EXIT_USER = 2
EXIT_INTERRUPTED = 130

_COMMANDS = (serve, check, reload, user, share, audit, alerts, report, devices, bench, version)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the program with these arguments, those of the process by default, and returns its exit code."""
    parser = _parser()
    try:
        found, unknown = parser.parse_known_args(arguments)
        if unknown:
            raise ConfigurationError(_unknown(unknown[0], found.options))
        code: int = found.run(found)
    except RelaycoreError as error:
        _complain(str(error))
        return EXIT_USER
    except BrokenPipeError:
        return EXIT_USER
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    return code


class _Parser(argparse.ArgumentParser):
    """Raises its errors, so that they look like all others."""

    def error(self, message: str) -> NoReturn:
        raise ConfigurationError(f"{message[:1].upper()}{message[1:]}; see {self.prog} --help.")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="relaycore",
        description="Makes a webcam an IP camera, and relays live video to any number of readers.",
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=_Parser)
    for command in _COMMANDS:
        sub = commands.add_parser(
            command.NAME, help=command.HELP, description=command.DESCRIPTION, allow_abbrev=False
        )
        command.add_options(sub)
        sub.set_defaults(run=command.run)
        _name_options(sub)
    return parser


def _name_options(parser: argparse.ArgumentParser) -> None:
    """Keeps the options of a command, or of each of its acts, for those who misspell one."""
    options = [option for action in parser._actions for option in action.option_strings]
    parser.set_defaults(options=options)
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for act in action.choices.values():
                _name_options(act)


def _unknown(argument: str, options: Sequence[str]) -> str:
    if argument.startswith("-"):
        name = argument.partition("=")[0]
        return f"There is no option {name}; {did_you_mean(name, options)}"
    return f"There is one argument too many: {argument!r}; put names with spaces in quotes."


def _complain(text: str) -> None:
    sys.stderr.write("".join(f"relaycore: {line}\n" for line in legible(text, _encoding()).splitlines()))


def _encoding() -> str:
    return sys.stderr.encoding or "ascii"
