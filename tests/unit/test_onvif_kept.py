"""What clients of ONVIF change outlasts a restart: encoders, scopes, and whether a device is found."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from relaycore import OnvifSettings, Relay, User, kept_file
from relaycore.camera_encoders import ENCODER_FILE, Rendition
from relaycore.errors import StateError
from relaycore.kept_file import KeptFile
from relaycore.onvif.device_changes import DEVICE_FILE
from relaycore.onvif.services.ptz.presets import PRESET_FILE
from relaycore.paths.kept_groups import GROUP_FILE
from tests.support.onvif import Answer, Client, logged_in

HALL = "onvif://www.onvif.org/name/Hall"


@contextlib.asynccontextmanager
async def running(folder: Path | None, **settings: Any) -> AsyncIterator[tuple[Relay, Client]]:
    """A relay with a camera at ``yard``, and a client that is logged in."""
    users = [User(name="anna", password="secret", role="administrator")]
    state = "" if folder is None else str(folder)
    async with (
        Relay(port=0, users=users, state_folder=state, onvif=OnvifSettings(name="Door")) as relay,
        logged_in(relay) as client,
    ):
        camera: dict[str, Any] = {"size": "640x480", "fps": 10, "microphone": "none", **settings}
        await relay.add_camera("yard", camera="pattern", **camera)
        yield relay, client


def wish(rendition: str, kbps: int, force: str = "<trt:ForcePersistence>true</trt:ForcePersistence>") -> str:
    return (
        f'<trt:SetVideoEncoderConfiguration><trt:Configuration token="yard/{rendition}"><tt:RateControl>'
        f"<tt:BitrateLimit>{kbps}</tt:BitrateLimit></tt:RateControl></trt:Configuration>{force}"
        "</trt:SetVideoEncoderConfiguration>"
    )


async def media(client: Client, body: str) -> Answer:
    return await client.call(body, "/onvif/media_service")


async def token(client: Client) -> str:
    """The token of the first encoder's configuration."""
    answer = await media(client, "<trt:GetVideoEncoderConfigurations/>")
    return answer.all(".//trt:Configurations")[0].get("token") or ""


@pytest.mark.parametrize("rendition", ["main", "sub"])
async def test_an_encoder_stays_as_it_was_set(tmp_path: Path, rendition: Rendition) -> None:
    async with running(tmp_path) as (relay, client):
        assert await token(client) == "yard/main"
        assert (await media(client, wish(rendition, 300))).status == 200
        await relay.stop_source("yard")
        await relay.start_source("yard")
        assert relay.encoder("yard", rendition).bitrate == 300_000
    async with running(tmp_path) as (relay, _client):
        assert relay.encoder("yard", rendition).bitrate == 300_000
        assert relay.encoder("yard", rendition).fps == 10


async def test_media2_keeps_as_well(tmp_path: Path) -> None:
    body = (
        '<tr2:SetVideoEncoderConfiguration><tr2:Configuration token="yard/main"><tt:RateControl>'
        "<tt:FrameRateLimit>5</tt:FrameRateLimit><tt:BitrateLimit>300</tt:BitrateLimit></tt:RateControl>"
        "</tr2:Configuration></tr2:SetVideoEncoderConfiguration>"
    )
    async with running(tmp_path) as (_relay, client):
        assert (await client.call(body, "/onvif/media2_service")).status == 200
    async with running(tmp_path) as (relay, _client):
        assert (relay.encoder("yard").bitrate, relay.encoder("yard").fps) == (300_000, 5)


async def test_what_is_not_to_be_kept_ends_with_the_camera(tmp_path: Path) -> None:
    async with running(tmp_path) as (relay, client):
        force = "<trt:ForcePersistence>false</trt:ForcePersistence>"
        before = relay.encoder("yard").bitrate
        assert (await media(client, wish("main", 300, force))).status == 200
        assert relay.encoder("yard").bitrate == 300_000
        await relay.stop_source("yard")
        await relay.start_source("yard")
        assert relay.encoder("yard").bitrate == before
    assert not (tmp_path / ENCODER_FILE).exists()


async def test_without_a_folder_it_lasts_as_long_as_the_relay() -> None:
    async with running(None) as (relay, _client):
        await relay.set_encoder("yard", bitrate=300_000, keep=True)
        await relay.stop_source("yard")
        await relay.start_source("yard")
        assert relay.encoder("yard").bitrate == 300_000


async def test_changes_add_up(tmp_path: Path) -> None:
    async with running(tmp_path) as (relay, _client):
        await relay.set_encoder("yard", bitrate=300_000, keep=True)
        await relay.set_encoder("yard", fps=5, keep=True)
        await relay.set_encoder("yard", bitrate=400_000, keep=True)
    async with running(tmp_path) as (relay, _client):
        assert (relay.encoder("yard").bitrate, relay.encoder("yard").fps) == (400_000, 5)


async def test_other_settings_of_the_camera_count_for_more(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(tmp_path) as (relay, _client):
        await relay.set_encoder("yard", bitrate=300_000, keep=True)
    with caplog.at_level(logging.INFO):
        async with running(tmp_path, bitrate="900k") as (relay, _client):
            assert relay.encoder("yard").bitrate == 900_000
    assert "goes by the settings" in caplog.text


async def test_what_does_not_fit_any_more_is_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(tmp_path) as (relay, _client):
        await relay.set_encoder("yard", bitrate=300_000, keep=True)
    file = tmp_path / ENCODER_FILE
    file.write_text(file.read_text().replace("300000", "1"))
    async with running(tmp_path) as (relay, _client):
        assert relay.encoder("yard").bitrate > 1
    assert "is left out" in caplog.text


@pytest.mark.parametrize("name", [ENCODER_FILE, DEVICE_FILE, GROUP_FILE])
@pytest.mark.parametrize("data", [b"", b"{", b'{"yard": 1}', b"\xff"])
async def test_a_file_that_makes_no_sense_is_put_aside(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    async with running(tmp_path) as (relay, _client):
        assert relay.encoder("yard").bitrate > 0
    assert (tmp_path / f"{name}.broken").read_bytes() == data


async def test_a_full_disk_is_told_each_time_and_the_encoder_is_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_self: object, _value: object) -> None:
        raise OSError(28, "No space left on device")

    async with running(tmp_path) as (relay, client):
        with monkeypatch.context() as disk:
            disk.setattr(KeptFile, "write", full)
            answer = await media(client, wish("main", 300))
            assert answer.subcodes == ["ter:Action", "ter:ConfigModify"]
            assert "No space left on device" in "".join(answer.root.itertext())
            assert relay.encoder("yard").bitrate == 300_000
            for _ in range(2):
                with pytest.raises(StateError, match="No space left"):
                    await relay.set_encoder("yard", bitrate=400_000, keep=True)
            before = relay.devices.whole().scopes
            refused = await client.call(f"<tds:SetScopes><tds:Scopes>{HALL}</tds:Scopes></tds:SetScopes>")
            assert refused.subcodes == ["ter:Action"]
            assert relay.devices.whole().scopes == before
        # Set once more, when there is room again, it is kept.
        await relay.set_encoder("yard", bitrate=400_000, keep=True)
    async with running(tmp_path) as (relay, _client):
        assert relay.encoder("yard").bitrate == 400_000


async def test_scopes_and_mode_stay_as_they_were_set(tmp_path: Path) -> None:
    async with running(tmp_path) as (_relay, client):
        for body in (
            f"<tds:SetScopes><tds:Scopes>{HALL}</tds:Scopes></tds:SetScopes>",
            "<tds:SetDiscoveryMode><tds:DiscoveryMode>NonDiscoverable</tds:DiscoveryMode></tds:SetDiscoveryMode>",
        ):
            assert (await client.call(body)).status == 200
    async with running(tmp_path) as (relay, client):
        device = relay.devices.whole()
        assert (device.scopes_given, device.discoverable) == ((HALL,), False)
        other = relay.devices.of_camera("yard")
        assert other is not None
        assert other.discoverable
        mode = "<tds:DiscoveryMode>Discoverable</tds:DiscoveryMode>"
        assert (await client.call(f"<tds:SetDiscoveryMode>{mode}</tds:SetDiscoveryMode>")).status == 200
    async with running(tmp_path) as (relay, _client):
        device = relay.devices.whole()
        assert (device.scopes_given, device.discoverable) == ((HALL,), True)


async def test_of_too_many_cameras_those_that_are_gone_are_forgotten_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def change_all(client: Client, path: str) -> str:
        """Has something kept of a camera in each of the files; the name of its device."""
        await relay.set_encoder(path, bitrate=300_000, keep=True)
        hidden = "<tds:DiscoveryMode>NonDiscoverable</tds:DiscoveryMode>"
        preset = f"<tptz:ProfileToken>{path}/main</tptz:ProfileToken>"
        for service, body in (
            ("device_service", f"<tds:SetDiscoveryMode>{hidden}</tds:SetDiscoveryMode>"),
            ("ptz_service", f"<tptz:SetPreset>{preset}</tptz:SetPreset>"),
        ):
            assert (await client.call(body, f"/onvif/{path}/{service}")).status == 200
        device = relay.devices.of_camera(path)
        assert device is not None
        return device.urn

    monkeypatch.setattr(kept_file, "MOST_NAMES", 2)
    async with running(tmp_path) as (relay, client):
        urns = [await change_all(client, "yard")]
        for path in ("hall", "shed"):
            await relay.add_camera(path, camera="pattern", size="320x180", microphone="none")
            urns.append(await change_all(client, path))
            await relay.remove_camera(path)
    for name, kept in (
        (ENCODER_FILE, ["yard", "shed"]),
        (PRESET_FILE, ["yard", "shed"]),
        (DEVICE_FILE, [urns[0], urns[2]]),
    ):
        assert list(json.loads((tmp_path / name).read_bytes())) == kept
