"""Publishes a file with PyAV: ``publish_pyav.py FILE URL tcp|udp``."""

from __future__ import annotations

import sys
import time

import av


def main(file: str, url: str, transport: str) -> None:
    """Send the packets of a file when they are due."""
    options = {"rtsp_transport": transport}
    with av.open(file) as source, av.open(url, "w", format="rtsp", options=options) as target:
        (stream,) = source.streams
        copy = target.add_stream_from_template(stream)
        began = time.monotonic()
        for packet in source.demux(stream):
            if packet.dts is None or packet.time_base is None:
                continue
            due = began + float(packet.dts * packet.time_base)
            # A file is not a live source: this makes it one.
            time.sleep(max(0.0, due - time.monotonic()))
            packet.stream = copy
            target.mux(packet)


if __name__ == "__main__":
    main(*sys.argv[1:])
