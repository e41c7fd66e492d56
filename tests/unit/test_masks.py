"""Privacy masks: what they cover, what they leave, and that no picture gets past them."""

import random

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from relaycore._relaycore import FrameBuffer, FramePool, Mask
from relaycore.capture.colour import BT601, BT709, JPEG, Colour
from relaycore.capture.unpack import fill_from_frame
from relaycore.errors import ConfigurationError
from relaycore.pipeline.mask_shapes import blocks_of, spans_of, widened
from relaycore.pipeline.masking import Masking
from relaycore.settings import MaskSettings

PLANAR = (
    "yuv420p",
    "yuvj420p",
    "yuv422p",
    "yuvj422p",
    "yuv444p",
    "yuvj444p",
    "yuv411p",
    "yuv410p",
    "yuvj440p",
)
PACKED = ("yuyv422", "uyvy422", "nv12", "nv21", "rgb24", "bgr24", "bgra")
FORMATS = (*PLANAR, *PACKED, "gray", "yuv420p10le")
"""Those that cameras and files deliver: planar, half planar, packed, with little chroma, with more bits."""

SIZES = ((64, 48), (66, 50), (65, 49), (127, 33), (100, 75))
"""Even ones, and such as lose a row or a column."""

LEFT, TOP, RIGHT, BOTTOM = 0.27, 0.31, 0.71, 0.66
RECTANGLE = MaskSettings(rectangle=[LEFT, TOP, RIGHT, BOTTOM])


def random_polygon(chance: random.Random) -> list[list[float]]:
    """Any: also one that crosses itself."""
    return [[chance.random(), chance.random()] for _ in range(chance.randint(3, 9))]


def noise(seed: int, width: int, height: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def inside(corners: list[tuple[float, float]], width: int, height: int) -> NDArray[np.bool_]:
    """The pixels that a polygon encloses by any number of turns, probed at 4 x 4 points each.

    Another way than that of the code under test: the turns are summed over all points at once.
    """
    places = (np.arange(max(width, height) * 4) + 0.5) / 4
    x, y = places[None, : width * 4], places[: height * 4, None]
    turns = np.zeros((height * 4, width * 4), int)
    points = [(across * width, down * height) for across, down in corners]
    for (ax, ay), (bx, by) in zip(points, [*points[1:], points[0]], strict=True):
        left = (bx - ax) * (y - ay) - (x - ax) * (by - ay)
        turns += ((ay <= y) & (by > y) & (left > 0)).astype(int)
        turns -= ((ay > y) & (by <= y) & (left < 0)).astype(int)
    return np.asarray(np.not_equal(turns, 0).reshape(height, 4, width, 4).any(axis=(1, 3)), np.bool_)


def frame_of(rgb: NDArray[np.uint8], form: str) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), "rgb24")
    return frame if form == "rgb24" else frame.reformat(format=form)


def buffer_of(width: int, height: int) -> FrameBuffer:
    buffer = FramePool(width & ~1, height & ~1).acquire()
    assert buffer is not None
    return buffer


def samples(buffer: FrameBuffer) -> NDArray[np.uint8]:
    return np.frombuffer(memoryview(buffer), np.uint8).copy()


def luma(buffer: FrameBuffer) -> NDArray[np.uint8]:
    return samples(buffer)[: buffer.width * buffer.height].reshape(buffer.height, buffer.width)


def covered_by_all(settings: MaskSettings, width: int, height: int, spread: int) -> NDArray[np.bool_]:
    """The pixels that are covered, for the pictures of a width and a height that are even."""
    blocks = widened(blocks_of(settings.corners, width, height), spread)
    return blocks.repeat(2, axis=0).repeat(2, axis=1)


def altered(frame: av.VideoFrame, corners: list[tuple[float, float]], seed: int) -> av.VideoFrame:
    """A picture of the same format, size and samples, but for those that cover a part of the mask."""
    other = av.VideoFrame(frame.width, frame.height, frame.format.name)
    hidden = inside(corners, frame.width, frame.height)
    chance = np.random.default_rng(seed)
    for number, (plane, copy) in enumerate(zip(frame.planes, other.planes, strict=True)):
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size).copy()
        # How many pixels a sample covers in both directions, and how many bytes it takes.
        wide, high = -(-frame.width // plane.width), -(-frame.height // plane.height)
        size = _bytes_of_sample(frame.format.name, number)
        reach = np.pad(hidden, ((0, -frame.height % high), (0, -frame.width % wide)))
        touched = reach.reshape(plane.height, high, -1, wide).any(axis=(1, 3))
        # Two pixels of packed 4:2:2 share their chroma.
        if frame.format.name in ("yuyv422", "uyvy422"):
            pairs = np.pad(touched, ((0, 0), (0, touched.shape[1] % 2)))
            touched = pairs.reshape(pairs.shape[0], -1, 2).any(axis=2).repeat(2, axis=1)
        bytes_touched = touched.repeat(size, axis=1)[:, : plane.line_size]
        part = rows[:, : bytes_touched.shape[1]]
        part[bytes_touched] = chance.integers(0, 256, int(bytes_touched.sum()), dtype=np.uint8)
        if frame.format.name.endswith("10le"):
            rows[:, 1::2] &= 3
        copy.update(rows.tobytes())
    other.color_range = frame.color_range
    return other


def _bytes_of_sample(form: str, plane: int) -> int:
    if form in ("rgb24", "bgr24"):
        return 3
    if form == "bgra":
        return 4
    return 2 if form in ("yuyv422", "uyvy422", "yuv420p10le") or (form[:2] == "nv" and plane == 1) else 1


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("form", FORMATS)
def test_nothing_of_what_a_mask_hides_is_anywhere_in_the_picture(
    form: str, size: tuple[int, int], full: bool
) -> None:
    chance = random.Random(f"{form} {size}")
    shapes = [RECTANGLE, *(MaskSettings(polygon=random_polygon(chance)) for _ in range(4))]
    for number, settings in enumerate(shapes):
        frame = frame_of(noise(number, *size), form)
        pair = []
        for shown in (frame, altered(frame, settings.corners, number)):
            buffer = buffer_of(*size)
            spread = fill_from_frame(buffer, shown, full_range=full)
            before = samples(buffer)
            Masking([settings], buffer.width, buffer.height, JPEG.with_range(full=full)).draw(buffer, spread)
            pair.append((before, samples(buffer)))
        (one, one_masked), (other, other_masked) = pair
        assert not np.array_equal(one, other), "the test is about two different pictures"
        np.testing.assert_array_equal(one_masked, other_masked)
        # And its neighbours are as they were.
        rest = ~covered_by_all(settings, buffer.width, buffer.height, spread)
        area = buffer.width * buffer.height
        np.testing.assert_array_equal(one[:area][rest.ravel()], one_masked[:area][rest.ravel()])
        chroma = np.tile(rest[::2, ::2].ravel(), 2)
        np.testing.assert_array_equal(one[area:][chroma], one_masked[area:][chroma])


@pytest.mark.parametrize("form", ["yuv420p", "nv12", "rgb24", "yuv411p"])
@pytest.mark.parametrize("to", [(128, 96), (96, 32), (32, 24), (200, 100)])
def test_a_mask_grows_with_what_the_scaler_smears(form: str, to: tuple[int, int]) -> None:
    chance = random.Random(f"{form} {to}")
    for number in range(4):
        settings = MaskSettings(polygon=random_polygon(chance))
        frame = frame_of(noise(number, 64, 48), form)
        pair = []
        for shown in (frame, altered(frame, settings.corners, number)):
            buffer = buffer_of(*to)
            spread = fill_from_frame(buffer, shown, full_range=False)
            Masking([settings], *to, BT601).draw(buffer, spread)
            pair.append(samples(buffer))
        np.testing.assert_array_equal(pair[0], pair[1])


@pytest.mark.parametrize("seed", range(40))
def test_every_pixel_that_a_polygon_touches_is_covered_and_few_others(seed: int) -> None:
    chance = random.Random(seed)
    width, height = 2 * chance.randint(2, 60), 2 * chance.randint(2, 60)
    settings = MaskSettings(polygon=random_polygon(chance))
    hidden = inside(settings.corners, width, height)
    covered = covered_by_all(settings, width, height, 0)
    assert not (hidden & ~covered).any()
    # Nothing is covered that is more than one block away from what is hidden, or from an edge.
    edges = np.zeros_like(hidden)
    points = [(x * width, y * height) for x, y in settings.corners]
    for (ax, ay), (bx, by) in zip(points, [*points[1:], points[0]], strict=True):
        steps = np.linspace(0, 1, 8 * max(width, height))
        columns = np.clip((ax + (bx - ax) * steps).astype(int), 0, width - 1)
        edges[np.clip((ay + (by - ay) * steps).astype(int), 0, height - 1), columns] = True
    touched = (hidden | edges).reshape(height // 2, 2, width // 2, 2).any(axis=(1, 3))
    near = widened(np.asarray(touched, np.bool_), 2)
    assert not (covered & ~near.repeat(2, axis=0).repeat(2, axis=1)).any()


def test_sides_on_the_border_of_blocks_cover_none_beyond() -> None:
    blocks = blocks_of(MaskSettings(rectangle=[0.25, 0.5, 0.75, 1.0]).corners, 16, 8)
    assert spans_of(blocks) == [(2, 2, 6), (3, 2, 6)]
    assert blocks_of(MaskSettings(rectangle=[0, 0, 1, 1]).corners, 16, 8).all()


def test_thin_masks_cover_what_they_touch() -> None:
    assert spans_of(blocks_of([(0.5, 0.4), (0.51, 0.4), (0.51, 0.45)], 20, 20)) == [(4, 5, 6)]
    line = [(0.0, 0.0), (1.0, 1.0), (1.0, 1.0)]
    assert [row for row, _, _ in spans_of(blocks_of(line, 20, 20))] == list(range(10))


@pytest.mark.parametrize("steps", [1, 2, 3, 9, 40])
def test_widening_reaches_so_far_and_no_farther(steps: int) -> None:
    blocks = np.zeros((20, 30), bool)
    blocks[10, 12] = True
    found = np.argwhere(widened(blocks, steps))
    far = -(-steps // 2)
    assert (found.min(axis=0) == np.maximum(0, (10 - far, 12 - far))).all()
    assert (found.max(axis=0) == np.minimum((19, 29), (10 + far, 12 + far))).all()


@pytest.mark.parametrize("fill", ["pixelate", "blur"])
def test_squares_and_blur_leave_means_of_squares_alone(fill: str) -> None:
    """Two pictures with the same means, one the mirror image of the other in each square, look the same."""
    size, side = 192, 8
    settings = MaskSettings(rectangle=[0, 0, 1, 1], fill=fill)
    cells = np.random.default_rng(4).integers(0, 256, (size // side, size // side, side, side), np.uint8)
    pictures = [cells, cells[:, :, ::-1, ::-1]]
    drawn = []
    for cell in pictures:
        buffer = buffer_of(size, size)
        view = np.frombuffer(memoryview(buffer), np.uint8)
        view[: size * size] = cell.swapaxes(1, 2).ravel()
        view[size * size :] = 128
        del view
        Masking([settings], size, size, JPEG).draw(buffer, 0)
        drawn.append(luma(buffer))
    np.testing.assert_array_equal(drawn[0], drawn[1])
    if fill == "pixelate":
        means = cells.mean(axis=(2, 3)).astype(np.uint8).repeat(side, axis=0).repeat(side, axis=1)
        np.testing.assert_array_equal(drawn[0], means)


@pytest.mark.parametrize(
    ("fill", "colour", "expected"),
    [
        ("black", JPEG, (0, 128, 128)),
        ("black", BT601, (16, 128, 128)),
        ("#ffffff", BT601, (235, 128, 128)),
        ("#ff0000", JPEG, (76, 85, 255)),
        ("#ff0000", BT601, (81, 90, 240)),
        ("#0000FF", BT709, (32, 240, 118)),
    ],
)
def test_a_colour_is_what_it_is_in_each_range_and_matrix(
    fill: str, colour: Colour, expected: tuple[int, int, int]
) -> None:
    buffer = buffer_of(8, 8)
    Masking([MaskSettings(rectangle=[0, 0, 1, 1], fill=fill)], 8, 8, colour).draw(buffer, 0)
    planes = samples(buffer)
    assert (planes[0], planes[64], planes[80]) == expected
    assert len({*planes[:64].tolist()}) == len({*planes[64:80].tolist()}) == 1


def test_later_masks_are_above_earlier_ones_and_replaced_ones_are_gone() -> None:
    whole = MaskSettings(rectangle=[0, 0, 1, 1], fill="#ffffff")
    half = MaskSettings(rectangle=[0, 0, 0.5, 1])
    masking = Masking([whole, half], 8, 8, JPEG)
    buffer = buffer_of(8, 8)
    assert masking.draw(buffer, 0) == 0
    assert luma(buffer)[0].tolist() == [0] * 4 + [255] * 4
    masking.replace([half])
    view = np.frombuffer(memoryview(buffer), np.uint8)
    view[:] = 9
    del view
    assert masking.draw(buffer, 0) == masking.revision == 1
    assert luma(buffer)[0].tolist() == [0] * 4 + [9] * 4


@pytest.mark.parametrize(
    ("mask", "reason"),
    [
        (MaskSettings(), "one of the two"),
        (MaskSettings(rectangle=[0, 0, 1, 1], polygon=[[0, 0], [1, 0], [1, 1]]), "one of the two"),
        (MaskSettings(rectangle=[0.5, 0, 0.5, 1]), "left, top, right and bottom"),
        (MaskSettings(rectangle=[0, 0, 1, float("nan")]), "left, top, right and bottom"),
        (MaskSettings(rectangle=[0, 0, 1]), "left, top, right and bottom"),
        (MaskSettings(rectangle=[0, 0, 1, 1.01]), "from 0 to 1"),
        (MaskSettings(polygon=[[0, 0], [0.5, 0.5], [1, 1]]), "not all on one line"),
        (MaskSettings(polygon=[[0, 0], [1, 1]]), "3 to 64 corners"),
        (MaskSettings(polygon=[[0, 0], [1, 0], [1, -0.1]]), "from 0 to 1"),
        (MaskSettings(polygon=[[0.3, 0.3]] * 3), "not all on one line"),
        (MaskSettings(rectangle=[0, 0, 1, 1], fill="mosaic"), "not a fill"),
    ],
)
def test_masks_that_hide_nothing_are_refused(mask: MaskSettings, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        Masking([mask], 64, 48, JPEG)
    masking = Masking([RECTANGLE], 64, 48, JPEG)
    with pytest.raises(ConfigurationError, match=reason):
        masking.replace([mask])
    assert masking.revision == 0


def test_more_masks_than_can_be_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="at most 64"):
        Masking([RECTANGLE] * 65, 64, 48, JPEG)


def test_a_mask_of_another_size_is_refused_and_nothing_is_painted() -> None:
    buffer = buffer_of(16, 8)
    before = samples(buffer)
    with pytest.raises(ValueError, match="another size"):
        buffer.draw(Mask.of_colour(8, 16, [(0, 0, 4)], (1, 2, 3)))
    np.testing.assert_array_equal(samples(buffer), before)
    with memoryview(buffer), pytest.raises(BufferError):
        buffer.draw(Mask.of_colour(16, 8, [(0, 0, 4)], (1, 2, 3)))


@pytest.mark.parametrize("spans", [[(0, 0, 0)], [(4, 0, 1)], [(0, 7, 9)], [(0, 3, 2)]])
def test_spans_outside_are_refused(spans: list[tuple[int, int, int]]) -> None:
    with pytest.raises(ValueError, match="inside"):
        Mask.of_squares(16, 8, spans, 2)
