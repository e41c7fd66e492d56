"""Debian's Chromium without a window, as the tests start it."""

from __future__ import annotations

from typing import Final

__all__ = ["EXECUTABLE", "FLAGS", "FLAGS_OF_FAKE_CAMERA"]

EXECUTABLE: Final = "/usr/bin/chromium"

FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    # Sound is decoded and measured, and no device is needed for it.
    "--mute-audio",
    "--autoplay-policy=no-user-gesture-required",
    # WebRTC to a server of this machine, in a network namespace that has no more than `lo` too.
    "--allow-loopback-in-peer-connection",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
    # Nothing that a page names can be anywhere but here.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost , EXCLUDE other.localhost",
)
"""Switches of every start. Playwright adds an empty profile and ``--headless``."""

FLAGS_OF_FAKE_CAMERA: Final = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
"""Switches that give it a camera and a microphone, and the permission to use both."""
