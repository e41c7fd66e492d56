"""Finds streams that are fed by themselves: by way of sources and forwards to this same relay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from relaycore.addresses import is_loopback
from relaycore.control.checking import Mistake, Mistakes
from relaycore.control.toml_lines import KeyPath
from relaycore.errors import ConfigurationError
from relaycore.language import Message
from relaycore.settings import DEFAULT_PORT, PathSettings, normal_path
from relaycore.settings.urls import RTSP_PORT, split_url

__all__ = ["check_loops"]


@dataclass(frozen=True, slots=True)
class _Feed:
    """One path that feeds another, and the setting that says so."""

    giver: str
    taker: str
    setting: KeyPath


def check_loops(
    tables: Mapping[str, tuple[str, PathSettings]], document: Mapping[str, Any], mistakes: Mistakes
) -> None:
    """Adds the settings that make a stream its own source. ``tables`` are the key and settings of a path."""
    port, host = document.get("port", DEFAULT_PORT), document.get("host")
    feeds: list[_Feed] = []
    for path, (key, settings) in tables.items():
        for number, url in enumerate(settings.sources):
            if (giver := _path_here(url, host, port)) is not None:
                listed = isinstance(settings.source, list)
                where: KeyPath = ("paths", key, "source", number) if listed else ("paths", key, "source")
                feeds.append(_Feed(giver, path, where))
        for number, url in enumerate(settings.forward):
            if (taker := _path_here(url, host, port)) is not None:
                feeds.append(_Feed(path, taker, ("paths", key, "forward", number)))
    for feed in feeds:
        if feed.giver == feed.taker:
            mistakes.append(
                Mistake(feed.setting, Message("it is this path itself; name another server or path."))
            )
        elif _reaches(feed.taker, feed.giver, feeds):
            text = Message(
                "{giver} feeds {taker}, which feeds {giver}; remove one of the two.",
                giver=feed.giver,
                taker=feed.taker,
            )
            mistakes.append(Mistake(feed.setting, text))


def _path_here(url: str, host: object, port: object) -> str | None:
    """The path that a URL names on this relay; ``None`` when it is elsewhere."""
    if not url.lower().startswith("rtsp://"):
        return None
    try:
        parts = split_url(url)
        here = parts.hostname == host or is_loopback(parts.hostname or "")
        return normal_path(parts.path) if here and (parts.port or RTSP_PORT) == port else None
    except ConfigurationError:
        return None


def _reaches(start: str, goal: str, feeds: list[_Feed]) -> bool:
    seen, waiting = {start}, [start]
    while waiting:
        here = waiting.pop()
        if here == goal:
            return True
        further = {feed.taker for feed in feeds if feed.giver == here} - seen
        seen |= further
        waiting += further
    return False
