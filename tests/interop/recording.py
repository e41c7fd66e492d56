"""What a player made of a stream: decoded pictures and sound, however the player gave them out."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

__all__ = ["Pictures", "Recording", "Samples", "read_file"]

Pictures = npt.NDArray[np.uint8]
"""RGB pictures as (number, height, width, 3): as the player shows them, with range and matrix applied."""

Samples = npt.NDArray[np.float64]
"""One channel of sound, from -1 to 1."""


@dataclass(frozen=True)
class Recording:
    """Decoded pictures and sound. Times are in seconds on the clock of the player, empty when it has none."""

    pictures: Pictures
    sound: Samples
    sound_rate: int = 0
    picture_times: npt.NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    sound_start: float = 0.0


def read_file(
    path: Path | str, *, limit: int | None = None, options: dict[str, str] | None = None
) -> Recording:
    """Decode a file or URL with PyAV, up to ``limit`` pictures."""
    pictures: list[Pictures] = []
    times: list[float] = []
    sound: list[Samples] = []
    rate, start = 0, 0.0
    mono = av.AudioResampler(format="flt", layout="mono")
    with av.open(str(path), options=options or {}, timeout=20.0) as container:
        for frame in container.decode(*container.streams.video[:1], *container.streams.audio[:1]):
            if isinstance(frame, av.VideoFrame):
                pictures.append(frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False))
                times.append(frame.time)
                if len(pictures) == limit:
                    break
            elif isinstance(frame, av.AudioFrame):
                if not sound:
                    rate, start = frame.sample_rate, frame.time or 0.0
                sound += [part.to_ndarray()[0].astype(np.float64) for part in mono.resample(frame)]
    return Recording(
        pictures=np.stack(pictures) if pictures else np.empty((0, 0, 0, 3), np.uint8),
        sound=np.concatenate(sound) if sound else np.empty(0),
        sound_rate=rate,
        picture_times=np.array(times, np.float64),
        sound_start=start,
    )
