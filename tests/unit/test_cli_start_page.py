"""What is shown at the start leads phones and browsers to pages that they can open."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from relaycore import Relay, Track, User
from relaycore.control.console import qr_code
from relaycore.control.start_page import publish_path, show_start
from relaycore.settings import CameraSettings, Config, PathSettings, TlsSettings

PARAMETERS = bytes.fromhex("0000000167420015da087e2e02200000000168ce3c80")
ANNA = User(name="anna", password="open sesame", role="operator")


async def shown(config: Config) -> tuple[str, int]:
    """What a terminal shows of a relay with one stream, and the port."""
    written = io.StringIO()
    console = Console(
        file=written, force_terminal=True, width=400, color_system=None, legacy_windows=False, soft_wrap=True
    )
    async with Relay(config) as relay:
        with relay.publish("own", [Track.h264(PARAMETERS)]):
            show_start(console, relay, config, [])
        return written.getvalue(), relay.address[1]


def code_of(url: str) -> str:
    """The lines of the QR code of an address, without what colours it."""
    return qr_code(url, "utf-8").plain.split("\n")[3]


async def test_a_browser_of_this_machine_is_led_to_the_player_and_to_the_camera_page() -> None:
    text, port = await shown(Config(port=0, publish="any"))
    player = f"http://127.0.0.1:{port}/own"
    assert f"Watch in a browser: {player}\n" in text
    assert code_of(player) in text
    assert f"Use a phone as a camera: http://127.0.0.1:{port}/phone/publish\n" in text
    assert f"Console: http://127.0.0.1:{port}/\n" in text


async def test_without_anything_to_publish_to_there_is_no_camera_page() -> None:
    text, _ = await shown(Config(port=0, publish="configured"))
    assert "phone" not in text


async def test_a_phone_without_encryption_is_told_what_it_takes() -> None:
    text, _ = await shown(Config(port=0, lan=True, publish="any", users=[ANNA]))
    assert "add --tls" in text
    assert "/phone/publish" not in text
    assert ANNA.password not in text


async def test_a_phone_is_led_to_the_encrypted_camera_page(tmp_path: Path) -> None:
    config = Config(
        port=0,
        lan=True,
        publish="any",
        users=[ANNA],
        tls=TlsSettings(enabled=True),
        state_folder=str(tmp_path),
    )
    text, port = await shown(config)
    (line,) = (line for line in text.splitlines() if "/phone/publish" in line)
    url = line.rpartition(" ")[2]
    assert url.startswith("https://")
    assert url.endswith(f":{port}/phone/publish")
    assert code_of(url) in text


async def test_where_only_encrypted_connections_come_in_all_pages_are(tmp_path: Path) -> None:
    tls = TlsSettings(enabled=True, required=True)
    text, port = await shown(Config(port=0, tls=tls, state_folder=str(tmp_path)))
    assert f"Watch in a browser: https://127.0.0.1:{port}/own\n" in text


async def test_without_pages_the_code_is_that_of_the_stream() -> None:
    text, port = await shown(Config(port=0, api=False, publish="any"))
    assert code_of(f"rtsp://127.0.0.1:{port}/own") in text
    assert "http" not in text


async def test_no_code_is_shown_where_none_is_wanted() -> None:
    text, port = await shown(Config(port=0, qr=False))
    assert code_of(f"http://127.0.0.1:{port}/own") not in text


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, "phone"),
        ({"publish": "configured"}, None),
        ({"path_defaults": PathSettings(publish=False)}, None),
        ({"cameras": {"phone": CameraSettings()}}, None),
        ({"paths": {"phone": PathSettings(source="x.mp4"), "b": PathSettings()}}, "b"),
        ({"publish": "configured", "paths": {"a": PathSettings(), "phone": PathSettings()}}, "phone"),
        ({"publish": "configured", "paths": {"a": PathSettings(publish=False)}}, None),
    ],
)
def test_a_path_for_a_phone_is_one_that_may_be_published_to(
    settings: dict[str, Any], expected: str | None
) -> None:
    assert publish_path(Config(**settings)) == expected
