"""What a server that is tested sent, as it can be shown: it moves no cursor and fills no screen."""

from __future__ import annotations

__all__ = ["LONGEST", "tame"]

LONGEST = 300
"""Characters of one example that are shown."""


def tame(text: str) -> str:
    """The text in one line, with what cannot be printed escaped, and cut where it is long."""
    shown = "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in text[: LONGEST + 1]
    )
    return shown if len(shown) <= LONGEST else shown[: LONGEST - 1] + "…"
