"""The strip of the test pattern, which carries a counter and a wallclock through an encoder."""

import numpy as np
import pytest

from relaycore.capture.pattern import PatternPainter
from relaycore.capture.strip import BLOCKS, read_strip, strip_row, strip_rows

WALLCLOCK_MS = 1_795_626_632_539


def luma_of(width: int, height: int, counter: int, *, full_range: bool = True) -> np.ndarray:
    picture = np.empty(width * height * 3 // 2, np.uint8)
    painter = PatternPainter(width, height, full_range=full_range)
    painter.paint(picture, counter, WALLCLOCK_MS * 1_000_000)
    return picture[: width * height].reshape(height, width)


@pytest.mark.parametrize(("width", "height"), [(160, 90), (320, 180), (642, 362), (1280, 720), (1920, 1080)])
@pytest.mark.parametrize("full_range", [True, False])
def test_counter_and_wallclock_are_read_back(width: int, height: int, full_range: bool) -> None:
    luma = luma_of(width, height, 123_456, full_range=full_range)
    assert read_strip(luma) == (123_456, WALLCLOCK_MS)


def test_the_counter_wraps_after_32_bits() -> None:
    assert read_strip(luma_of(320, 180, 2**32 + 7)) == (7, WALLCLOCK_MS)


def test_bits_are_laid_out_from_the_most_significant_one() -> None:
    row = strip_row(0x8000_0001, 0, BLOCKS, 0, 255)
    assert row[0] == 255
    assert row[1:31].max() == 0
    assert row[31] == 255
    assert row[32:80].max() == 0


def test_it_survives_noise() -> None:
    luma = luma_of(320, 180, 99).astype(np.int16)
    noise = np.random.default_rng(1).normal(0, 30, luma.shape).astype(np.int16)
    assert read_strip(np.clip(luma + noise, 0, 255).astype(np.uint8)) == (99, WALLCLOCK_MS)


def test_a_damaged_strip_is_no_number() -> None:
    luma = luma_of(320, 180, 99).copy()
    luma[: strip_rows(180), :60] = 255 - luma[: strip_rows(180), :60]
    assert read_strip(luma) is None


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_plain_picture_is_no_number(level: int) -> None:
    assert read_strip(np.full((180, 320), level, np.uint8)) is None


def test_a_picture_too_small_for_it_is_no_number() -> None:
    assert read_strip(np.zeros((90, 64), np.uint8)) is None
    with pytest.raises(ValueError, match="96 pixels"):
        strip_row(0, 0, 64, 0, 255)
