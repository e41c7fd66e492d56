"""The translations of the package, read from its ``.po`` files when a language is first used.

They are read as they stand in the source: a file of 1,300 messages takes 30 ms, 50 more for what reads it,
once a process and only for languages other than English. So nothing is compiled when the package is built,
and a changed text is there at the next start.
"""

from __future__ import annotations

import gettext
import io
from functools import cache
from pathlib import Path
from typing import Final

__all__ = ["DOMAIN", "FOLDER", "catalogue", "file_of", "tags"]

FOLDER: Final = Path(__file__).parents[1] / "locale"

DOMAIN: Final = "relaycore"


def file_of(tag: str) -> Path:
    """The file of a language, whether it is there or not: ``locale/zh_Hans/LC_MESSAGES/relaycore.po``."""
    return FOLDER / tag.replace("-", "_") / "LC_MESSAGES" / f"{DOMAIN}.po"


@cache
def tags() -> tuple[str, ...]:
    """The languages that have a file (BCP 47), in the order of the alphabet."""
    found = FOLDER.glob(f"*/LC_MESSAGES/{DOMAIN}.po")
    return tuple(sorted(file.parents[1].name.replace("_", "-") for file in found))


@cache
def catalogue(tag: str) -> gettext.NullTranslations:
    """The translations of one of :func:`tags`."""
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    with file_of(tag).open("rb") as file:
        found = read_po(file, locale=tag.replace("-", "_"), domain=DOMAIN)
    compiled = io.BytesIO()
    write_mo(compiled, found)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
