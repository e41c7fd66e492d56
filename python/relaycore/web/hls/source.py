"""The fragments of a path of a relay, made of its access units: H.264, and sound as AAC."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Final

from relaycore._relaycore import AccessUnit, Engine, Track
from relaycore.access.rules import RENDITION
from relaycore.errors import EncoderError, PathError, SourceError
from relaycore.language import Message
from relaycore.paths.decoding_times import DecodingTimes, ReorderedMore
from relaycore.web.hls.mp4 import (
    AUDIO,
    VIDEO,
    VIDEO_RATE,
    AacTrack,
    H264Track,
    Sample,
    fragment_of,
    header_of,
)
from relaycore.web.hls.stream import FragmentSource
from relaycore.web.hls.timeline import Fragment

if TYPE_CHECKING:
    from relaycore.readers import AccessUnitReader
    from relaycore.relay import Relay

__all__ = ["Fragmenter", "PathFragments"]

SECOND: Final = 1_000_000_000

MOST_REORDERED: Final = 16
"""Places over which pictures are reordered at most (ITU-T H.264, max_num_reorder_frames)."""

USUAL_REORDERED: Final = 2
"""Places that are assumed as soon as pictures turn out to be reordered: most encoders have so many."""

MOST_TICKS: Final = 10 * VIDEO_RATE
"""What an access unit lasts at most, or waits to be shown, in ticks; whatever has more is a jump in time."""

HOLE_TICKS: Final = VIDEO_RATE // 4
HOLE_TIMES: Final = 3
"""From so many ticks, and so many times what the picture before lasted, something is missing behind it."""

MOST_TIME: Final = 1 << 62
"""Media time at most, in ticks."""

AAC_FRAME: Final = 1024
"""Samples of a frame of AAC-LC."""

MOST_WAITING: Final = 512
"""Access units that wait here at most; then the readers are not emptied, which has a bound of its own."""

MOST_SOUND: Final = 100
"""Frames of sound that wait for a picture."""


class Fragmenter:
    """Makes fragments of access units, one for each picture. No input or output here.

    A picture is held back until the next one comes, since only then it is known how long it lasts.
    """

    def __init__(self, video: Track | None, audio: Track | None) -> None:
        self._video: H264Track | None = None
        self._audio: AacTrack | None = None
        self._has_video = video is not None
        self._described: H264Track | None = None
        if video is not None:
            self.described(video.parameters)
        if audio is not None:
            self._audio = AacTrack(audio.parameters, audio.clock_rate, audio.channels)
        self._init: bytes | None = None
        self._number = 0
        self._times = DecodingTimes(0)
        self._depth = 0
        self._waits = True
        self._held: tuple[int, Sample, int] | None = None
        self._lasts = VIDEO_RATE // 30
        self._sound: list[tuple[int, bytes, int]] = []

    @property
    def codecs(self) -> str:
        """What RFC 6381 calls them."""
        return ",".join(track.codec for track in (self._video, self._audio) if track is not None)

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height of the pictures."""
        return None if self._video is None else (self._video.width, self._video.height)

    def described(self, parameters: bytes) -> None:
        """What the description of the stream says now of the parameters of its pictures."""
        with contextlib.suppress(ValueError):
            self._described = H264Track.of(parameters, self._described)

    def picture(self, unit: AccessUnit, unix_ns: int) -> list[Fragment]:
        """Takes a picture; gives what it completes."""
        made: list[Fragment] = []
        if unit.random_access:
            # Parameters that come with the pictures are newer than those of the description.
            track: H264Track | None = None
            with contextlib.suppress(ValueError):
                track = H264Track.of(unit.data) or self._described
            if track is not None and track != self._video:
                made = self._break_off()
                self._video = track
            # Without parameters there is nothing to decode it with.
            self._waits = track is None
        if self._waits:
            return made
        try:
            decoded = self._times.of(unit.pts)
        except ReorderedMore as more:
            # What went before cannot be moved: it begins anew where a decoder can.
            self._depth = max(more.depth, USUAL_REORDERED) if more.depth <= MOST_REORDERED else 0
            self._waits = True
            return made + self._break_off()
        if not 0 <= decoded < MOST_TIME or unit.pts - decoded > MOST_TICKS:
            self._waits = True
            return made + self._break_off()
        assert self._video is not None
        made += self._release(decoded, may_miss=unit.random_access)
        sample = Sample(self._video.sample(unit.data), 0, unit.random_access, unit.pts - decoded)
        self._held = decoded, sample, unix_ns
        return made

    def sound(self, unit: AccessUnit, unix_ns: int) -> list[Fragment]:
        """Takes a frame of sound; gives what it completes."""
        if self._audio is None:
            return []
        if not 0 <= unit.pts < MOST_TIME:
            return []
        self._sound.append((unit.pts, unit.data, unix_ns))
        if not self._has_video:
            return self._release_sound()
        del self._sound[:-MOST_SOUND]
        return []

    def _break_off(self) -> list[Fragment]:
        """Gives what was held back; what comes next has a header and times of its own."""
        made = [] if self._held is None else self._release(self._held[0] + self._lasts)
        self._held, self._init = None, None
        self._times = DecodingTimes(self._depth)
        return made

    def _release(self, next_decoded: int, *, may_miss: bool = False) -> list[Fragment]:
        """The picture that was held back, and the sound that came meanwhile.

        It lasts until the next one. With ``may_miss`` it lasts as long as the one before where very much is
        missing, as between two publishers.
        """
        if self._held is None:
            return []
        decoded, sample, unix_ns = self._held
        lasts = next_decoded - decoded
        if 0 < lasts <= MOST_TICKS and not (may_miss and lasts > max(HOLE_TICKS, HOLE_TIMES * self._lasts)):
            self._lasts = lasts
        init = self._header()
        whole = Sample(sample.data, self._lasts, sample.sync, sample.offset)
        picture = Fragment(
            data=fragment_of(self._next(), VIDEO, decoded, [whole], unix_ns),
            start_ns=decoded * SECOND // VIDEO_RATE,
            duration_ns=self._lasts * SECOND // VIDEO_RATE,
            unix_ns=unix_ns,
            independent=sample.sync,
            init=init,
        )
        return [picture, *self._release_sound()]

    def _release_sound(self) -> list[Fragment]:
        sound, self._sound = self._sound, []
        if not sound or self._audio is None:
            return []
        start, _, unix_ns = sound[0]
        ends = [after for after, _, _ in sound[1:]] + [sound[-1][0] + AAC_FRAME]
        samples = [
            Sample(data, min(max(1, end - at), MOST_TICKS))
            for (at, data, _), end in zip(sound, ends, strict=True)
        ]
        rate = self._audio.rate
        init = None if self._has_video else self._header()
        return [
            Fragment(
                data=fragment_of(self._next(), AUDIO, start, samples, unix_ns),
                start_ns=start * SECOND // rate,
                duration_ns=sum(sample.duration for sample in samples) * SECOND // rate,
                unix_ns=unix_ns,
                independent=True,
                init=init,
                leads=not self._has_video,
            )
        ]

    def _header(self) -> bytes | None:
        """The header, where it is another than before."""
        if self._init is not None:
            return None
        self._init = header_of(self._video, self._audio)
        return self._init

    def _next(self) -> int:
        self._number += 1
        return self._number


class PathFragments(FragmentSource):
    """Those of one path, from its newest random access point on.

    EncoderError when it has pictures of another codec than H.264, PathError when there is no stream.
    """

    def __init__(self, relay: Relay, engine: Engine, path: str) -> None:
        self._relay, self._engine, self._path = relay, engine, path
        self._reader = relay.read(path)
        tracks = self._reader.tracks
        self._video = next((n for n, track in enumerate(tracks) if track.codec == "h264"), None)
        pictures = any(track.kind == "video" for track in tracks)
        if self._video is None and pictures:
            raise EncoderError(
                Message(
                    "The pictures of {path} are not H.264: set `transcode` for it, and open {rendition}.",
                    path=repr(path),
                    rendition=repr(f"{path}{RENDITION}"),
                )
            )
        self._fragmenter: Fragmenter | None = None

    @property
    def codecs(self) -> str:  # type: ignore[override]
        """What RFC 6381 calls them."""
        return "" if self._fragmenter is None else self._fragmenter.codecs

    @property
    def size(self) -> tuple[int, int] | None:  # type: ignore[override]
        """Width and height of the pictures."""
        return None if self._fragmenter is None else self._fragmenter.size

    async def fragments(self) -> AsyncGenerator[Fragment, None]:
        """All there are."""
        async with contextlib.AsyncExitStack() as stack:
            reader = await stack.enter_async_context(self._reader)
            sound_path: str | None = None
            with contextlib.suppress(SourceError, PathError):
                sound_path = await self._relay.playable_sound(self._path, ("aac",))
            sound = reader
            if sound_path is not None:
                sound = await stack.enter_async_context(self._relay.read(sound_path))
            number = next((n for n, track in enumerate(sound.tracks) if track.codec == "aac"), None)
            if self._video is None and number is None:
                raise EncoderError(
                    Message(
                        "{path} has neither pictures nor sound that browsers play.", path=repr(self._path)
                    )
                )
            fragmenter = self._fragmenter = Fragmenter(
                None if self._video is None else reader.tracks[self._video],
                None if number is None else sound.tracks[number],
            )
            merged = await stack.enter_async_context(contextlib.aclosing(_merged(reader, sound)))
            async for source, unit in merged:
                unix_ns = self._engine.unix_ns(unit.captured_ns)
                made: list[Fragment] = []
                if source is reader and unit.track == self._video:
                    if unit.random_access:
                        fragmenter.described(reader.tracks[self._video].parameters)
                    made = fragmenter.picture(unit, unix_ns)
                elif source is sound and unit.track == number:
                    made = fragmenter.sound(unit, unix_ns)
                for fragment in made:
                    yield fragment


async def _merged(
    main: AccessUnitReader, other: AccessUnitReader
) -> AsyncGenerator[tuple[AccessUnitReader, AccessUnit], None]:
    """What both readers give, as it comes, until the first has ended. They may be the same."""
    if main is other:
        async for unit in main:
            yield main, unit
        return
    queue: asyncio.Queue[tuple[AccessUnitReader, AccessUnit | None]] = asyncio.Queue(MOST_WAITING)

    async def follow(reader: AccessUnitReader) -> None:
        async for unit in reader:
            await queue.put((reader, unit))
        await queue.put((reader, None))

    following = [asyncio.ensure_future(follow(reader)) for reader in (main, other)]
    try:
        while True:
            source, found = await queue.get()
            if found is not None:
                yield source, found
            elif source is main:
                return
    finally:
        for task in following:
            task.cancel()
        await asyncio.gather(*following, return_exceptions=True)
