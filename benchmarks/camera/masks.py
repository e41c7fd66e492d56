"""What privacy masks cost on a 720p picture at 30 a second, beside encoding it and beside numpy's way."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from statistics import median

import numpy as np

from benchmarks.result import Figure, Options, Result
from benchmarks.scene import scene
from relaycore._relaycore import FrameBuffer, FramePool
from relaycore.capture.colour import JPEG
from relaycore.encode.profiles import SOFTWARE, default_bitrate
from relaycore.encode.video import VideoEncoder, VideoFormat
from relaycore.pipeline.mask_shapes import blocks_of
from relaycore.pipeline.masking import Masking
from relaycore.settings import MaskSettings

WIDTH, HEIGHT, FPS = 1280, 720, 30
PICTURES = 120

SHAPES = {
    "a quarter of the picture": [0.1, 0.1, 0.6, 0.6],
    "the whole picture": [0.0, 0.0, 1.0, 1.0],
}
POLYGON = [[0.1, 0.1], [0.9, 0.2], [0.7, 0.9], [0.4, 0.5], [0.2, 0.8]]


def run(_options: Options) -> Result:
    """Draws each kind of mask on the same pictures in one thread; takes medians of its CPU time."""
    pictures = [picture.ravel() for picture in scene(WIDTH, HEIGHT, PICTURES)]
    masks = {
        f"{fill}, {name}": MaskSettings(rectangle=sides, fill=fill)
        for fill in ("black", "pixelate", "blur")
        for name, sides in SHAPES.items()
    }
    masks["black, a polygon of a third"] = MaskSettings(polygon=POLYGON)
    buffer = FramePool(WIDTH, HEIGHT).acquire()
    assert buffer is not None
    figures, total = [], 0.0
    for name, settings in masks.items():
        masking = Masking([settings], WIDTH, HEIGHT, JPEG)
        spent = _times(pictures, buffer, partial(masking.draw, buffer, 0))
        total += sum(spent)
        below = 1.0 if settings.fill == "black" else None
        figures.append(Figure(name, _share(spent), "% of a core", below=below))
    for name, settings in (
        ("rectangle", masks["black, a quarter of the picture"]),
        ("polygon", masks["black, a polygon of a third"]),
    ):
        spent = _times(pictures, buffer, _with_numpy(buffer, settings))
        total += sum(spent)
        figures.append(Figure(f"the same black {name} by numpy", _share(spent), "% of a core"))
    encoded = _encoding(pictures, buffer)
    figures.append(Figure("encoding by libx264, for comparison", _share(encoded), "% of a core"))
    return Result(
        title="Privacy masks",
        method=(
            f"{PICTURES} pictures of {WIDTH}x{HEIGHT} like a webcam's, in planar 4:2:0, each painted over as "
            "the capture thread does. Median CPU time of the thread for each picture, as a share of a core "
            f"at {FPS} pictures a second."
        ),
        figures=figures,
        cpu_seconds={"all": total + sum(encoded)},
    )


def _times(pictures: list[np.ndarray], buffer: FrameBuffer, draw: Callable[[], object]) -> list[float]:
    """CPU seconds of drawing on each picture."""
    spent = []
    for picture in pictures:
        view = np.frombuffer(memoryview(buffer), np.uint8)
        view[:] = picture
        del view
        begin = time.thread_time_ns()
        draw()
        spent.append((time.thread_time_ns() - begin) / 1e9)
    return spent


def _share(spent: list[float]) -> float:
    return median(spent) * FPS * 100


def _with_numpy(buffer: FrameBuffer, settings: MaskSettings) -> Callable[[], object]:
    """Another way, which needs no code of ours: a slice for a rectangle, else a copy with a condition."""
    blocks = blocks_of(settings.corners, WIDTH, HEIGHT)
    rows, columns = np.nonzero(blocks.any(axis=1))[0], np.nonzero(blocks.any(axis=0))[0]
    box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    whole = np.s_[2 * rows[0] : 2 * rows[-1] + 2, 2 * columns[0] : 2 * columns[-1] + 2]
    chroma = blocks[box]
    luma = chroma.repeat(2, axis=0).repeat(2, axis=1)
    area = WIDTH * HEIGHT

    def draw() -> None:
        view = np.frombuffer(memoryview(buffer), np.uint8)
        planes = (
            (view[:area].reshape(HEIGHT, WIDTH)[whole], luma, 0),
            (view[area : area * 5 // 4].reshape(HEIGHT // 2, -1)[box], chroma, 128),
            (view[area * 5 // 4 :].reshape(HEIGHT // 2, -1)[box], chroma, 128),
        )
        for plane, mask, level in planes:
            if settings.rectangle is not None:
                plane[:] = level
            else:
                np.copyto(plane, np.uint8(level), where=mask)

    return draw


def _encoding(pictures: list[np.ndarray], buffer: FrameBuffer) -> list[float]:
    form = VideoFormat(WIDTH, HEIGHT, FPS, JPEG, default_bitrate(WIDTH, HEIGHT, FPS))
    encoder = VideoEncoder(SOFTWARE, form)
    numbers = iter(range(PICTURES))
    return _times(
        pictures, buffer, lambda: encoder.encode(buffer, next(numbers) * 3000, force_key_frame=False)
    )
