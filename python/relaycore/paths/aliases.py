"""Names of paths that recorders and players guess, for a relay with one camera.

Frigate, NVRs and apps try what well-known cameras serve where nobody tells them a path. Where there is
exactly one camera, these lead to it, or to its second rendition; what has such a name goes first.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from typing import Final

from relaycore.access.rules import SUB

__all__ = ["Alias", "aliases_of", "path_of"]

Alias = tuple[str, list[str], str]
"""A name without slashes around it, what the query has to hold, and the path."""

_MAIN: Final[Sequence[tuple[str, list[str]]]] = (
    ("h264", []),
    ("live.sdp", []),
    ("media.amp", []),
    ("Streaming/Channels/101", []),
    ("Streaming/Channels/1", []),
    ("stream1", []),
    ("cam/realmonitor", ["channel=1", "subtype=0"]),
    ("11", []),
)
"""Names and queries for the pictures as they are."""

_SUB: Final[Sequence[tuple[str, list[str]]]] = (
    ("Streaming/Channels/102", []),
    ("stream2", []),
    ("cam/realmonitor", ["channel=1", "subtype=1"]),
    ("12", []),
)
"""Names and queries for the smaller ones."""


def aliases_of(cameras: Iterable[str], taken: Container[str]) -> list[Alias]:
    """The names that lead to a camera, where there is exactly one; without those that are ``taken``."""
    paths = list(cameras)
    if len(paths) != 1:
        return []
    path = paths[0]
    found: list[Alias] = [(name, list(query), path) for name, query in _MAIN]
    found += [(name, list(query), path + SUB) for name, query in _SUB]
    return [alias for alias in found if alias[0] not in taken and alias[0] != path]


def path_of(aliases: Iterable[Alias], name: str, query: str) -> str | None:
    """The path that a name with a query leads to; ``None`` where it is none of these."""
    given = query.replace(";", "&").split("&")
    for alias, wanted, path in aliases:
        if alias == name and all(part in given for part in wanted):
            return path
    return None
