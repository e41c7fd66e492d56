"""What a second rendition of a camera costs: processor time of a pipeline with it and without."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av

from benchmarks.result import Figure, Options, Result, middle
from benchmarks.scene import scene
from relaycore._relaycore import Engine, Stream, Track
from relaycore.pipeline.camera import CameraPipeline
from relaycore.settings import CameraSettings

FPS = 30
PICTURES = 120
SIZES = ((1280, 720), (1920, 1080))

TURN_S = 2.0
"""Seconds of a turn: so short that what else the machine does is alike in a turn and in the one before."""

WARM_S = 0.5
"""Seconds that are not counted after each change."""

MOST = 15.0
"""Percent that it may cost."""


def run(options: Options) -> Result:
    """Lets a camera run, and begins and ends its second rendition in many short turns."""
    turns = max(1, round(options.repeats * options.seconds / TURN_S))
    figures: list[Figure] = []
    total = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for width, height in SIZES:
            file = Path(folder, f"{height}.avi")
            _write(file, width, height)
            alone, both = _measure(str(file), turns)
            total += sum(alone) + sum(both)
            more = [(two / one - 1) * 100 for one, two in zip(alone, both, strict=True)]
            figures += [
                middle(f"{height}p: main alone", [spent / TURN_S * 100 for spent in alone], "% of a core"),
                middle(f"{height}p: main and sub", [spent / TURN_S * 100 for spent in both], "% of a core"),
                middle(f"{height}p: what sub adds", more, "% of main alone", below=MOST),
            ]
    return Result(
        title="The second rendition",
        method=(
            f"A Motion JPEG of {PICTURES} pictures like a webcam's as the camera, at {FPS} a second: decoded "
            "once, encoded by libx264, and in turns also scaled to 640x360 and encoded a second time. "
            f"Processor time of the process, {turns} times {TURN_S:g} s each, without readers, which cost "
            "the same for either; each turn is compared with the one before it."
        ),
        figures=figures,
        cpu_seconds={"all": total},
    )


def _measure(file: str, turns: int) -> tuple[list[float], list[float]]:
    """Processor seconds of each turn, without and with the second rendition."""
    engine = Engine()

    def add(path: str, tracks: Sequence[Track], can_force: bool) -> Stream:
        return engine.add_stream(path, tracks, can_force_key_frames=can_force)

    settings = CameraSettings(camera=file, microphone="none", encoder="libx264", fps=FPS)
    camera = CameraPipeline(settings, lambda tracks, can: add("cam", tracks, can), lambda _event: None)
    camera.start()
    alone, both = [], []
    try:
        for _ in range(turns):
            alone.append(_spent())
            camera.begin_sub(lambda tracks, can: add("cam/sub", tracks, can))
            both.append(_spent())
            camera.end_sub()
            engine.remove_stream("cam/sub")
    finally:
        camera.stop()
        engine.close(1.0)
    return alone, both


def _spent() -> float:
    time.sleep(WARM_S)
    begin = time.process_time()
    time.sleep(TURN_S)
    return time.process_time() - begin


def _write(file: Path, width: int, height: int) -> None:
    with av.open(str(file), "w") as container:
        stream = container.add_stream("mjpeg", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuvj420p"
        # As large as those of webcams.
        stream.codec_context.qmin = stream.codec_context.qmax = 5
        for number, picture in enumerate(scene(width, height, PICTURES)):
            frame = av.VideoFrame.from_ndarray(picture, "yuvj420p")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
