"""The tracks of an open medium and its access units, with their times as the medium counts them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from relaycore._relaycore import Track, now_ns
from relaycore.errors import SourceError
from relaycore.language import Message
from relaycore.paths.media_tracks import MediaPacket, MediaStream, MediaTrack, carried, track_of
from relaycore.paths.medium import Medium
from relaycore.settings import masked

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["Demuxed", "Demuxer"]

SECOND: Final = 1_000_000_000

MOST_KEPT: Final = 4096
"""Packets that are looked at before the tracks are known."""


@dataclass(frozen=True, slots=True)
class Demuxed:
    """An access unit. Times are in ns: of decoding, of showing, its length, and when it arrived."""

    track: int
    data: Buffer
    dts_ns: int
    pts_ns: int
    length_ns: int
    arrived_ns: int
    random_access: bool


class Demuxer:
    """Reads a medium once, from where it stands to its end.

    SourceError when nothing in it can be carried. Reads for ``settle_ns`` before it is ready: ``first`` are
    the access units of that time.
    """

    def __init__(self, medium: Medium, settle_ns: int = 0) -> None:
        streams: list[MediaStream] = [*medium.container.streams.video, *medium.container.streams.audio]
        self._streams = {stream.index: stream for stream in streams if carried(stream)}
        if not self._streams:
            raise SourceError(
                Message("{place} has no video or sound that can be carried.", place=masked(medium.place))
            )
        self._packets = medium.packets()
        self._last_dts: dict[int, int] = {}
        found, kept = self._find_tracks(now_ns() + settle_ns)
        if not found:
            raise SourceError(
                Message("{place} has nothing but sound that cannot be decoded.", place=masked(medium.place))
            )
        # Video first, whatever the container's order: sources that take turns then agree.
        order = [index for index in self._streams if index in found]
        self._found = {index: (number, found[index]) for number, index in enumerate(order)}
        self.tracks: list[Track] = [found[index].track for index in order]
        """The tracks, video before sound."""
        self.first = [unit for packet, arrived in kept for unit in self._units(packet, arrived)]

    def __iter__(self) -> Iterator[Demuxed]:
        """What follows ``first``."""
        for packet in self._packets:
            yield from self._units(packet, now_ns())

    def _find_tracks(self, until_ns: int) -> tuple[dict[int, MediaTrack], list[tuple[MediaPacket, int]]]:
        found = {
            index: track for index, stream in self._streams.items() if (track := track_of(stream)) is not None
        }
        waiting = self._streams.keys() - found.keys()
        kept: list[tuple[MediaPacket, int]] = []
        for packet in self._packets:
            arrived = now_ns()
            kept.append((packet, arrived))
            if packet.stream_index in waiting and packet.size:
                waiting.discard(packet.stream_index)
                track = track_of(self._streams[packet.stream_index], bytes(packet))
                if track is not None:
                    found[packet.stream_index] = track
            if (not waiting and arrived >= until_ns) or len(kept) >= MOST_KEPT:
                break
        return found, kept

    def _units(self, packet: MediaPacket, arrived: int) -> Iterator[Demuxed]:
        entry = self._found.get(packet.stream_index)
        if entry is None or not packet.size:
            return
        number, track = entry
        length = _ns(packet.duration or 0, packet)
        dts = self._decoding_time(packet, number)
        pts = dts if packet.pts is None else _ns(packet.pts, packet)
        key = packet.is_keyframe
        for data, offset in track.repack(packet):
            yield Demuxed(number, data, dts + offset, pts + offset, length - offset, arrived, key)
        self._last_dts[number] = dts + length

    def _decoding_time(self, packet: MediaPacket, track: int) -> int:
        """From the packet, or behind the one before it: raw streams have no times."""
        ticks = packet.pts if packet.dts is None else packet.dts
        return self._last_dts.get(track, 0) if ticks is None else _ns(ticks, packet)


def _ns(ticks: int, packet: MediaPacket) -> int:
    return int(ticks * packet.time_base * SECOND)
