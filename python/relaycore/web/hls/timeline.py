"""Fragments of a stream as parts, segments and playlists (draft-ietf-hls-rfc8216bis): a sans-IO core.

A *fragment* is a ``moof`` with its ``mdat``, of one access unit or a few. A *part* is some fragments, a
*segment* some parts. A segment begins at a random access point; only where none comes for longer than the
target duration, it begins without one. Where the decoder has to begin anew, or times jump, there is a
discontinuity.

Target duration and part target must never change, so that they are chosen when the first segment is whole;
before that there is no playlist. Give fragments to :meth:`Timeline.push`, then ask.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain, pairwise
from statistics import median
from typing import Final

__all__ = ["Beyond", "Fragment", "Part", "Segment", "Timeline"]

SECOND: Final = 1_000_000_000

SEGMENT_NS: Final = SECOND
"""What a segment has at least, in nanoseconds: the next random access point behind it begins another."""

PART_NS: Final = 325_000_000
"""What a part has at most, in nanoseconds, unless one fragment has more."""

TARGET_S: Final = range(2, 9)
"""Target durations that are chosen, in seconds."""

MARGIN: Final = 1.08
"""From the usual duration of a part to the part target. Times of cameras jitter, and a part has to have 85 to
100 percent of the target (section 4.4.4.9)."""

BEGINNING: Final = 3
"""Segments that are listed at first: Chromium takes a playlist with fewer for empty."""

BEGINNING_NS: Final = 4 * SECOND
"""What two segments have to have at least to be enough, in nanoseconds."""

JUMP_NS: Final = SECOND
"""What may be missing between two fragments, in nanoseconds, until it is a jump in time."""

LISTED_TARGETS: Final = 4
"""Target durations that a playlist lists at least; 3 are demanded (section 6.2.2)."""

PARTS_TARGETS: Final = 3
"""Target durations from the end in which parts are listed (section 6.2.2)."""

MOST_BYTES: Final = 48 << 20
"""Bytes of segments that are kept, unless two of them have more already."""

MOST_OPEN_BYTES: Final = 32 << 20
"""Bytes after which a segment ends, whatever there is in it."""


class Beyond(Exception):
    """Something is asked for that will not be there for long (section 6.2.5.2)."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """What is to be listed. Times are in nanoseconds.

    ``init`` is the header for this fragment and those behind it, where it is another than before. ``leads``
    is false for those of tracks that segments are not made by: sound beside pictures.
    """

    data: bytes
    start_ns: int
    """Media time."""
    duration_ns: int
    """How long it lasts, or about so long: what counts is when the next one starts."""
    unix_ns: int
    """Wallclock of its capture."""
    independent: bool
    """A decoder can start with it."""
    init: bytes | None = None
    leads: bool = True


@dataclass(slots=True)
class Part:
    """Some fragments. ``duration_ns`` is right once the part is whole."""

    start_ns: int
    independent: bool
    pieces: list[bytes] = field(default_factory=list)
    duration_ns: int = 0

    @property
    def data(self) -> bytes:
        """Its bytes."""
        if len(self.pieces) != 1:
            self.pieces = [b"".join(self.pieces)]
        return self.pieces[0]


@dataclass(slots=True)
class Segment:
    """Some parts, whole ones. ``duration_ns`` is right once the segment is whole."""

    number: int
    init: int
    start_ns: int
    unix_ns: int
    independent: bool
    discontinuity: bool
    parts: list[Part] = field(default_factory=list)
    duration_ns: int = 0

    @property
    def data(self) -> bytes:
        """Its bytes."""
        return b"".join(part.data for part in self.parts)

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return sum(len(piece) for part in self.parts for piece in part.pieces)


class Timeline:
    """Parts, segments and playlists of one stream.

    ``first`` is the number of the first segment. It should be higher than any of an earlier timeline of the
    same address, which players may still know.
    """

    def __init__(self, first: int = 0) -> None:
        self.target_s = 0
        """Target duration in seconds; 0 until there is a playlist."""
        self.part_target_s = 0.0
        self.ended = False
        self.version = 0
        """Changes with every part that is added, and at the end."""
        self._first = self._next = first
        self._inits: deque[tuple[int, bytes]] = deque()
        self._listed: deque[Segment] = deque()
        self._retired: deque[Segment] = deque()
        self._open: Segment | None = None
        self._part: Part | None = None
        self._last: Fragment | None = None
        self._discontinuous = False
        self._discontinuities = 0
        self._starts: list[int] = []

    # What comes

    def push(self, fragment: Fragment) -> None:
        """Adds the next fragment. Those before the first random access point are left out."""
        if self.ended:
            return
        if fragment.init is not None:
            self._break_off()
            number = self._inits[-1][0] + 1 if self._inits else 0
            self._inits.append((number, fragment.init))
        if not fragment.leads:
            if self._part is not None and self._open_bytes() < MOST_OPEN_BYTES:
                self._part.pieces.append(fragment.data)
            return
        if self._last is not None and (self._is_jump(self._last, fragment) or self._is_late(fragment)):
            self._break_off()
        before = fragment if self._last is None else self._last
        # Durations are guesses of who made the fragments: what came before is one, too.
        lasts_ns = max(fragment.duration_ns, fragment.start_ns - before.start_ns)
        self._last = fragment
        if self._open is not None and self._is_over(self._open, fragment, lasts_ns):
            self._close_segment(fragment.start_ns)
            self._begin_segment(fragment)
        elif self._open is None:
            if not fragment.independent or not self._inits:
                return
            self._begin_segment(fragment)
        elif self._part is not None and self._is_full(self._part, fragment, lasts_ns):
            self._close_part(fragment.start_ns)
        if self._part is None:
            self._part = Part(fragment.start_ns, fragment.independent)
        self._part.pieces.append(fragment.data)
        if not self.target_s:
            self._starts.append(fragment.start_ns)

    def end(self) -> None:
        """There will be no more."""
        if self._last is not None:
            self._close_segment(self._last.start_ns + self._last.duration_ns)
        self.ended = True
        self.version += 1

    # What is asked

    @property
    def is_ready(self) -> bool:
        """Whether there is a playlist that players can begin with."""
        count = len(self._listed)
        if self.ended or count == 0:
            return count > 0
        length = self._listed[-1].start_ns - self._listed[0].start_ns + self._listed[-1].duration_ns
        return self._next - self._first > BEGINNING or (count > 1 and length >= BEGINNING_NS)

    @property
    def is_independent(self) -> bool:
        """Whether all segments of the playlist begin with a random access point."""
        return all(segment.independent for segment in self._listed)

    def bandwidths(self) -> tuple[int, int]:
        """Bits a second of the largest segment of the playlist, and of all together."""
        sizes = [(segment.size * 8 * SECOND, segment.duration_ns) for segment in self._listed]
        peak = max((bits // duration for bits, duration in sizes), default=0)
        average = sum(bits for bits, _ in sizes) // max(1, sum(duration for _, duration in sizes))
        return max(1, peak), max(1, average)

    def has(self, number: int, part: int | None) -> bool:
        """Whether the playlist has a segment, or with ``part`` that part of it, or something behind it.

        Beyond when it is not among what comes next.
        """
        if self.ended:
            return True
        current = self._next if self._open is None else self._open.number
        if number < current:
            return True
        parts = len(self._open.parts) if self._open is not None else 0
        limit = math.ceil(3 / self.part_target_s) if 0 < self.part_target_s < 1 else 3
        if number > current + 1 or (part is not None and part > limit + (parts if number == current else 0)):
            raise Beyond
        return number == current and part is not None and part < parts

    def init(self, number: int) -> bytes | None:
        """The header of that number; ``None`` when it is not there (any more)."""
        return next((data for known, data in self._inits if known == number), None)

    def segment(self, number: int) -> bytes | None:
        """A whole segment; ``None`` when it is not there (any more, or yet)."""
        for segment in chain(self._listed, self._retired):
            if segment.number == number:
                return segment.data
        return None

    def part(self, number: int, index: int) -> bytes | None:
        """A whole part; ``None`` when it is not there (any more, or yet)."""
        now = [] if self._open is None else [self._open]
        for segment in chain(now, self._listed, self._retired):
            if segment.number == number:
                return segment.parts[index].data if index < len(segment.parts) else None
        return None

    def is_hinted(self, number: int, index: int) -> bool:
        """Whether it is the part that is being made."""
        return (
            self._open is not None
            and not self.ended
            and (number, index) == (self._open.number, len(self._open.parts))
        )

    def playlist(self, suffix: str = "") -> str:
        """The media playlist; ``suffix`` is added to each address in it, such as a query."""
        listed = list(self._listed)
        shown = [*listed, self._open] if self._open is not None and not self.ended else listed
        lines = self._head(shown)
        behind_ns = sum(_length(segment) for segment in shown)
        init: int | None = None
        for segment in shown:
            behind_ns -= _length(segment)
            if segment.discontinuity and segment is not shown[0]:
                lines.append("#EXT-X-DISCONTINUITY")
            if segment.init != init:
                init = segment.init
                lines.append(f'#EXT-X-MAP:URI="init-{init}.mp4{suffix}"')
            lines.append(f"#EXT-X-PROGRAM-DATE-TIME:{_date(segment.unix_ns)}")
            if behind_ns < PARTS_TARGETS * self.target_s * SECOND:
                lines += _parts(segment, suffix)
            if segment is not self._open:
                lines.append(f"#EXTINF:{_seconds(segment.duration_ns)},")
                lines.append(f"segment-{segment.number}.mp4{suffix}")
        if self.ended:
            lines.append("#EXT-X-ENDLIST")
        elif self._open is not None:
            hint = f"part-{self._open.number}-{len(self._open.parts)}.mp4{suffix}"
            lines.append(f'#EXT-X-PRELOAD-HINT:TYPE=PART,URI="{hint}"')
        return "\n".join(lines) + "\n"

    # Inside

    def _head(self, shown: list[Segment]) -> list[str]:
        hold, part_hold = 3 * self.target_s, 3 * self.part_target_s
        first = shown[0].number if shown else self._next
        # The first one listed begins where others have been removed: what it breaks with is not seen.
        past = self._discontinuities + bool(shown and shown[0].discontinuity)
        lines = [
            "#EXTM3U",
            "#EXT-X-VERSION:9",
            f"#EXT-X-TARGETDURATION:{self.target_s}",
            f"#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK={part_hold:.5f},HOLD-BACK={hold:.1f}",
            f"#EXT-X-PART-INF:PART-TARGET={self.part_target_s:.5f}",
            f"#EXT-X-MEDIA-SEQUENCE:{first}",
        ]
        if past:
            lines.append(f"#EXT-X-DISCONTINUITY-SEQUENCE:{past}")
        if all(segment.independent for segment in shown):
            lines.append("#EXT-X-INDEPENDENT-SEGMENTS")
        return lines

    def _break_off(self) -> None:
        """What comes next does not go on with what was there."""
        if self._last is not None:
            self._close_segment(self._last.start_ns + self._last.duration_ns)
            self._discontinuous = True
            self._last = None

    def _begin_segment(self, fragment: Fragment) -> None:
        self._open = Segment(
            number=self._next,
            init=self._inits[-1][0],
            start_ns=fragment.start_ns,
            unix_ns=fragment.unix_ns,
            independent=fragment.independent,
            discontinuity=self._discontinuous,
        )
        self._discontinuous = False
        self._next += 1

    def _is_over(self, segment: Segment, fragment: Fragment, lasts_ns: int) -> bool:
        """Whether a segment ends before this fragment."""
        length = fragment.start_ns - segment.start_ns
        longest = (self.target_s or TARGET_S[-1]) * SECOND
        return (
            (fragment.independent and length >= SEGMENT_NS - lasts_ns // 2)
            or length + lasts_ns > longest
            or self._open_bytes() > MOST_OPEN_BYTES
        )

    def _is_jump(self, last: Fragment, fragment: Fragment) -> bool:
        """Whether times do not go on.

        No part may be too long, so that less may be missing where a break loses nothing: before a random
        access point, such as that of another publisher.
        """
        missing = fragment.start_ns - (last.start_ns + last.duration_ns)
        most = int(self.part_target_s * SECOND) if self.target_s and fragment.independent else JUMP_NS
        return fragment.start_ns < last.start_ns or missing > min(most, JUMP_NS)

    def _is_late(self, fragment: Fragment) -> bool:
        """Whether so much is missing before a fragment that the segment would be too long with it."""
        if self._open is None or not self.target_s:
            return False
        return fragment.start_ns - self._open.start_ns >= self.target_s * SECOND + SECOND // 2

    def _open_bytes(self) -> int:
        if self._open is None or self._part is None:
            return 0
        return self._open.size + sum(len(piece) for piece in self._part.pieces)

    def _is_full(self, part: Part, fragment: Fragment, lasts_ns: int) -> bool:
        """Whether a part ends before this fragment."""
        length = fragment.start_ns - part.start_ns
        longest = int(self.part_target_s * SECOND) or PART_NS
        return length + lasts_ns > longest

    def _close_part(self, end_ns: int) -> None:
        if self._open is None or self._part is None:
            return
        self._part.duration_ns = max(1, end_ns - self._part.start_ns)
        self._open.parts.append(self._part)
        self._part = None
        self.version += 1

    def _close_segment(self, end_ns: int) -> None:
        segment = self._open
        if segment is None:
            return
        self._close_part(end_ns)
        self._open = None
        segment.duration_ns = max(1, end_ns - segment.start_ns)
        self._listed.append(segment)
        if not self.target_s:
            self._choose_targets(segment)
        self._retire()

    def _choose_targets(self, first: Segment) -> None:
        seconds = math.ceil(first.duration_ns / SECOND - 0.05)
        self.target_s = min(max(seconds, TARGET_S[0]), TARGET_S[-1])
        gaps = [after - before for before, after in pairwise(self._starts) if after > before]
        frame_ns = median(gaps) if gaps else first.duration_ns
        usual_ns = max(1, PART_NS // frame_ns) * frame_ns
        longest_ns = max(part.duration_ns for part in first.parts)
        self.part_target_s = math.ceil(max(usual_ns * MARGIN, longest_ns) / 10_000) / 100_000
        self._starts.clear()

    def _retire(self) -> None:
        """Takes the oldest out of the playlist, and forgets what nobody asks for any more."""
        while len(self._listed) > 1 and (self._is_long() or self._bytes() > MOST_BYTES):
            segment = self._listed.popleft()
            self._discontinuities += segment.discontinuity
            self._retired.append(segment)
            while self._retired and (self._is_forgotten() or self._bytes() > MOST_BYTES):
                self._retired.popleft()
        oldest = next(chain(self._retired, self._listed))
        while self._inits[0][0] < oldest.init:
            self._inits.popleft()

    def _is_long(self) -> bool:
        """Whether the playlist is long enough without its oldest segment."""
        total = sum(segment.duration_ns for segment in self._listed) - self._listed[0].duration_ns
        return total >= LISTED_TARGETS * self.target_s * SECOND

    def _is_forgotten(self) -> bool:
        """Whether the oldest removed segment is in no playlist that is still used (section 6.2.2)."""
        newer = sum(segment.duration_ns for segment in self._retired) - self._retired[0].duration_ns
        return newer >= sum(segment.duration_ns for segment in self._listed)

    def _bytes(self) -> int:
        return sum(segment.size for segment in chain(self._listed, self._retired))


def _length(segment: Segment) -> int:
    return segment.duration_ns or sum(part.duration_ns for part in segment.parts)


def _parts(segment: Segment, suffix: str) -> list[str]:
    return [
        f'#EXT-X-PART:DURATION={_seconds(part.duration_ns)},URI="part-{segment.number}-{index}.mp4{suffix}"'
        + (",INDEPENDENT=YES" if part.independent else "")
        for index, part in enumerate(segment.parts)
    ]


def _seconds(duration_ns: int) -> str:
    return f"{duration_ns / SECOND:.5f}"


def _date(unix_ns: int) -> str:
    """ISO 8601 with milliseconds."""
    moment = datetime.fromtimestamp(unix_ns / SECOND, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
