"""Texts that are English to programs, and that a person is shown in the language of their choice."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, Self

from relaycore.language import figures
from relaycore.language.catalogues import catalogue
from relaycore.language.choice import PSEUDO, SOURCE, current, direction
from relaycore.language.pseudo import pseudo

__all__ = [
    "END",
    "ISOLATE",
    "PLACE",
    "Message",
    "_",
    "_n",
    "message_lines",
    "message_n",
    "message_of",
    "parts_of",
    "shown",
    "translation",
]

PLACE: Final = re.compile(r"\{([a-z][a-z0-9_]*)\}")
"""Where a value goes. The same stands in ``static/texts.js``."""

ISOLATE: Final = "\u2068"
END: Final = "\u2069"
"""Around a value in a text from right to left, so that an address in it keeps its order (Unicode TR9)."""


class Message(str):
    """A text for a person, as a ``str`` in English, with all that it takes to say it in another language.

    ``Message("There is no path {path}.", path=path)``. Values that are messages or errors are translated with
    it. An f-string or ``+`` makes plain English of it: name what goes into a sentence as a value.
    """

    __slots__ = ("many", "number", "text", "values")

    text: str
    """The text as the catalogues have it."""
    many: str | None
    """Its plural, where it has one; then ``text`` is the singular."""
    number: int
    values: Mapping[str, object]

    def __new__(cls, text: str, /, **values: object) -> Self:
        """A message with these values in the places of their names."""
        return cls._made(text, None, 0, values)

    @classmethod
    def _made(cls, text: str, many: str | None, count: int, values: Mapping[str, object]) -> Self:
        kept = {name: _kept(value) for name, value in values.items()}
        made = super().__new__(cls, _said(text, many, count, kept, SOURCE))
        made.text, made.many, made.number, made.values = text, many, count, kept
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return _remade, (self.text, self.many, self.number, dict(self.values))

    def shown(self, language: str | None = None) -> str:
        """The text in a language, by default in the one that holds now."""
        return _said(self.text, self.many, self.number, self.values, language or current())


class _Lines(Message):
    """Several texts, each a line or a sentence of its own."""

    __slots__ = ("parts", "separator")

    parts: tuple[str, ...]
    separator: str

    def __reduce__(self) -> tuple[Any, ...]:
        return message_lines, (self.parts, self.separator)

    def shown(self, language: str | None = None) -> str:
        return self.separator.join(shown(part, language) for part in self.parts)


def message_n(one: str, many: str, count: int, /, **values: object) -> Message:
    """A message about a number of things, which its texts call ``{count}``."""
    return Message._made(one, many, count, values)


def message_lines(parts: Iterable[str], separator: str = "\n") -> str:
    """Several texts as one, each a line or a sentence of its own; what is a message among them stays one."""
    lines = tuple(parts)
    made = _Lines(separator.join(lines))
    made.parts, made.separator = lines, separator
    return made


def _(text: str, /, **values: object) -> str:
    """The text in the language that holds now, with these values in their places."""
    return _said(text, None, 0, values, current())


def _n(one: str, many: str, count: int, /, **values: object) -> str:
    """The same with a number in it, ``{count}``, by the rules of the language for its plural."""
    return _said(one, many, count, values, current())


def shown(value: object, language: str | None = None) -> str:
    """What a person is shown for a value: a message or an error in their language, anything else as it is."""
    if isinstance(value, BaseException):
        value = message_of(value)
    if isinstance(value, Message):
        return value.shown(language)
    return str(value)


def parts_of(text: str) -> tuple[str, ...]:
    """The lines of a text, each a message where it is one."""
    return text.parts if isinstance(text, _Lines) else tuple(text.splitlines())


def message_of(error: BaseException) -> str:
    """What an error says, as a message where it is one."""
    first = error.args[0] if error.args else None
    return first if isinstance(first, Message) else str(error)


def translation(text: str, many: str | None, count: int, language: str) -> str:
    """What the catalogue of a language has for a text; the text itself where it has nothing."""
    if language in (SOURCE, PSEUDO):
        chosen = text if many is None or count == 1 else many
        return pseudo(chosen) if language == PSEUDO and chosen else chosen
    if not text:
        return text  # which gettext has for the head of the catalogue
    found = catalogue(language)
    return found.gettext(text) if many is None else found.ngettext(text, many, count)


def _said(text: str, many: str | None, count: int, values: Mapping[str, object], language: str) -> str:
    pattern = translation(text, many, count, language)
    if many is None and not values:
        return pattern
    isolate = direction(language) == "rtl"

    def value_at(place: re.Match[str]) -> str:
        name = place[1]
        if name not in values:
            return (
                figures.number(count, language=language) if name == "count" and many is not None else place[0]
            )
        value = values[name]
        said = shown(value, language)
        return f"{ISOLATE}{said}{END}" if isolate and type(value) is str else said

    return PLACE.sub(value_at, pattern)


def _kept(value: object) -> object:
    """A value as a message keeps it: an error would keep all that its traceback holds."""
    return message_of(value) if isinstance(value, BaseException) else value


def _remade(text: str, many: str | None, count: int, values: Mapping[str, object]) -> Message:
    return Message._made(text, many, count, values)
