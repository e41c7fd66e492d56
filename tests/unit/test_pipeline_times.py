"""Media time, key frames and rates: the arithmetic of a pipeline."""

import random

import pytest

from relaycore.pipeline.key_frames import COALESCE_NS, KeyFrames
from relaycore.pipeline.media_time import MOST_SLEW, PictureTime, SampleTime
from relaycore.pipeline.meter import Meter

MS = 1_000_000
SECOND = 1000 * MS
RATE = 48_000
BLOCK = 480
BLOCK_NS = BLOCK * SECOND // RATE


def test_pictures_are_timed_in_ticks_of_their_capture() -> None:
    assert PictureTime().ticks(2 * SECOND) == 180_000


def test_the_time_of_pictures_rises_strictly() -> None:
    time = PictureTime()
    assert [time.ticks(at) for at in (SECOND, SECOND, 0, SECOND + 1000 * MS)] == [
        90_000,
        90_001,
        90_002,
        180_000,
    ]


def test_samples_are_counted_from_the_first_block() -> None:
    time = SampleTime(RATE)
    time.heard(0, 5 * SECOND)
    assert time.at(RATE) == 6 * SECOND
    assert time.at(-RATE) == 4 * SECOND


def test_samples_have_no_time_before_they_are_heard() -> None:
    with pytest.raises(ValueError, match="no samples"):
        SampleTime(RATE).at(0)


def test_jitter_of_arrival_is_smoothed() -> None:
    time, rng = SampleTime(RATE), random.Random(3)
    previous = None
    for number in range(500):
        time.heard(number * BLOCK, number * BLOCK_NS + rng.randrange(-5 * MS, 5 * MS))
        now = time.at(number * BLOCK)
        if previous is not None:
            assert abs(now - previous - BLOCK_NS) <= BLOCK_NS * MOST_SLEW + 1
        previous = now
    assert previous is not None
    assert abs(previous - 499 * BLOCK_NS) < 6 * MS


def test_drift_is_followed_without_a_step() -> None:
    time = SampleTime(RATE)
    previous = 0
    for number in range(20_000):
        captured = number * BLOCK_NS + number * BLOCK_NS // 5000  # the card runs 200 ppm slow
        time.heard(number * BLOCK, captured)
        now = time.at(number * BLOCK)
        assert abs(now - captured) < MS
        if number:
            assert abs(now - previous - BLOCK_NS) <= BLOCK_NS * MOST_SLEW + 1
        previous = now


def test_a_gap_in_the_sound_is_a_gap_in_its_time() -> None:
    time = SampleTime(RATE)
    time.heard(0, 0)
    time.heard(BLOCK, 3 * SECOND)
    assert time.at(BLOCK) == 3 * SECOND


def test_sound_that_comes_much_too_early_steps_nothing_back() -> None:
    time = SampleTime(RATE)
    time.heard(0, 10 * SECOND)
    time.heard(BLOCK, 2 * SECOND)
    assert time.at(BLOCK) == 10 * SECOND + BLOCK_NS


def test_the_first_picture_is_a_key_frame() -> None:
    assert KeyFrames(1.0, 30).force(0, wanted=False)


def test_key_frames_come_at_their_distance_though_the_camera_is_slow() -> None:
    keys = KeyFrames(1.0, 30)
    forced = []
    for at in range(0, 3001 * MS, 100 * MS):
        if keys.force(at, wanted=False):
            keys.made(at)
            forced.append(at // MS)
    assert forced == [0, 1000, 2000, 3000]


def test_wishes_that_come_together_are_met_once() -> None:
    keys = KeyFrames(10.0, 30)
    forced = []
    for at in range(0, 1000 * MS, 10 * MS):
        if keys.force(at, wanted=at <= 200 * MS):
            keys.made(at)
            forced.append(at)
    assert forced == [0, COALESCE_NS]


def test_a_wish_that_comes_later_is_met_at_once() -> None:
    keys = KeyFrames(10.0, 30)
    keys.made(0)
    assert keys.force(COALESCE_NS, wanted=True)


def test_a_key_frame_that_came_by_itself_meets_the_wish() -> None:
    keys = KeyFrames(10.0, 30)
    keys.made(0)
    assert not keys.force(COALESCE_NS - 1, wanted=True)
    keys.made(COALESCE_NS)
    assert not keys.force(3 * COALESCE_NS, wanted=False)


def test_rates_are_of_the_last_two_seconds() -> None:
    meter = Meter()
    assert meter.rates(0) == (0.0, 0.0)
    for number in range(100):
        meter.add(number * 40 * MS, 5000)
    fps, bitrate = meter.rates(99 * 40 * MS)
    assert fps == pytest.approx(25)
    assert bitrate == pytest.approx(25 * 5000 * 8)
    assert meter.rates(100 * SECOND) == (0.0, 0.0)
