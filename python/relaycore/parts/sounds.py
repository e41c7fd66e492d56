"""Finds the sound of a stream in a codec that a player knows."""

from __future__ import annotations

from collections.abc import Collection

from relaycore.access.rules import SOUNDS
from relaycore.parts.names import Names
from relaycore.paths.manager import Paths
from relaycore.paths.sound_rendition import sound_of
from relaycore.stream_table import StreamTable

__all__ = ["playable_sound"]


async def playable_sound(
    path: str, codecs: Collection[str], *, streams: StreamTable, names: Names, paths: Paths
) -> str | None:
    """The path at which the sound of ``path`` is in one of these codecs, which is started.

    See :meth:`relaycore.Relay.playable_sound`.
    """
    tracks = streams.named(path).tracks
    if any(track.kind == "audio" and track.codec in codecs for track in tracks):
        return None
    base = names.base_of(path)
    if base != path and base in streams:
        path = base
    tracks = streams.named(path).tracks
    number = sound_of(tracks)
    if number is None:
        return None
    if tracks[number].codec in codecs:
        return path
    made = next((path + SOUNDS[codec] for codec in codecs if codec in SOUNDS), None)
    if made is not None:
        await paths.prepare(made)
    return made
