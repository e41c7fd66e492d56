"""Command lines whose help and mistakes are in the language of the person who typed them."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable
from typing import Any, Final, NoReturn

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from relaycore.control.console import legible
from relaycore.errors import ConfigurationError
from relaycore.language import Message, _, shown

__all__ = ["Parser"]


class Parser(argparse.ArgumentParser):
    """Raises its errors, so that they look like all others, and shows its help in the language that holds.

    Texts are given to it in English.
    """

    def __init__(self, **options: Any) -> None:
        raw = options.pop("formatter_class", None) is argparse.RawDescriptionHelpFormatter
        super().__init__(**options, formatter_class=_RawFormatter if raw else _Formatter)

    def error(self, message: str) -> NoReturn:
        """ConfigurationError for what :mod:`argparse` says."""
        raise ConfigurationError(
            Message("{mistake}; see {program} --help.", mistake=_mistake(message), program=self.prog)
        )

    def _print_message(self, message: str, file: Any = None) -> None:
        super()._print_message(legible(message, getattr(file, "encoding", None) or "ascii"), file)


class _Formatter(argparse.HelpFormatter):
    """Translates what it is given, which is what a person reads."""

    def add_usage(
        self, usage: str | None, actions: Iterable[Any], groups: Iterable[Any], prefix: str | None = None
    ) -> None:
        super().add_usage(usage, actions, groups, _("usage: ") if prefix is None else prefix)

    def start_section(self, heading: str | None) -> None:
        super().start_section(None if heading is None else _shown(heading))

    def add_text(self, text: str | None) -> None:
        super().add_text(None if text is None else _shown(text))

    def _get_help_string(self, action: argparse.Action) -> str | None:
        return None if action.help is None else _shown(action.help)

    def _split_lines(self, text: str, width: int) -> list[str]:
        if cell_len(text) == len(text):
            return super()._split_lines(text, width)
        # Chinese has two columns a character, and no spaces to break at.
        lines = Text(" ".join(text.split())).wrap(Console(width=width), width)
        return [line.plain.rstrip() for line in lines]

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if cell_len(text) == len(text):
            return super()._fill_text(text, width, indent)
        return "\n".join(indent + line for line in self._split_lines(text, width - len(indent)))


class _RawFormatter(_Formatter):
    """Leaves the lines of descriptions as they are."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:  # noqa: ARG002
        return "".join(indent + line for line in text.splitlines(keepends=True))


def _shown(text: str) -> str:
    return shown(text) if isinstance(text, Message) else _(text)


_OWN: Final = (
    Message("positional arguments"),
    Message("options"),
    Message("show this help message and exit"),
)
"""Texts of :mod:`argparse` itself, so that they are in the catalogues."""

_MISTAKES: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    (
        re.compile(r"the following arguments are required: (?P<names>.+)"),
        Message("The following arguments are required: {names}"),
    ),
    (
        re.compile(r"argument (?P<name>.+): expected one argument"),
        Message("Argument {name}: expected one argument"),
    ),
    (
        re.compile(r"argument (?P<name>.+): invalid choice: (?P<value>.+) \(choose from (?P<known>.+)\)"),
        Message("Argument {name}: invalid choice: {value} (choose from {known})"),
    ),
    (
        re.compile(r"argument (?P<name>.+): ignored explicit argument (?P<value>.+)"),
        Message("Argument {name}: it takes no value, but was given {value}"),
    ),
    (
        re.compile(r"argument (?P<name>.+): not allowed with argument (?P<other>.+)"),
        Message("Argument {name}: not allowed with {other}"),
    ),
)
"""What :mod:`argparse` says of a mistake, and how it is said here."""


def _mistake(text: str) -> str:
    for pattern, said in _MISTAKES:
        if found := pattern.fullmatch(text):
            return Message(str(said), **found.groupdict())
    return f"{text[:1].upper()}{text[1:]}"
