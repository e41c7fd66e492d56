"""What the test pattern shows."""

import av
import numpy as np
import pytest

from relaycore.capture.pattern import BARS, FLASH_NS, PatternPainter, ycbcr
from relaycore.capture.slate import jpeg_of, paint_slate
from relaycore.capture.tone import LEVEL, TONE_HZ, tone

SECOND = 1_000_000_000
WIDTH, HEIGHT = 640, 360


def paint(counter: int, wallclock_ns: int, *, full_range: bool = True) -> np.ndarray:
    picture = np.empty(WIDTH * HEIGHT * 3 // 2, np.uint8)
    PatternPainter(WIDTH, HEIGHT, full_range=full_range).paint(picture, counter, wallclock_ns)
    return picture


@pytest.mark.parametrize("full_range", [True, False])
def test_the_bars_have_their_colours(full_range: bool) -> None:
    picture = paint(0, 0, full_range=full_range)
    luma = picture[: WIDTH * HEIGHT].reshape(HEIGHT, WIDTH)
    chroma = picture[WIDTH * HEIGHT :].reshape(2, HEIGHT // 2, WIDTH // 2)
    row = HEIGHT // 4
    for number, colour in enumerate(BARS):
        column = WIDTH * (2 * number + 1) // 16
        seen = (luma[row, column], *chroma[:, row // 2, column // 2])
        assert seen == ycbcr(colour, full_range=full_range)


def test_colours_follow_bt601() -> None:
    assert ycbcr((255, 0, 0), full_range=False) == (81, 90, 240)
    assert ycbcr((255, 255, 255), full_range=False) == (235, 128, 128)
    assert ycbcr((0, 0, 0), full_range=True) == (0, 128, 128)
    assert ycbcr((0, 0, 255), full_range=True) == (29, 255, 107)


@pytest.mark.parametrize(
    ("into_the_second", "lit"), [(0, True), (FLASH_NS - 1, True), (FLASH_NS, False), (SECOND - 1, False)]
)
def test_it_flashes_at_the_start_of_each_second(into_the_second: int, lit: bool) -> None:
    picture = paint(0, 1_700_000_000 * SECOND + into_the_second)
    assert (picture[WIDTH * HEIGHT - 1] == 255) == lit


def test_each_picture_differs_from_the_one_before() -> None:
    first, second = (paint(counter, 7 * SECOND + FLASH_NS) for counter in (1, 2))
    changed = np.flatnonzero(first != second) // WIDTH
    assert changed.min() < HEIGHT // 14
    assert changed.max() > HEIGHT * 5 // 8


@pytest.mark.parametrize("size", [(158, 90), (160, 88), (321, 180), (320, 181)])
def test_sizes_that_cannot_be_drawn_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="160x90"):
        PatternPainter(*size)


def test_the_tone_sounds_while_the_flash_is_seen() -> None:
    rate = 48_000
    sound = tone(0, 2 * rate, rate)
    pip = rate * FLASH_NS // SECOND
    assert np.abs(sound[:pip]).max() == pytest.approx(LEVEL, abs=1e-3)
    assert not sound[pip:rate].any()
    assert np.array_equal(sound[:rate], sound[rate:])
    crossings = np.count_nonzero(np.diff(np.signbit(sound[:pip])))
    assert crossings == pytest.approx(2 * TONE_HZ * FLASH_NS / SECOND, abs=2)


def test_the_tone_is_the_same_in_whatever_pieces() -> None:
    pieces = [tone(start, 480, 48_000) for start in range(0, 48_000, 480)]
    assert np.array_equal(np.concatenate(pieces), tone(0, 48_000, 48_000))


@pytest.mark.parametrize(("width", "height"), [(160, 90), (640, 480), (1920, 1080)])
def test_the_slate_shows_its_text_in_grey(width: int, height: int) -> None:
    picture = paint_slate(width, height, "HD Camera: no picture since 12:03:04")
    assert picture.size == width * height * 3 // 2
    luma, chroma = picture[: width * height], picture[width * height :]
    assert set(chroma) == {128}
    assert luma.min() >= 16
    assert np.count_nonzero(luma > 150) > 50


def test_slates_with_other_texts_differ() -> None:
    assert not np.array_equal(paint_slate(320, 240, "one"), paint_slate(320, 240, "two"))


def test_the_slate_becomes_a_jpeg_that_rtp_can_carry() -> None:
    jpeg = jpeg_of(paint_slate(320, 240, "gone"), 320, 240)
    decoder = av.CodecContext.create("mjpeg", "r")
    (frame,) = decoder.decode(av.Packet(jpeg))
    assert (frame.width, frame.height, frame.format.name) == (320, 240, "yuvj420p")
