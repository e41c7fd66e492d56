"""The small parts of paths: waits, decoding times, clocks, and which tracks fit a stream."""

from itertools import pairwise

import pytest

from relaycore import Track
from relaycore.paths.backoff import Backoff
from relaycore.paths.decoding_times import DecodingTimes, ReorderedMore
from relaycore.paths.media_clock import LiveClock
from relaycore.paths.output import fit

MS = 1_000_000


def test_waits_double_up_to_half_a_minute_and_begin_anew_after_success() -> None:
    backoff = Backoff(lambda: 0.5)
    assert [backoff.wait_s() for _ in range(8)] == [0.5, 1, 2, 4, 8, 16, 30, 30]
    backoff.reset()
    assert backoff.wait_s() == 0.5


@pytest.mark.parametrize(("randomness", "wait"), [(0.0, 0.375), (1.0, 0.625)])
def test_waits_differ_by_a_quarter(randomness: float, wait: float) -> None:
    assert Backoff(lambda: randomness).wait_s() == wait


def test_without_reordering_pictures_are_decoded_when_they_are_shown() -> None:
    times = DecodingTimes(0)
    assert [times.of(pts) for pts in (0, 3600, 7200)] == [0, 3600, 7200]


def test_with_b_frames_decoding_times_rise_and_are_never_late() -> None:
    shown = [0, 10800, 3600, 7200, 21600, 14400, 18000]
    times = DecodingTimes(1)
    decoded = [times.of(pts) for pts in shown]
    assert decoded == sorted(set(decoded))
    assert all(dts <= pts for dts, pts in zip(decoded, shown, strict=True))


def test_more_reordering_than_assumed_is_told_with_what_is_needed() -> None:
    times = DecodingTimes(0)
    times.of(0)
    times.of(10800)
    with pytest.raises(ReorderedMore) as more:
        times.of(3600)
    assert more.value.depth == 1


def test_a_live_source_keeps_its_distances_whatever_the_network_does() -> None:
    clock = LiveClock(100 * MS, 100 * MS)
    arrivals = [40 * number * MS + 100 * MS + jitter * MS for number, jitter in enumerate([0, 30, 5, 20, 0])]
    mapped = [clock.captured_ns(40 * number * MS, arrived) for number, arrived in enumerate(arrivals)]
    distances = [later - earlier for earlier, later in pairwise(mapped)]
    assert all(abs(distance - 40 * MS) < MS for distance in distances)


def test_a_live_source_that_counts_anew_goes_on_from_now() -> None:
    clock = LiveClock(100 * MS, 100 * MS)
    clock.captured_ns(0, 100 * MS)
    assert clock.captured_ns(-50_000 * MS, 140 * MS) == 140 * MS


H264 = Track.h264()
AAC = Track.of("aac", parameters=b"\x12\x10")
OTHER_AAC = Track.of("aac", parameters=b"\x11\x90")


@pytest.mark.parametrize(
    ("tracks", "stream", "numbers"),
    [
        ([H264, AAC], [H264, AAC], [0, 1]),
        ([H264], [H264, AAC], [0]),
        ([AAC], [H264, AAC], [1]),
        ([Track.h264(b"\0\0\0\1\x67\x42\x00\x1e")], [H264], [0]),
        ([H264, AAC], [H264], None),
        ([AAC], [OTHER_AAC], None),
        ([Track.of("h265")], [H264], None),
        ([H264, H264], [H264, AAC], None),
    ],
)
def test_tracks_fit_where_a_decoder_can_go_on(
    tracks: list[Track], stream: list[Track], numbers: list[int] | None
) -> None:
    assert fit(tracks, stream) == numbers
