"""Numbers and dates as a language writes them (CLDR), with the digits that are known everywhere."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final, Literal

from relaycore.language.choice import PSEUDO, SOURCE, current

__all__ = ["day", "moment", "number", "percent"]

Length = Literal["short", "medium", "long", "full"]

_PLAIN_BELOW: Final = 1000
"""A smaller whole number is written in all languages as Python writes it."""


def number(value: float, *, digits: int | None = None, language: str | None = None) -> str:
    """A number, rounded to ``digits`` behind the point if they are given: ``1,234.5``, ``1.234,5``."""
    language = language or current()
    if isinstance(value, int) and digits is None and 0 <= value < _PLAIN_BELOW:
        return str(value)
    if language in (SOURCE, PSEUDO):
        return f"{value:,}" if digits is None else f"{value:,.{digits}f}"
    from babel.numbers import format_decimal

    pattern = None if digits is None else "#,##0" + (f".{'0' * digits}" if digits else "")
    return format_decimal(value, format=pattern, locale=_locale(language))


def percent(fraction: float, *, digits: int = 0, language: str | None = None) -> str:
    """A fraction of one in percent: ``25%``, ``25 %``."""
    language = language or current()
    if language in (SOURCE, PSEUDO):
        return f"{fraction:.{digits}%}"
    from babel import Locale
    from babel.numbers import format_percent

    pattern = Locale.parse(_locale(language)).percent_formats[None].pattern
    if digits:
        pattern = pattern.replace("0", "0." + "0" * digits, 1)
    return format_percent(fraction, format=pattern, locale=_locale(language))


def day(value: date, length: Length = "medium", *, language: str | None = None) -> str:
    """A date: ``Nov 5, 2026``, ``5 nov. 2026``."""
    from babel.dates import format_date

    return format_date(value, format=length, locale=_locale(language or current()))


def moment(value: datetime, length: Length = "medium", *, language: str | None = None) -> str:
    """A date with its time of day, in its own time zone."""
    from babel.dates import format_datetime

    return format_datetime(value, format=length, tzinfo=value.tzinfo, locale=_locale(language or current()))


def _locale(language: str) -> str:
    """What Babel calls it."""
    return SOURCE if language == PSEUDO else language.replace("-", "_")
