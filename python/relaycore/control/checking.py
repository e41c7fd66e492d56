"""Turns plain data into settings, and finds every mistake in it rather than the first.

The types of :mod:`relaycore.settings` say what is right. A mistake holds the way to the value and a sentence
about it; whoever read the data knows the line or the option that belongs to it.
"""

from __future__ import annotations

import difflib
import types
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeVar, Union, get_args, get_origin

import msgspec

from relaycore.control.toml_lines import KeyPath
from relaycore.errors import ConfigurationError
from relaycore.language import Message
from relaycore.settings import masked

__all__ = [
    "Mistake",
    "Mistakes",
    "check_table",
    "check_value",
    "choices",
    "did_you_mean",
    "is_table",
    "placed",
    "toml",
    "without_annotation",
]

_Table = TypeVar("_Table", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class Mistake:
    """One wrong setting: the way to it, what is wrong and what would be right, an example where it helps."""

    path: KeyPath
    text: str
    example: object = None

    def in_file(self) -> str:
        """The sentence, with the example as it stands in a file: ``like port = 8554``."""
        key = self.path[-1] if self.path else 0
        return self._with("" if isinstance(key, int) else f"{key} = ", toml(self.example))

    def inside(self, depth: int) -> str:
        """The sentence, behind the way to the value from a table that is so deep."""
        keys = ": ".join(str(part) for part in self.path[depth:])
        return placed(keys, self.text) if keys else self.text

    def of_option(self) -> str:
        """The sentence, with the example as it is typed on the command line: ``like --port 8554``."""
        return self._with(f"{self.path[-1]} ", str(self.example))

    def of_variable(self, name: str) -> str:
        """The sentence, with the example as it is given to a variable: ``like RELAYCORE_PORT=8554``."""
        plain = self.example if isinstance(self.example, str) else toml(self.example)
        return self._with(f"{name}=" if isinstance(self.path[-1], str) else "", plain)

    def _with(self, before: str, example: str) -> str:
        if self.example is None:
            return self.text
        return Message("{problem}, like {example}.", problem=self.text, example=f"{before}{example}")


def placed(place: str, mistake: str) -> str:
    """A mistake behind the place that it is in."""
    return Message("{place}: {mistake}", place=place, mistake=mistake)


Mistakes = list[Mistake]


def check_table(
    kind: type[_Table], data: object, path: KeyPath, mistakes: Mistakes, *, strict: bool = True
) -> _Table | None:
    """Makes a ``kind`` of a table; ``None`` when there are mistakes, which are then in ``mistakes``."""
    if not isinstance(data, Mapping):
        mistakes.append(
            Mistake(path, Message("{data} is not right; it should be a table.", data=_shown(data)))
        )
        return None
    found = len(mistakes)
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    values: dict[str, Any] = {}
    for key, value in data.items():
        field = fields.get(key)
        if field is None:
            mistakes.append(
                Mistake(
                    (*path, key),
                    Message("there is no such setting; {hint}", hint=did_you_mean(str(key), fields)),
                )
            )
        else:
            values[field.name] = check_value(field.type, value, (*path, key), mistakes, strict=strict)
    for field in fields.values():
        if field.required and field.encode_name not in data:
            mistakes.append(_mistake(field.type, Message("it is missing"), (*path, field.encode_name)))
    return kind(**values) if len(mistakes) == found else None


def check_value(
    expected: Any, value: object, path: KeyPath, mistakes: Mistakes, *, strict: bool = True
) -> Any:
    """The value as the type ``expected``; where not ``strict``, numbers may be given as text.

    Tables and lists inside are checked one by one, so that no mistake hides another.
    """
    found = len(mistakes)
    converted = _check_parts(expected, value, path, mistakes, strict)
    if converted is _WHOLE:
        try:
            converted = msgspec.convert(value, expected, strict=strict)
        except msgspec.ValidationError:
            mistakes.append(_wrong(expected, value, path))
    check = (_meta(expected).extra or {}).get("check")
    if check is not None and len(mistakes) == found and converted is not None:
        try:
            check(converted)
        except ConfigurationError:
            mistakes.append(_wrong(expected, value, path))
    return converted if len(mistakes) == found else None


_WHOLE = object()
"""Stands for a value that is not made of parts which are checked one by one."""


def _check_parts(expected: Any, value: object, path: KeyPath, mistakes: Mistakes, strict: bool) -> Any:
    possible = choices(expected)
    for choice in possible:
        kind = without_annotation(choice)
        arguments = get_args(kind)
        if isinstance(value, Mapping):
            if is_table(kind):
                return check_table(kind, value, path, mistakes, strict=strict)
            if get_origin(kind) is dict:
                return {
                    key: check_value(arguments[1], item, (*path, key), mistakes, strict=strict)
                    for key, item in value.items()
                }
        elif isinstance(value, list) and get_origin(kind) is list and _says_more(arguments[0]):
            return [
                check_value(arguments[0], item, (*path, index), mistakes, strict=strict)
                for index, item in enumerate(value)
            ]
        elif len(possible) > 1 and choice is not kind and kind is type(value):
            return check_value(choice, value, path, mistakes, strict=strict)
    return _WHOLE


def choices(expected: Any) -> list[Any]:
    """The types that a value may have, each with what its own annotation says."""
    plain = without_annotation(expected)
    if get_origin(plain) in (Union, types.UnionType):
        return [kind for choice in get_args(plain) for kind in choices(choice)]
    return [expected]


def is_table(kind: Any) -> bool:
    """Whether a type is one of settings by name."""
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _says_more(element: Any) -> bool:
    """Whether the elements of a list have a description or settings of their own."""
    return get_origin(element) is Annotated or is_table(element)


def _wrong(expected: Any, value: object, path: KeyPath) -> Mistake:
    secret = (_meta(expected).extra or {}).get("secret")
    problem = (
        Message("the value is not right") if secret else Message("{value} is not right", value=_shown(value))
    )
    return _mistake(expected, problem, path)


def _mistake(expected: Any, problem: str, path: KeyPath) -> Mistake:
    """What is wrong, with what would be right: ``...; it should be a size in pixels, WIDTHxHEIGHT``."""
    meta = _meta(expected)
    right = Message("a table") if is_table(expected) else Message(meta.description or _ELSE)
    if meta.examples:
        return Mistake(
            path, Message("{problem}; it should be {right}", problem=problem, right=right), meta.examples[0]
        )
    return Mistake(path, Message("{problem}; it should be {right}.", problem=problem, right=right))


_ELSE: Final = Message("something else")


def toml(value: object) -> str:
    """A value as it is written in TOML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    return f'"{value}"' if isinstance(value, str) else str(value)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The end of a sentence about an unknown word: the likeliest one, or all that there are."""
    names = sorted(known)
    close = difflib.get_close_matches(word.lower(), names, n=1, cutoff=0.6)
    return (
        Message("did you mean {close}?", close=close[0])
        if close
        else Message("known are {names}.", names=", ".join(names))
    )


def _meta(expected: Any) -> msgspec.Meta:
    """What the annotation of a field says, also where the field may be None."""
    if get_origin(expected) is Annotated:
        for note in expected.__metadata__:
            if isinstance(note, msgspec.Meta):
                return note
    if get_origin(expected) in (Union, types.UnionType):
        for choice in get_args(expected):
            if get_origin(choice) is Annotated:
                return _meta(choice)
    return msgspec.Meta()


def without_annotation(expected: Any) -> Any:
    """A type without what its annotation says of it."""
    return get_args(expected)[0] if get_origin(expected) is Annotated else expected


def _shown(value: object) -> str:
    """A value as it is written in TOML, short enough for a sentence, and without passwords of URLs."""
    if isinstance(value, Mapping):
        return Message("a table")
    if isinstance(value, str):
        return f'"{_shortened(masked(value).replace(chr(10), " "))}"'
    return _shortened(masked(toml(value)))


def _shortened(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"
