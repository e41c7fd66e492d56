"""The configuration that is read again."""

import asyncio
import logging
from pathlib import Path

import pytest

from relaycore import CameraSettings, Config, Relay
from relaycore.control.cli import main
from relaycore.control.passwords import with_users
from relaycore.control.reloading import reload_once
from relaycore.errors import ConfigurationError
from relaycore.settings import User
from relaycore.system.file_watch import WatchedFile
from tests.support.rtsp import Client


async def test_what_a_reload_did_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "relaycore")
    camera = CameraSettings(camera="pattern", size="320x240", fps=10, encoder="libx264")
    async with (
        Relay(Config(port=0, cameras={"cam": camera})) as relay,
        await Client.connect(relay.urls("cam")[0]) as client,
    ):
        await client.start(udp=False)
        await reload_once(relay, lambda: Config(port=9))
    assert [record.getMessage() for record in caplog.records if "reloading" in record.name] == [
        "port changed: this takes effect when relaycore is started again",
        "cameras.cam removed",
        "the session is ended: cameras.cam removed.",
    ]


async def test_a_configuration_that_is_wrong_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def load() -> Config:
        raise ConfigurationError("r.toml:1: port: wrong.", "r.toml:2: host: wrong.")

    async with Relay(Config(port=0, publish="configured")) as relay:
        await reload_once(relay, load)
        assert relay.config.publish == "configured"
    assert [record.getMessage() for record in caplog.records] == [
        "the configuration stays as it was: r.toml:1: port: wrong.",
        "the configuration stays as it was: r.toml:2: host: wrong.",
    ]


async def test_a_file_is_told_once_for_each_content(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text("1")
    told: asyncio.Queue[str] = asyncio.Queue()

    def changed() -> None:
        told.put_nowait(file.read_text() if file.exists() else "gone")

    watching = asyncio.create_task(WatchedFile(file).watch(changed, look_s=0.01))
    try:
        for content in ("12", "123"):
            other = tmp_path / "new"
            other.write_text(content)
            other.replace(file)
            assert await asyncio.wait_for(told.get(), 20) == content
        file.unlink()
        assert await asyncio.wait_for(told.get(), 20) == "gone"
        assert told.empty()
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


def test_users_of_the_command_line_stay_when_the_file_is_read_again() -> None:
    anna, bo = User(name="anna", password="a"), User(name="bo", password="b")
    config = with_users(Config(users=[User(name="bo", password="of the file")]), [bo, anna])
    assert config.users == [bo, anna]


def test_a_dry_run_shows_what_would_change(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    old, new = tmp_path / "old.toml", tmp_path / "new.toml"
    old.write_text('port = 1\n[cameras.front]\n[[users]]\nname = "anna"\npassword = "hunter2"\n')
    new.write_text('port = 2\n[cameras.front]\nfps = 5\n[paths.door]\nsource = "a.mp4"\n')
    assert main(["reload", "--dry-run", str(new), "--against", str(old)]) == 0
    output = capsys.readouterr().out
    lines = [" ".join(line.strip("│ \n").replace("│", " ").split()) for line in output.splitlines()]
    assert "port changed after a restart" in lines
    assert "users.anna removed at once, ends sessions those of anna" in lines
    assert "cameras.front.fps changed at once, ends sessions those at front" in lines
    assert "paths.door.source added at once" in lines
    assert "hunter2" not in output


def test_a_dry_run_without_changes_says_so(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text('[cameras.front]\ncamera = "pattern"\n')
    assert main(["reload", "--dry-run", str(file), "--against", str(file)]) == 0
    assert capsys.readouterr().out == "Nothing would change, and no session would end.\n"
    assert main(["reload", str(file), "--against", str(file)]) == 2
    assert "add --dry-run" in capsys.readouterr().err
