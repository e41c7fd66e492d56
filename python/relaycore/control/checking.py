"""Turns plain data into settings, and finds every mistake in it rather than the first.

The types of :mod:`relaycore.settings` say what is right. A mistake holds the way to the value and a sentence
about it; whoever read the data knows the line or the option that belongs to it.
"""

from __future__ import annotations

import difflib
import types
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

import msgspec

from relaycore.control.toml_lines import KeyPath
from relaycore.errors import ConfigurationError
from relaycore.settings import masked

__all__ = ["Mistake", "Mistakes", "check_table", "check_value", "did_you_mean"]

_Table = TypeVar("_Table", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class Mistake:
    """One wrong setting: the way to it, and what is wrong and what would be right."""

    path: KeyPath
    text: str


Mistakes = list[Mistake]


def check_table(
    kind: type[_Table], data: object, path: KeyPath, mistakes: Mistakes, *, strict: bool = True
) -> _Table | None:
    """Makes a ``kind`` of a table; ``None`` when there are mistakes, which are then in ``mistakes``."""
    if not isinstance(data, Mapping):
        mistakes.append(Mistake(path, f"{_shown(data)} is not right; it should be a table."))
        return None
    found = len(mistakes)
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    values: dict[str, Any] = {}
    for key, value in data.items():
        field = fields.get(key)
        if field is None:
            mistakes.append(
                Mistake((*path, key), f"there is no such setting; {did_you_mean(str(key), fields)}")
            )
        else:
            values[field.name] = check_value(field.type, value, (*path, key), mistakes, strict=strict)
    for field in fields.values():
        if field.required and field.encode_name not in data:
            hint = _expectation(field.type, field.encode_name)
            mistakes.append(Mistake((*path, field.encode_name), f"it is missing; it should be {hint}."))
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
            mistakes.append(_mistake(expected, value, path))
    check = (_meta(expected).extra or {}).get("check")
    if check is not None and len(mistakes) == found and converted is not None:
        try:
            check(converted)
        except ConfigurationError:
            mistakes.append(_mistake(expected, value, path))
    return converted if len(mistakes) == found else None


_WHOLE = object()
"""Stands for a value that is not made of parts which are checked one by one."""


def _check_parts(expected: Any, value: object, path: KeyPath, mistakes: Mistakes, strict: bool) -> Any:
    choices = _choices(expected)
    for choice in choices:
        kind = _without_annotation(choice)
        arguments = get_args(kind)
        if isinstance(value, Mapping):
            if _is_table(kind):
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
        elif len(choices) > 1 and choice is not kind and kind is type(value):
            return check_value(choice, value, path, mistakes, strict=strict)
    return _WHOLE


def _choices(expected: Any) -> list[Any]:
    """The types that a value may have, each with what its own annotation says."""
    plain = _without_annotation(expected)
    if get_origin(plain) in (Union, types.UnionType):
        return [kind for choice in get_args(plain) for kind in _choices(choice)]
    return [expected]


def _is_table(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _says_more(element: Any) -> bool:
    """Whether the elements of a list have a description or settings of their own."""
    return get_origin(element) is Annotated or _is_table(element)


def _mistake(expected: Any, value: object, path: KeyPath) -> Mistake:
    secret = (_meta(expected).extra or {}).get("secret")
    shown = "the value" if secret else _shown(value)
    return Mistake(path, f"{shown} is not right; it should be {_expectation(expected, path[-1])}.")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The end of a sentence about an unknown word: the likeliest one, or all that there are."""
    names = sorted(known)
    close = difflib.get_close_matches(word.lower(), names, n=1, cutoff=0.6)
    return f"did you mean {close[0]}?" if close else f"known are {', '.join(names)}."


def _expectation(expected: Any, key: str | int) -> str:
    """What a field should be, with an example: ``a size in pixels, like size = "1280x720"``.

    Options of the command line begin with a hyphen and have their example as it is typed. An element of a
    list has no key.
    """
    if _is_table(expected):
        return "a table"
    meta = _meta(expected)
    text = meta.description or "something else"
    if meta.examples:
        example = meta.examples[0]
        if isinstance(key, int):
            text += f", like {_toml(example)}"
        elif key.startswith("-"):
            text += f", like {key} {example}"
        else:
            text += f", like {key} = {_toml(example)}"
    return text


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


def _without_annotation(expected: Any) -> Any:
    return get_args(expected)[0] if get_origin(expected) is Annotated else expected


def _shown(value: object) -> str:
    """A value as it is written in TOML, short enough for a sentence, and without passwords of URLs."""
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, str):
        return f'"{_shortened(masked(value).replace(chr(10), " "))}"'
    return _shortened(masked(_toml(value)))


def _shortened(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"


def _toml(value: object) -> str:
    """A value as it is written in TOML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return f'"{value}"' if isinstance(value, str) else str(value)
