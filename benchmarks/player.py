"""A player that decodes at once: PyAV with FFmpeg's options for low delay."""

from __future__ import annotations

from collections.abc import Generator

import av

__all__ = ["pictures"]

_OPTIONS = {
    "rtsp_transport": "tcp",
    "flags": "low_delay",
    "probesize": "32",
    "analyzeduration": "0",
    "max_delay": "0",
    "reorder_queue_size": "0",
}


def pictures(url: str, *, all_pictures: bool = False) -> Generator[av.VideoFrame]:
    """The decoded pictures of a stream, each as soon as FFmpeg gives it.

    Those that FFmpeg needed to learn what the stream is come only with ``all_pictures``: otherwise they are
    dropped, which gives the live ones sooner, but may drop the one key frame that is there.
    """
    options = _OPTIONS if all_pictures else _OPTIONS | {"fflags": "nobuffer"}
    with av.open(url, options=options, timeout=20.0) as container:
        video = container.streams.video[0]
        # One thread: each further thread of the decoder holds a picture back.
        video.codec_context.thread_count = 1
        yield from container.decode(video)
