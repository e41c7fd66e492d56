"""Cameras that Video4Linux2 does not open."""

import pytest

from relaycore.capture.model import Camera, Devices
from relaycore.capture.opening import choose_sources
from relaycore.errors import NoSuchDevice
from relaycore.settings import CameraSettings


def test_a_camera_that_tells_no_modes_is_opened_to_learn_why() -> None:
    devices = Devices([Camera("Cam", "/nonexistent/video0", (), "v4l2")], [])
    sources = choose_sources(CameraSettings(camera="Cam"), lambda seconds: None, lambda: devices)
    with pytest.raises(NoSuchDevice, match="no device 'Cam'"):
        sources.open_video()
