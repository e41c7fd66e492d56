"""``relaycore check``: what it explains, what it shows, and that it starts nothing."""

from pathlib import Path

import pytest

from relaycore.control.cli import main
from relaycore.control.summary import path_rows, who_comes_in
from relaycore.settings import CameraSettings, Config, MulticastSettings, PathSettings, User

ALL = "all who may come in"


def test_a_right_file_is_shown(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "relaycore.toml"
    file.write_text(
        '[cameras.front]\ncamera = "pattern"\n[paths.door]\nsource = "rtsp://a:hunter2@camera/1"\n'
    )
    assert main(["check", str(file)]) == 0
    output = capsys.readouterr()
    assert output.err == ""
    assert f"{file} is right. It listens on port 8554 of 127.0.0.1" in output.out
    assert "camera pattern" in output.out
    assert "rtsp://***@camera/1" in output.out
    assert "hunter2" not in output.out


def test_masks_are_shown(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "relaycore.toml"
    file.write_text(
        '[cameras.front]\ncamera = "pattern"\n[[cameras.front.masks]]\nname = "the street"\n'
        'polygon = [[0, 0], [0.5, 0.125], [0, 1]]\nfill = "blur"\n'
        "[[cameras.front.masks]]\nrectangle = [0, 0, 0.25, 1]\n"
    )
    assert main(["check", str(file)]) == 0
    output = capsys.readouterr().out
    assert "Privacy masks" in output
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in output.splitlines()]
    assert ["front", "the street", "polygon 0,0 0.5,0.125 0,1", "blur"] in rows
    assert ["front", "", "rectangle from 0, 0 to 0.25, 1", "black"] in rows


def test_all_mistakes_are_told_and_nothing_else(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "relaycore.toml"
    file.write_text('port = "x"\n[cameras.front]\nfps = 0\n')
    assert main(["check", str(file)]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    lines = output.err.splitlines()
    assert [line.split(": ")[1:3] for line in lines] == [
        [f"{file}:1", "port"],
        [f"{file}:3", "cameras.front.fps"],
    ]


def test_the_environment_is_checked_as_well(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "relaycore.toml"
    file.write_text("port = 1\n")
    monkeypatch.setenv("RELAYCORE_PORT", "x")
    assert main(["check", str(file)]) == 2
    assert capsys.readouterr().err.startswith('relaycore: RELAYCORE_PORT: "x" is not right;')


def test_each_path_has_a_row() -> None:
    config = Config(
        cameras={"cam": CameraSettings(), "yard": CameraSettings(camera="pattern")},
        paths={
            "cam": PathSettings(read=["anna"]),
            "drone": PathSettings(publish=["bo"], read=False, transcode="auto"),
            "door": PathSettings(
                source=["rtsp://a:b@camera/1", "away.mp4"],
                source_on_demand=True,
                forward=["rtmp://a:b@server/app"],
                multicast=MulticastSettings(group="239.255.0.1"),
            ),
        },
        path_defaults=PathSettings(transcode="h264", publish=[]),
    )
    assert path_rows(config) == [
        ("cam", "the first camera", "anna", "", ""),
        (
            "door",
            "rtsp://***@camera/1, or away.mp4, on demand",
            ALL,
            "",
            "rtmp://***@server/app, 239.255.0.1 port 5004",
        ),
        ("drone", "a publisher", "nobody", "bo", "drone/h264 where needed"),
        ("yard", "camera pattern", ALL, "", ""),
        ("any other", "a publisher", ALL, "nobody", "PATH/h264"),
    ]
    assert path_rows(Config()) == [("any other", "a publisher", ALL, ALL, "")]
    assert path_rows(Config(publish="configured")) == []
    assert path_rows(Config(path_defaults=PathSettings(publish=False))) == []


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        (Config(), "It listens on port 8554 of 127.0.0.1, which only this machine reaches."),
        (
            Config(lan=True),
            "It listens on port 8554 of all addresses. No user is named, so one is made at the start.",
        ),
        (
            Config(lan=True, anonymous=True),
            "It listens on port 8554 of all addresses. Everybody may come in.",
        ),
        (
            Config(host="10.0.0.1", port=554, users=[User(name="anna", password="x")]),
            "It listens on port 554 of 10.0.0.1. These may come in: anna.",
        ),
        (
            Config(lan=True, anonymous=True, users=[User(name="anna", password="x")]),
            "It listens on port 8554 of all addresses. Everybody may read, and publish as anna.",
        ),
    ],
)
def test_a_sentence_says_who_comes_in(config: Config, sentence: str) -> None:
    assert who_comes_in(config) == sentence
