"""The language of a relay as a setting."""

from __future__ import annotations

from relaycore.errors import ConfigurationError
from relaycore.language import Message, known, languages

__all__ = ["check_language"]


def check_language(tag: str) -> None:
    """ConfigurationError for a language that is not there; an empty tag names none."""
    if tag and known(tag) is None:
        raise ConfigurationError(
            Message(
                "There is no language {name} here; known are {known}.", name=tag, known=", ".join(languages())
            )
        )
