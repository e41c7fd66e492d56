"""The programs that publish and read, by what starts them."""

from __future__ import annotations

from pathlib import Path

import imageio_ffmpeg

__all__ = ["CLIENTS", "FFMPEG", "GSTREAMER", "MPV", "NEW_FFMPEG"]

FFMPEG = "ffmpeg"
"""Debian's, version 5.1."""

NEW_FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
"""The newest one, which comes in a package of Python."""

GSTREAMER = "gst-launch-1.0"
"""Debian's, version 1.22."""

MPV = "mpv"
"""Debian's, version 0.35."""

CLIENTS = Path(__file__).parents[1] / "clients" / "target" / "debug"
"""The programs of other projects that ``tests/interop/clients`` builds."""
