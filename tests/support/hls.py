"""A strict reader of playlists, by the text of draft-ietf-hls-rfc8216bis; what is wrong is an AssertionError.

Apple's own validator does not run here, so each check names the section that it comes from.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from datetime import datetime

__all__ = [
    "Multivariant",
    "Playlist",
    "PlaylistPart",
    "PlaylistSegment",
    "read_media",
    "read_multivariant",
    "reloaded",
]

_ATTRIBUTE = re.compile(r'([A-Z0-9-]+)=("[^"\r\n]*"|[^",\s][^",]*)(?:,|$)')
_DECIMAL = re.compile(r"\d+(?:\.\d+)?")

KNOWN = {
    "EXTM3U",
    "EXT-X-VERSION",
    "EXT-X-INDEPENDENT-SEGMENTS",
    "EXT-X-TARGETDURATION",
    "EXT-X-SERVER-CONTROL",
    "EXT-X-PART-INF",
    "EXT-X-MEDIA-SEQUENCE",
    "EXT-X-DISCONTINUITY-SEQUENCE",
    "EXT-X-DISCONTINUITY",
    "EXT-X-MAP",
    "EXT-X-PROGRAM-DATE-TIME",
    "EXT-X-PART",
    "EXTINF",
    "EXT-X-PRELOAD-HINT",
    "EXT-X-ENDLIST",
    "EXT-X-STREAM-INF",
}


@dataclass(frozen=True, slots=True)
class PlaylistPart:
    """One EXT-X-PART."""

    uri: str
    duration: float
    independent: bool


@dataclass(slots=True)
class PlaylistSegment:
    """A segment with its parts; ``uri`` is empty for the one that is being made."""

    number: int
    init: str
    moment: datetime
    discontinuity: bool
    discontinuity_sequence: int
    uri: str = ""
    duration: float = 0.0
    parts: list[PlaylistPart] = field(default_factory=list)


@dataclass(slots=True)
class Playlist:
    """A media playlist; the last segment may be one that is being made."""

    target: int = 0
    part_target: float = 0.0
    hold_back: float = 0.0
    part_hold_back: float = 0.0
    sequence: int = 0
    independent: bool = False
    segments: list[PlaylistSegment] = field(default_factory=list)
    hint: str | None = None
    ended: bool = False

    @property
    def whole(self) -> list[PlaylistSegment]:
        """The segments that are whole."""
        return [segment for segment in self.segments if segment.uri]

    @property
    def end(self) -> tuple[int, int]:
        """Number of the last segment, whole or not, and of its parts."""
        last = self.segments[-1]
        return last.number, len(last.parts)


@dataclass(frozen=True, slots=True)
class Multivariant:
    """A multivariant playlist with one variant."""

    uri: str
    attributes: dict[str, str]


def _lines(text: str) -> list[str]:
    assert "\ufeff" not in text, "section 4: no byte order mark"
    assert text.endswith("\n"), "section 4.1: lines end"
    lines = text.splitlines()
    assert lines[0] == "#EXTM3U", "section 4.4.1.1: the first line"
    assert all(line and line == line.strip() for line in lines), "section 4.1: no blank lines or spaces"
    for line in lines:
        if line.startswith("#EXT"):
            assert line[1:].partition(":")[0] in KNOWN, line
    assert [line for line in lines if line.startswith("#EXT-X-VERSION")] == ["#EXT-X-VERSION:9"]
    return lines


def attributes(text: str) -> dict[str, str]:
    """An attribute list (section 4.2), quotes taken off."""
    found: dict[str, str] = {}
    at = 0
    while at < len(text):
        match = _ATTRIBUTE.match(text, at)
        assert match is not None, f"section 4.2: {text!r} at {at}"
        assert match[1] not in found, f"section 4.2: {match[1]} twice"
        found[match[1]] = match[2].strip('"')
        at = match.end()
    return found


def decimal(text: str) -> float:
    """A decimal-floating-point (section 4.2)."""
    assert _DECIMAL.fullmatch(text), text
    return float(text)


def read_multivariant(text: str) -> Multivariant:
    """The only variant of a multivariant playlist."""
    lines = _lines(text)
    (at,) = (number for number, line in enumerate(lines) if line.startswith("#EXT-X-STREAM-INF:"))
    found = attributes(lines[at].partition(":")[2])
    assert int(found["BANDWIDTH"]) >= int(found["AVERAGE-BANDWIDTH"]) > 0, "section 4.4.6.2"
    if "RESOLUTION" in found:
        assert re.fullmatch(r"\d+x\d+", found["RESOLUTION"]), "section 4.2"
    (uri,) = (line for line in lines if not line.startswith("#"))
    assert lines[at + 1] == uri, "section 4.4.6.2: the address follows"
    return Multivariant(uri, found)


def read_media(text: str) -> Playlist:
    """A media playlist that keeps all rules which can be seen in it alone."""
    lines = _lines(text)
    found = Playlist()
    init, moment, discontinuity, sequence = "", None, False, 0
    duration: float | None = None
    tail: list[PlaylistPart] = []
    counted: dict[str, int] = {}

    def segment() -> PlaylistSegment:
        assert init, "section 4.4.4.5: fragmented MP4 needs a header"
        assert moment is not None
        number = found.sequence + len(found.segments)
        made = PlaylistSegment(number, init, moment, discontinuity, sequence, parts=list(tail))
        found.segments.append(made)
        return made

    for line in lines:
        tag, _, value = line.partition(":")
        counted[tag] = counted.get(tag, 0) + 1
        match tag:
            case "#EXT-X-TARGETDURATION":
                found.target = int(value)
            case "#EXT-X-SERVER-CONTROL":
                control = attributes(value)
                assert control["CAN-BLOCK-RELOAD"] == "YES"
                found.hold_back = decimal(control["HOLD-BACK"])
                found.part_hold_back = decimal(control["PART-HOLD-BACK"])
            case "#EXT-X-PART-INF":
                found.part_target = decimal(attributes(value)["PART-TARGET"])
            case "#EXT-X-MEDIA-SEQUENCE":
                assert not found.segments, "section 4.4.3.2: before the first segment"
                found.sequence = int(value)
            case "#EXT-X-DISCONTINUITY-SEQUENCE":
                assert not found.segments, "section 4.4.3.3: before the first segment"
                sequence = int(value)
            case "#EXT-X-INDEPENDENT-SEGMENTS":
                found.independent = True
            case "#EXT-X-DISCONTINUITY":
                assert not tail
                discontinuity, sequence = True, sequence + 1
            case "#EXT-X-MAP":
                assert not tail
                init = attributes(value)["URI"]
            case "#EXT-X-PROGRAM-DATE-TIME":
                assert not tail
                moment = datetime.fromisoformat(value)
                assert moment.tzinfo is not None, "section 4.4.4.6: a time zone"
            case "#EXT-X-PART":
                part = attributes(value)
                independent = part.get("INDEPENDENT", "NO")
                assert independent in ("YES", "NO")
                tail.append(PlaylistPart(part["URI"], decimal(part["DURATION"]), independent == "YES"))
            case "#EXTINF":
                seconds, comma, _ = value.partition(",")
                assert comma, "section 4.4.4.1: a comma"
                duration = decimal(seconds)
            case "#EXT-X-PRELOAD-HINT":
                hint = attributes(value)
                assert hint["TYPE"] == "PART"
                found.hint = hint["URI"]
            case "#EXT-X-ENDLIST":
                found.ended = True
            case _ if not line.startswith("#"):
                assert duration is not None, "section 4.4.4.1: each segment has a duration"
                made = segment()
                made.uri, made.duration = line, duration
                duration, tail, discontinuity, moment = None, [], False, None
    if tail or moment is not None:
        segment()
    for tag in ("TARGETDURATION", "SERVER-CONTROL", "PART-INF", "MEDIA-SEQUENCE"):
        assert counted.get(f"#EXT-X-{tag}") == 1, tag
    assert counted.get("#EXT-X-PRELOAD-HINT", 0) <= 1, "section 4.4.5.3: one hint of a type"
    _check(found)
    return found


def _check(found: Playlist) -> None:
    for segment in found.whole:
        assert math.floor(segment.duration + 0.5) <= found.target, "section 4.4.3.1"
        if segment.parts:
            total = sum(part.duration for part in segment.parts)
            assert abs(total - segment.duration) < 0.001 * len(segment.parts), "parts are the segment"
    for segment in found.segments:
        last = segment is found.segments[-1] and not segment.uri
        for part in segment.parts:
            assert part.duration <= found.part_target + 0.00001, "section 4.4.4.9"
        for part in segment.parts if last else segment.parts[:-1]:
            assert part.duration >= 0.85 * found.part_target, "section 4.4.4.9"
    assert found.hold_back >= 3 * found.target, "section 4.4.3.8"
    assert found.part_hold_back >= 2 * found.part_target, "section 4.4.3.8"
    assert (found.hint is None) == found.ended, "section 6.2.2: no hint at the end, one before"
    # Parts are listed for three target durations from the end, and not for long behind that (6.2.2).
    left = 0.0
    for segment in reversed(found.segments):
        if left < 3 * found.target - 0.01:  # what is written is rounded
            assert segment.parts or segment is found.segments[-1], segment
        elif left > 3 * found.target + 0.01:
            assert not segment.parts, segment
        left += segment.duration or sum(part.duration for part in segment.parts)
    uris = [
        uri
        for segment in found.segments
        for uri in (segment.uri, *(part.uri for part in segment.parts))
        if uri
    ]
    assert len(set(uris)) == len(uris)


def reloaded(before: Playlist, after: Playlist) -> None:
    """That a playlist may be what another became (section 6.2.1)."""
    assert (before.target, before.part_target) == (after.target, after.part_target), "never change"
    assert after.sequence >= before.sequence
    known = {segment.number: segment for segment in after.segments}
    for segment in before.segments:
        if segment.number < after.sequence:
            continue
        same = known[segment.number]
        assert (same.init, same.moment) == (segment.init, segment.moment)
        assert same.discontinuity_sequence == segment.discontinuity_sequence, "section 4.4.3.3"
        if segment.uri:
            assert (same.uri, same.duration) == (segment.uri, segment.duration)
        if same.parts:
            assert same.parts[: len(segment.parts)] == segment.parts
    length = sum(segment.duration for segment in after.whole)
    gone = [segment for segment in before.whole if segment.number < after.sequence]
    assert not gone or length >= 3 * after.target, "section 6.2.2: no shorter than three target durations"
