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

__all__ = ["Mistake", "Mistakes", "check_table", "check_value", "did_you_mean"]

_Table = TypeVar("_Table", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class Mistake:
    """One wrong setting: the way to it, and what is wrong and what would be right."""

    path: KeyPath
    text: str


Mistakes = list[Mistake]


def check_table(kind: type[_Table], data: object, path: KeyPath, mistakes: Mistakes) -> _Table | None:
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
            values[field.name] = check_value(field.type, value, (*path, key), mistakes)
    for field in fields.values():
        if field.required and field.encode_name not in data:
            hint = _expectation(field.type, field.encode_name)
            mistakes.append(Mistake((*path, field.encode_name), f"it is missing; it should be {hint}."))
    return kind(**values) if len(mistakes) == found else None


def check_value(
    expected: Any, value: object, path: KeyPath, mistakes: Mistakes, *, strict: bool = True
) -> Any:
    """The value as the type ``expected``; where not ``strict``, numbers may be given as text.

    Tables inside are checked one by one, so that no mistake hides another.
    """
    plain = _without_annotation(expected)
    arguments = get_args(plain)
    inner = arguments[-1] if arguments else None
    if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
        if get_origin(plain) is list and isinstance(value, list):
            return [check_table(inner, item, (*path, index), mistakes) for index, item in enumerate(value)]
        if get_origin(plain) is dict and isinstance(value, Mapping):
            return {key: check_table(inner, item, (*path, key), mistakes) for key, item in value.items()}
    elif get_origin(plain) is dict and isinstance(value, Mapping):
        return {key: check_value(inner, item, (*path, key), mistakes) for key, item in value.items()}
    notes = _meta(expected).extra or {}
    try:
        converted = msgspec.convert(value, expected, strict=strict)
        check = notes.get("check")
        if check is not None and converted is not None:
            check(converted)
    except (msgspec.ValidationError, ConfigurationError):
        hint = _expectation(expected, str(path[-1]))
        shown = "the value" if notes.get("secret") else _shown(value)
        mistakes.append(Mistake(path, f"{shown} is not right; it should be {hint}."))
        return None
    return converted


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The end of a sentence about an unknown word: the likeliest one, or all that there are."""
    names = sorted(known)
    close = difflib.get_close_matches(word.lower(), names, n=1, cutoff=0.6)
    return f"did you mean {close[0]}?" if close else f"known are {', '.join(names)}."


def _expectation(expected: Any, key: str) -> str:
    """What a field should be, with an example: ``a size in pixels, like size = "1280x720"``.

    Options of the command line begin with a hyphen and have their example as it is typed.
    """
    meta = _meta(expected)
    text = meta.description or "something else"
    if meta.examples:
        example = meta.examples[0]
        text += f", like {key} {example}" if key.startswith("-") else f", like {key} = {_shown(example)}"
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
    """A value as it is written in TOML, short enough for a sentence."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list):
        return "a list"
    text = str(value).replace("\n", " ")
    text = text if len(text) <= 40 else text[:39] + "…"
    return f'"{text}"' if isinstance(value, str) else text
