"""Which language it is: the ones there are, the one that somebody asks for, the one that holds now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, Literal

from relaycore.language.catalogues import tags

__all__ = [
    "PSEUDO",
    "SOURCE",
    "current",
    "direction",
    "html_tag",
    "known",
    "languages",
    "name_of",
    "negotiate",
    "of_environment",
    "using",
]

SOURCE: Final = "en"
"""The language that the texts stand in, in the code."""

PSEUDO: Final = "en-XA"
"""The language that shows what was forgotten: see :mod:`relaycore.language.pseudo`."""

ACCEPTED_MAX: Final = 16
"""Languages that are looked at in one ``Accept-Language``; a browser sends fewer than ten."""

TAG_MAX: Final = 35
"""Characters of a tag that is looked at (RFC 5646 section 4.4.1)."""

_RIGHT_TO_LEFT: Final = frozenset({"ar", "ckb", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"})

_current: ContextVar[str] = ContextVar("language", default=SOURCE)


def current() -> str:
    """The language of whoever is spoken to now, as a tag of BCP 47."""
    return _current.get()


@contextmanager
def using(tag: str) -> Iterator[None]:
    """Speaks a language, one of :func:`languages`, until the block is left."""
    before = _current.set(tag)
    try:
        yield
    finally:
        _current.reset(before)


def languages() -> tuple[str, ...]:
    """All that may be spoken, English first, without the one of :data:`PSEUDO`."""
    return (SOURCE, *tags())


def known(wanted: str) -> str | None:
    """The language that is meant by a tag of BCP 47 or the name of a locale, or ``None``.

    ``fr-CA`` and ``fr_CA.UTF-8`` mean ``fr``; ``zh`` and ``zh-CN`` mean ``zh-Hans``. What was written for
    another country or script is better than English to who reads that language.
    """
    tag = wanted.partition(".")[0].partition("@")[0].replace("_", "-").lower()
    if tag == PSEUDO.lower():
        return PSEUDO
    if len(tag) > TAG_MAX:
        return None
    there = {name.lower(): name for name in languages()}
    parts = tag.split("-")
    for length in range(len(parts), 0, -1):
        found = there.get("-".join(parts[:length]))
        if found is not None:
            return found
    return next((name for name in languages() if name.lower().split("-")[0] == parts[0]), None)


def negotiate(accepted: str) -> str | None:
    """The language that a browser likes best of those there are (RFC 9110 section 12.5.4), or ``None``."""
    wishes: list[tuple[float, int, str]] = []
    for number, wish in enumerate(accepted.split(",")[:ACCEPTED_MAX]):
        tag, _, parameter = wish.partition(";")
        weight = _weight(parameter)
        if weight > 0 and tag.strip():
            wishes.append((-weight, number, tag.strip()))
    return _first(tag for _, _, tag in sorted(wishes))


def of_environment(environment: Mapping[str, str]) -> str | None:
    """The language that a process is asked to speak, or ``None`` when nothing says so.

    ``LANGUAGE`` is a list that GNU gettext has, and counts only where a locale is set that is not that of C.
    """
    chosen = next(
        (environment[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environment.get(name)), ""
    )
    if not chosen or chosen.partition(".")[0] in ("C", "POSIX"):
        return None
    return _first([*environment.get("LANGUAGE", "").split(":"), chosen])


def direction(tag: str) -> Literal["ltr", "rtl"]:
    """The way that a language is written, as HTML's ``dir`` has it."""
    return "rtl" if tag.split("-")[0] in _RIGHT_TO_LEFT else "ltr"


def html_tag() -> str:
    """The tag that begins a page in the language that holds: ``<html lang="ar" dir="rtl">``."""
    return f'<html lang="{current()}" dir="{direction(current())}">'


def name_of(tag: str) -> str:
    """The name of a language in that language, with a capital: ``Français``."""
    if tag in (SOURCE, PSEUDO):
        return "English" if tag == SOURCE else "Pseudo"
    from babel import Locale

    name = Locale.parse(tag, sep="-").get_display_name() or tag
    return name[:1].upper() + name[1:]


def _first(wanted: Iterable[str]) -> str | None:
    return next((found for tag in wanted if tag and (found := known(tag)) is not None), None)


def _weight(parameter: str) -> float:
    """The ``q`` of a language; 0 where it is malformed, so that such a one is passed over."""
    if not parameter.strip():
        return 1.0
    name, _, value = parameter.partition("=")
    try:
        weight = float(value)
    except ValueError:
        return 0.0
    return weight if name.strip().lower() == "q" and 0 <= weight <= 1 else 0.0
