"""What a request of the API is about: its path, and the settings in its body."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from relaycore.control.checking import Mistakes, check_table
from relaycore.errors import ConfigurationError
from relaycore.language import Message, message_lines, message_of
from relaycore.settings import normal_path
from relaycore.web.answers import Refused

__all__ = ["asked_path", "checked_table", "refused_settings"]

_Settings = TypeVar("_Settings", bound=msgspec.Struct)


def asked_path(request: web.Request) -> str:
    """The path that a request names. Refused where none can be called so."""
    try:
        return normal_path(request.match_info["path"])
    except ConfigurationError as error:
        raise Refused(400, message_of(error)) from None


def checked_table(kind: type[_Settings], body: Any, table: str, path: str) -> _Settings:
    """A body as the settings that ``[table.path]`` has in a configuration. Refused with every mistake."""
    mistakes: Mistakes = []
    settings = check_table(kind, body, (table, path), mistakes)
    if settings is None or mistakes:
        raise refused_settings(path, [mistake.inside(2) for mistake in mistakes])
    return settings


def refused_settings(path: str, mistakes: Sequence[str]) -> Refused:
    """Says what is wrong with the settings of a path."""
    return Refused(
        422,
        Message(
            "The settings of {path} are not right, so nothing was changed: {mistakes}",
            path=path,
            mistakes=message_lines(mistakes, " "),
        ),
        mistakes=tuple(mistakes),
    )
