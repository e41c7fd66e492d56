"""Settings in environment variables, which win over the file.

``RELAYCORE_`` and the key in capitals, with ``__`` between a table and what is in it: ``RELAYCORE_PORT``,
``RELAYCORE_LIMITS__CONNECTIONS``, ``RELAYCORE_PATHS__DOOR__SOURCE``. Tables that have names of a person's
choice are called by them, users by their names: ``RELAYCORE_USERS__ANNA__PASSWORD``. Where a name has other
characters than letters and digits, ``_`` stands for each of them; a name that the file does not have is taken
in small letters. Lists are written as in TOML.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from typing import Any, Final, get_args, get_origin

import msgspec

from relaycore.control.checking import Mistake, Mistakes, choices, is_table, without_annotation
from relaycore.control.toml_lines import KeyPath
from relaycore.language import Message
from relaycore.settings import Config
from relaycore.settings.paths import HOOK_PLACEHOLDERS

__all__ = ["PREFIX", "overlay"]

PREFIX: Final = "RELAYCORE_"

OF_HOOKS: Final = frozenset(PREFIX + name.upper() for name in HOOK_PLACEHOLDERS)
"""Variables that a hook's command gets. A relay that is started by one of another relay has them, too."""

OF_COMMANDS: Final = frozenset({f"{PREFIX}BENCH_PASSWORD"})
"""Variables that are for another command of the program."""

_OTHER = re.compile(r"[^A-Za-z0-9]")


def overlay(
    document: dict[str, Any], environment: Mapping[str, str], mistakes: Mistakes
) -> dict[KeyPath, str]:
    """Puts the settings of the environment into a document. Gives the variable that each comes from.

    Variables that mean no setting are added to ``mistakes``.
    """
    variables: dict[KeyPath, str] = {}
    for name in sorted(environment):
        if name.startswith(PREFIX) and name not in OF_HOOKS | OF_COMMANDS:
            _put(document, name, environment[name], variables, mistakes)
    if variables.keys() & {("host",), ("lan",)} and not {("host",), ("lan",)} <= variables.keys():
        _settle_host(document, ("lan",) in variables)
    return variables


def _settle_host(document: dict[str, Any], of_lan: bool) -> None:
    """``host`` and ``lan`` exclude each other: the one of the environment wins."""
    if not of_lan:
        document.pop("lan", None)
    elif document["lan"] is True:
        document.pop("host", None)


def _put(
    document: dict[str, Any], name: str, text: str, variables: dict[KeyPath, str], mistakes: Mistakes
) -> None:
    """Sets what one variable says."""
    parts = name.removeprefix(PREFIX).lower().split("__")
    kinds: list[Any] = [Config]
    for depth, part in enumerate(parts):
        kind = _part_of(kinds[-1], part)
        if kind is None:
            before = PREFIX + "".join(f"{part.upper()}__" for part in parts[:depth])
            variables[name,] = name
            mistakes.append(
                Mistake(
                    (name,), Message("there is no such setting; {hint}", hint=_hint(before, part, kinds[-1]))
                )
            )
            return
        kinds.append(kind)
    value = _typed(kinds[-1], text)
    if isinstance(value, str) and (table := _table_in(kinds[-1])) is not None:
        variables[name,] = name
        mistakes.append(
            Mistake((name,), Message("it is a table; {hint}", hint=_hint(f"{name}__", "", table)))
        )
        return
    place: Any = document
    path: KeyPath = ()
    for part, kind in zip(parts, kinds, strict=False):
        if path:
            place = _inside(place, path[-1], kind)
            if place is None:
                return  # the file has something else there, which is told as its mistake
        path = (*path, _key_of(kind, part, place))
    variables[path] = name
    place[path[-1]] = value


def _part_of(kind: Any, part: str) -> Any:
    """The type of what a part of a name means in a table or list; ``None`` when it means nothing."""
    if (table := _table_in(kind)) is not None:
        return {field.encode_name: field.type for field in msgspec.structs.fields(table)}.get(part)
    plain = without_annotation(kind)
    if get_origin(plain) is dict:
        return get_args(plain)[1]
    return get_args(plain)[0] if get_origin(plain) is list and is_table(get_args(plain)[0]) else None


def _key_of(kind: Any, part: str, place: Any) -> str | int:
    """The key that a part of a name means in what there is; in a list, that of a new element if need be."""
    plain = without_annotation(kind)
    if get_origin(plain) is dict:
        return next((key for key in place if _as_part(key) == part), part)
    if get_origin(plain) is list:
        for index, item in enumerate(place):
            if isinstance(item, dict) and _as_part(item.get("name")) == part:
                return index
        place.append({"name": part})
        return len(place) - 1
    return part


def _inside(place: Any, key: str | int, kind: Any) -> Any:
    """The table or list at a key, made where there is none; ``None`` when something else is there."""
    wanted = list if get_origin(without_annotation(kind)) is list else dict
    if isinstance(place, dict):
        place.setdefault(key, wanted())
    found = place[key]
    return found if isinstance(found, wanted) else None


def _table_in(kind: Any) -> Any:
    """The table that a type stands for, if it does."""
    return next((choice for choice in map(without_annotation, choices(kind)) if is_table(choice)), None)


def _typed(kind: Any, text: str) -> object:
    """The text as the value that it means; left as it is where it means none."""
    kinds = [without_annotation(choice) for choice in choices(kind)]
    if text[:1] in ("[", "{") and any(get_origin(kind) in (list, dict) or is_table(kind) for kind in kinds):
        try:
            return tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            return text
    try:
        return msgspec.convert(text, kind, strict=False)
    except msgspec.ValidationError:
        return text


def _as_part(name: object) -> str | None:
    """A name of a person's choice as it stands in a variable, in small letters."""
    return _OTHER.sub("_", name.strip("/")).lower() if isinstance(name, str) else None


def _hint(before: str, part: str, kind: Any) -> str:
    table = _table_in(kind)
    if table is None:
        return Message("nothing is inside of it.")
    known = [field.encode_name for field in msgspec.structs.fields(table)]
    close = difflib.get_close_matches(part, known, n=1, cutoff=0.6)
    if close:
        return Message("did you mean {before}{upper}?", before=before, upper=close[0].upper())
    return Message("known are {known}.", known=", ".join(before + name.upper() for name in known))
