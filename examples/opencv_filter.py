"""Puts a filter between a camera and a stream: reads ``cam``, finds edges with OpenCV, publishes ``edges``.

    python examples/opencv_filter.py [CAMERA]

Then open rtsp://127.0.0.1:8554/edges. CAMERA is as in ``relaycore serve --camera``.
"""

from __future__ import annotations

import asyncio
import sys

import cv2
import numpy as np
from av import VideoFrame
from numpy.typing import NDArray

from relaycore import Relay


def edges(frame: VideoFrame) -> NDArray[np.uint8]:
    """White edges over the darkened picture, in BGR."""
    picture = np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)
    found = cv2.Canny(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), 60, 150)
    mixed: NDArray[np.uint8] = np.maximum(picture // 3, found[:, :, np.newaxis])
    return mixed


async def main() -> None:
    """Filter until Ctrl-C."""
    camera = sys.argv[1] if len(sys.argv) > 1 else None
    async with Relay() as relay:
        await relay.add_camera("cam", camera=camera)
        async with relay.publish("edges", fps=30) as publisher, relay.frames("cam") as frames:
            print("open", relay.urls("edges")[0])
            async for frame in frames:
                # OpenCV and the encoder work in a thread, so that the event loop stays free. When that takes
                # longer than the camera does for a picture, the next one is the newest.
                picture = await asyncio.to_thread(edges, frame)
                await asyncio.to_thread(publisher.write_frame, picture)


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        print("stopped")
