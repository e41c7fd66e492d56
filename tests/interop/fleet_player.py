"""Plays the cameras of a fleet at 192.0.2.1, twenty at a time; prints the pictures of each as JSON."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import av

AT_A_TIME = 20
PICTURES = 3


def play(path: str) -> int:
    """How many pictures came; none where the camera lets nobody in."""
    options = {"rtsp_transport": "tcp", "analyzeduration": "0"}
    try:
        with av.open(f"rtsp://192.0.2.1:8554/{path}", options=options, timeout=20) as container:
            return sum(1 for _ in islice(container.decode(video=0), PICTURES))
    except av.HTTPUnauthorizedError:
        return 0


if __name__ == "__main__":
    paths = [f"cam{number}" for number in range(1, int(sys.argv[1]) + 1)]
    with ThreadPoolExecutor(AT_A_TIME) as players:
        sys.stdout.write(json.dumps(dict(zip(paths, players.map(play, paths), strict=True))))
