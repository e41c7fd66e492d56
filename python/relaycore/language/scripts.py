"""What the scripts of pages need of the catalogues."""

from __future__ import annotations

from functools import cache

from relaycore.language.catalogues import file_of, tags

__all__ = ["plural_samples", "texts_of_scripts"]

_SAMPLES_MAX = 300
"""Whole numbers among which every category of whole numbers has one, except that of millions."""


@cache
def texts_of_scripts() -> tuple[tuple[str, str | None], ...]:
    """The English texts that stand in a script, each with its plural where it has one.

    A catalogue names the files of each text; all catalogues have the same texts.
    """
    from babel.messages.pofile import read_po

    if not tags():
        return ()
    with file_of(tags()[0]).open("rb") as file:
        found = read_po(file)
    return tuple(
        (message.id, None) if isinstance(message.id, str) else (message.id[0], message.id[1])
        for message in found
        if message.id and any(name.endswith(".js") for name, _ in message.locations)
    )


@cache
def plural_samples(tag: str) -> dict[str, int]:
    """For each category of plurals of a language (CLDR), a whole number that is in it."""
    from babel import Locale

    rule = Locale.parse(tag, sep="-").plural_form
    samples: dict[str, int] = {}
    for number in (*range(_SAMPLES_MAX), 1_000_000):
        samples.setdefault(rule(number), number)
    # Fractions have categories of their own in some languages: `other` stands for what has no whole number.
    samples.setdefault("other", max(samples.values()))
    return samples
