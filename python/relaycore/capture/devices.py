"""The cameras and microphones of this machine, on every system that FFmpeg can capture on."""

from __future__ import annotations

import sys

from relaycore.capture import alsa, avfoundation, dshow, v4l2
from relaycore.capture.model import Camera, Devices, Microphone, Mode

__all__ = ["Camera", "Devices", "Microphone", "Mode", "list_devices"]


def list_devices() -> Devices:
    """Everything that can be captured. What cannot be asked is left out; nothing is raised."""
    if sys.platform == "win32":
        return dshow.list_devices()
    if sys.platform == "darwin":
        return avfoundation.list_devices()
    return Devices(cameras=v4l2.list_cameras(), microphones=alsa.list_microphones())
