"""GStreamer's RTSP server, which serves the H.264 that comes to a UDP port; for Debian's own Python.

Arguments: the port of 127.0.0.1 to listen on, the path, and the UDP port to which RTP comes. ``version``
instead prints GStreamer's.
"""

from __future__ import annotations

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402 (the versions come first)

PIPELINE = (
    "( udpsrc address=127.0.0.1 port={port} buffer-size=4194304 "
    'caps="application/x-rtp,media=video,clock-rate=90000,encoding-name=H264,payload=96" '
    "! rtph264depay ! h264parse ! rtph264pay name=pay0 pt=96 config-interval=-1 )"
)


def main(port: str, path: str, source_port: str) -> None:
    """Serve until killed: one pipeline for all readers."""
    server = GstRtspServer.RTSPServer(address="127.0.0.1", service=port)
    # The default, 5, refuses readers that connect at the same time.
    server.set_backlog(4096)
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(PIPELINE.format(port=source_port))
    factory.set_shared(True)
    server.get_mount_points().add_factory(f"/{path}", factory)
    server.attach(None)
    GLib.MainLoop().run()


if __name__ == "__main__":
    Gst.init(None)
    if sys.argv[1:] == ["version"]:
        print(Gst.version_string())
    else:
        main(*sys.argv[1:])
