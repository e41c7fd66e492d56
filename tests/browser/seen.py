"""What a page shows: the pixels of the test pattern, out of a video, a picture or a canvas.

The strip at the top of the pattern (see :mod:`relaycore.capture.strip`) says which picture it is and when it
was taken; the bars say whether its colours are right.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Locator

from relaycore.capture.pattern import BARS
from relaycore.capture.strip import read_strip

__all__ = ["GRAB", "Seen", "look", "next_picture", "seen_of", "wait_for_picture"]

LOOK_MS: Final = 10
"""Between two looks for a picture: less than one lasts."""

LIMIT_MS: Final = 20_000
"""Time for what takes a fraction of a second; only a hang takes that long."""

NEAR: Final = 40
"""How far a channel of a bar may be from its colour after encoding and decoding, of 255."""

GRAB: Final = """(element) => {
    const width = element.videoWidth || element.naturalWidth || element.width;
    const height = element.videoHeight || element.naturalHeight || element.height;
    if (!width || !height) return null;
    if (element.readyState !== undefined && element.readyState < 2) return null;
    const canvas = element.ownerDocument.createElement("canvas");
    canvas.width = width;
    canvas.height = height;
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(element, 0, 0, width, height);
    const pixels = context.getImageData(0, 0, width, height).data;
    let text = "";
    for (let at = 0; at < pixels.length; at += 32768) {
        text += String.fromCharCode(...pixels.subarray(at, at + 32768));
    }
    return { width, height, pixels: btoa(text), now: performance.timeOrigin + performance.now() };
}"""
"""A function of JavaScript: what an element shows, for :func:`seen_of`; null where it shows nothing."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One picture: its number, when it was taken and when it was seen (both in ms since 1970), its pixels.

    The number is that of the pattern's counter. ``pixels`` are rows, columns, and red, green and blue.
    """

    counter: int
    taken_ms: int
    seen_ms: float
    pixels: NDArray[np.uint8]

    @property
    def age_ms(self) -> float:
        """From the moment that the picture was due to be taken until it was seen."""
        return self.seen_ms - self.taken_ms

    def wrong_bars(self) -> list[str]:
        """The bars of the pattern that do not have their colour."""
        height, width, _ = self.pixels.shape
        rows = self.pixels[height // 4 : height // 2]
        wrong = []
        for number, colour in enumerate(BARS):
            left, right = width * number // len(BARS), width * (number + 1) // len(BARS)
            margin = (right - left) // 4
            found = rows[:, left + margin : right - margin].reshape(-1, 3).mean(axis=0)
            if np.abs(found - np.array(colour)).max() > NEAR:
                wrong.append(f"bar {number} is {found.round().tolist()} in place of {colour}")
        return wrong


def look(element: Locator) -> Seen | None:
    """The picture that an element shows now; ``None`` where it shows none, or one that is not the pattern."""
    return seen_of(element.evaluate(GRAB, timeout=LIMIT_MS))


def wait_for_picture(element: Locator) -> Seen:
    """The first picture of the pattern that an element shows from now on."""
    return next_picture(element, None)


def next_picture(element: Locator, after: Seen | None) -> Seen:
    """The next picture that is not ``after``. AssertionError when there is none in time."""
    waited = element.page.evaluate("performance.now()")
    while True:
        seen = look(element)
        if seen is not None and (after is None or seen.counter != after.counter):
            return seen
        # Not in the page: where scripts are off, its timers and animation frames call nobody.
        element.page.wait_for_timeout(LOOK_MS)
        now = element.page.evaluate("performance.now()")
        assert now - waited < LIMIT_MS, "no other picture of the pattern in time"


def seen_of(grabbed: Any) -> Seen | None:
    """The picture out of what ``GRAB`` gave."""
    if grabbed is None:
        return None
    shape = grabbed["height"], grabbed["width"], 4
    pixels = np.frombuffer(base64.b64decode(grabbed["pixels"]), np.uint8).reshape(shape)[:, :, :3]
    read = read_strip(pixels.mean(axis=2))
    return None if read is None else Seen(*read, grabbed["now"], pixels)
