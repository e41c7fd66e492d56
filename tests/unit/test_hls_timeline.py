"""Playlists, segments and parts, held against the text of the specification after each fragment."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

import pytest

from relaycore.web.hls import timeline as module
from relaycore.web.hls.timeline import Beyond, Fragment, Timeline
from tests.support.hls import Playlist, read_media, reloaded

SECOND = 1_000_000_000
UNIX = 1_790_000_000 * SECOND


def film(
    frames: int,
    *,
    fps: float = 25,
    gop: int = 25,
    start: float = 10.0,
    first: int = 0,
    init: bytes | None = b"init",
) -> list[Fragment]:
    """Fragments whose bytes say which one each is."""
    step = int(SECOND / fps)
    return [
        Fragment(
            data=f"<{first + number}>".encode(),
            start_ns=int(start * SECOND) + number * step,
            duration_ns=step,
            unix_ns=UNIX + number * step,
            independent=number % gop == 0,
            init=init if number == 0 else None,
        )
        for number in range(frames)
    ]


def fed(fragments: Iterable[Fragment], timeline: Timeline | None = None) -> tuple[Timeline, list[Playlist]]:
    """A timeline that has these fragments, and each playlist that it had, all of them right."""
    timeline = timeline or Timeline(100)
    seen: list[Playlist] = []
    for fragment in fragments:
        before = timeline.version
        timeline.push(fragment)
        if timeline.is_ready and timeline.version != before:
            seen.append(read_media(timeline.playlist("?viewer=x")))
    for before_it, after_it in pairwise(seen):
        reloaded(before_it, after_it)
    return timeline, seen


def number_of(uri: str) -> list[int]:
    name = uri.partition("?")[0].removesuffix(".mp4")
    return [int(word) for word in name.split("-")[1:]]


@pytest.mark.parametrize(
    ("fps", "gop", "target", "segment"),
    [
        (25, 25, 2, 1.0),
        (30, 30, 2, 1.0),
        (30, 60, 2, 2.0),
        (29.97, 10, 2, 1.001),
        (50, 200, 4, 4.0),
        (5, 5, 2, 1.0),
        (1, 1, 2, 1.0),
        (240, 240, 2, 1.0),
        (15, 75, 5, 5.0),
    ],
)
def test_segments_are_groups_of_pictures(fps: float, gop: int, target: int, segment: float) -> None:
    _, seen = fed(film(int(fps * 30), fps=fps, gop=gop))
    last = seen[-1]
    assert last.target == target
    assert last.independent
    for each in last.whole:
        assert each.duration == pytest.approx(segment, abs=1.5 / fps)
        assert each.parts == [] or each.parts[0].independent
    assert last.part_target == pytest.approx(max(0.3, 1 / fps), rel=0.4)


def test_parts_make_the_segment_and_segments_make_the_stream() -> None:
    timeline, seen = fed(film(250))
    last = seen[-1]
    everything = b""
    for segment in last.whole:
        (number,) = number_of(segment.uri)
        assert number == segment.number
        data = timeline.segment(number)
        assert data is not None
        parts = [timeline.part(*number_of(part.uri)) for part in segment.parts]
        assert not parts or b"".join(part or b"" for part in parts) == data
        everything += data
    first = 25 * (last.sequence - 100)
    assert everything == b"".join(
        f"<{number}>".encode() for number in range(first, first + 25 * len(last.whole))
    )
    assert timeline.init(0) == b"init"


def test_each_segment_has_the_wallclock_of_its_first_picture() -> None:
    _, seen = fed(film(200))
    for segment in seen[-1].segments:
        assert segment.moment.timestamp() == pytest.approx(UNIX / SECOND + segment.number - 100, abs=0.001)


@pytest.mark.parametrize(("gop", "needed"), [(25, 76), (50, 101), (75, 151), (200, 401)])
def test_there_is_no_playlist_before_there_are_segments_to_begin_with(gop: int, needed: int) -> None:
    timeline = Timeline()
    fragments = film(needed, gop=gop)
    for fragment in fragments[:-1]:
        timeline.push(fragment)
        assert not timeline.is_ready
    timeline.push(fragments[-1])
    assert timeline.is_ready


def test_what_is_before_the_first_random_access_point_is_left_out() -> None:
    fragments = film(120)
    late = [replace(fragments[7], init=b"init"), *fragments[8:]]
    timeline, seen = fed(late)
    assert seen[0].segments[0].parts[0].independent
    assert (timeline.segment(100) or b"").startswith(b"<25>")


def test_sound_goes_with_the_pictures_and_makes_no_segments() -> None:
    pictures = film(100)
    sound = [
        replace(fragment, data=f"[{number}]".encode(), init=None, leads=False)
        for number, fragment in enumerate(film(100, fps=46.875))
    ]
    both = sorted([*pictures, *sound], key=lambda fragment: (fragment.start_ns, not fragment.leads))
    timeline, seen = fed(both)
    data = timeline.segment(seen[-1].whole[0].number) or b""
    assert data.count(b"<") == 25
    assert 45 <= data.count(b"[") <= 48
    assert all(part.duration < 0.4 for segment in seen[-1].segments for part in segment.parts)


def test_sound_alone_makes_segments() -> None:
    fragments = [replace(each, independent=True) for each in film(500, fps=46.875)]
    _, seen = fed(fragments)
    assert all(0.98 < segment.duration < 1.02 for segment in seen[-1].whole)


def test_a_stream_with_one_random_access_point_is_cut_without_one() -> None:
    """Intra refresh: there is nothing to start from, and still a playlist."""
    _, seen = fed(film(25 * 40, gop=10_000))
    last = seen[-1]
    assert last.target == 8
    assert not last.independent
    assert all(segment.duration <= 8 for segment in last.whole)


def test_longer_groups_of_pictures_than_at_first_are_cut() -> None:
    fragments = film(25)
    fragments += [replace(each, init=None) for each in film(500, gop=150, start=11, first=25)]
    _, seen = fed(fragments)
    assert seen[-1].target == 2
    assert not seen[-1].independent


def test_another_header_begins_anew() -> None:
    fragments = [*film(100), *film(100, start=14, first=100, init=b"other")]
    timeline, seen = fed(fragments)
    breaks = [segment for segment in seen[-1].segments if segment.discontinuity]
    assert len(breaks) <= 1
    assert {segment.init.partition("?")[0] for segment in seen[-1].segments} == {"init-0.mp4", "init-1.mp4"}
    assert (timeline.init(0), timeline.init(1), timeline.init(2)) == (b"init", b"other", None)


@pytest.mark.parametrize("start", [5.0, 60.0])
def test_a_jump_in_time_is_a_discontinuity(start: float) -> None:
    fragments = [*film(60), *film(60, start=start, first=60, init=None)]
    _, seen = fed(fragments)
    (cut,) = (segment for segment in seen[-1].segments if segment.discontinuity)
    assert cut.parts[0].independent
    assert cut.discontinuity_sequence == 1
    assert seen[-1].segments[0].discontinuity_sequence == 0


def test_discontinuities_are_still_counted_when_they_are_gone() -> None:
    fragments: list[Fragment] = []
    for run in range(12):
        fragments += film(50, start=100.0 * run, first=50 * run, init=None if run else b"init")
    _, seen = fed(fragments)
    assert seen[-1].segments[-1].discontinuity_sequence == 11


def test_before_a_random_access_point_less_may_be_missing() -> None:
    """As when a publisher comes again at once: no part is too long for that."""
    fragments = [*film(110), *film(60, start=10 + 110 / 25 + 0.6, first=110, init=None)]
    _, seen = fed(fragments)
    assert len([segment for segment in seen[-1].segments if segment.discontinuity]) == 1


def test_a_short_gap_is_none() -> None:
    fragments = [each for number, each in enumerate(film(300)) if number not in range(130, 137)]
    timeline = Timeline()
    for fragment in fragments:
        timeline.push(fragment)
    assert "DISCONTINUITY" not in timeline.playlist()


def test_it_ends() -> None:
    timeline, _ = fed(film(60))
    timeline.end()
    last = read_media(timeline.playlist())
    assert last.ended
    assert sum(segment.duration for segment in last.whole) == pytest.approx(2.4)
    version = timeline.version
    timeline.push(film(1)[0])
    assert (timeline.version, timeline.has(10**9, None)) == (version, True)
    Timeline().end()


def test_what_is_kept_is_bounded_in_time() -> None:
    timeline, seen = fed(film(25 * 200))
    last = seen[-1]
    assert 8 <= sum(segment.duration for segment in last.whole) < 10
    oldest = last.sequence - 1
    assert timeline.segment(oldest) is not None, "those who have an older playlist still get it"
    assert timeline.segment(last.sequence - len(last.whole) - 2) is None
    assert timeline.part(oldest, 0) is not None


def test_what_is_kept_is_bounded_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 10_000)
    monkeypatch.setattr(module, "MOST_OPEN_BYTES", 5_000)
    timeline = Timeline()
    for fragment in film(2000, gop=2000):
        timeline.push(replace(fragment, data=bytes(500)))
        timeline.push(replace(fragment, data=bytes(500), init=None, leads=False))
        kept = sum(len(timeline.segment(number) or b"") for number in range(400))
        assert kept <= 16_000


def test_headers_that_no_segment_needs_are_forgotten() -> None:
    timeline = Timeline()
    for run in range(60):
        for fragment in film(50, start=10 + 2.0 * run, init=str(run).encode()):
            timeline.push(fragment)
    known = [number for number in range(60) if timeline.init(number) is not None]
    assert known[-1] == 59
    assert len(known) < 20


def test_what_a_blocked_reload_waits_for() -> None:
    timeline, seen = fed(film(110))
    number, parts = seen[-1].end
    assert timeline.has(number - 1, None)
    assert timeline.has(number - 1, 99)
    assert timeline.has(0, None)
    assert timeline.has(number, parts - 1)
    assert not timeline.has(number, parts)
    assert not timeline.has(number, None)
    assert not timeline.has(number + 1, 0)
    for msn, part in ((number + 2, None), (number + 2, 0), (number, parts + 100), (2**50, None)):
        with pytest.raises(Beyond):
            timeline.has(msn, part)


def test_the_hint_is_the_next_part() -> None:
    timeline, seen = fed(film(200))
    for before, after in pairwise(seen):
        assert before.hint is not None
        number, index = number_of(before.hint)
        parts = {tuple(number_of(part.uri)) for segment in after.segments for part in segment.parts}
        assert (number, index) in parts
    assert seen[-1].hint is not None
    assert timeline.is_hinted(*number_of(seen[-1].hint))
    assert timeline.part(*number_of(seen[-1].hint)) is None


@pytest.mark.parametrize("seed", range(8))
def test_whatever_comes_the_playlist_stays_one(seed: int) -> None:
    """Jitter, gaps, restarts, odd durations: what times cannot hold is not asked of them, all else is."""
    choose = random.Random(seed)
    timeline, at, init = Timeline(5), SECOND, 0
    texts: list[str] = []
    for _ in range(3000):
        step = choose.choice([33_000_000, 40_000_000, 33_366_667])
        if choose.random() < 0.002:
            at += choose.choice([-10, 5, 1]) * SECOND
        new = choose.random() < 0.002 or not init
        init += new
        timeline.push(
            Fragment(
                data=b"x" * choose.randrange(1, 50),
                start_ns=at,
                duration_ns=choose.choice([0, step, 2 * step]),
                unix_ns=UNIX + at,
                independent=choose.random() < 0.04,
                init=str(init).encode() if new else None,
                leads=choose.random() < 0.9,
            )
        )
        at += step
        if timeline.is_ready:
            text = timeline.playlist()
            if not texts or text != texts[-1]:
                texts.append(text)
    for text in texts:
        lines = text.splitlines()
        durations = [float(line[8:-1]) for line in lines if line.startswith("#EXTINF:")]
        assert all(0 <= duration <= timeline.target_s + 0.5 for duration in durations)
        numbers = [number_of(line)[0] for line in lines if line.startswith("segment-")]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert f"#EXT-X-MEDIA-SEQUENCE:{numbers[0]}" in lines
