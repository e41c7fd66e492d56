"""Mistakes with ``relaycore fleet``: what is said of each, and that nothing begins."""

from __future__ import annotations

import socket
from pathlib import Path

import av
import pytest

from relaycore.capture.model import Camera, Devices
from relaycore.control.cli import main
from relaycore.control.commands import fleet

WRONG = [
    ("--cameras 0", "A fleet has 1 to 1000 cameras."),
    ("--cameras 1001", "A fleet has 1 to 1000 cameras."),
    ("--cameras many", "--cameras"),
    ("--faulty -1", "it should be a number of cameras, from 0 to 1000, like --faulty 5."),
    ("--faulty some", "--faulty"),
    ("--cameras 3 --faulty 4", "--faulty: the fleet has 3 cameras, and no more."),
    ("--loss -0.1", '--loss: "-0.1" is not right; it should be a share from 0 to 1, like --loss 0.02.'),
    ("--loss 2%", "--loss"),
    ("--jitter 11", "it should be a number of seconds up to 10, like --jitter 0.05."),
    ("--wrong-clock nan", "it should be a number of seconds, like --wrong-clock 3600."),
    ("--wrong-clock yesterday", "--wrong-clock"),
    ("--disconnect -5", '--disconnect: "-5" is not right; it should be a number of seconds, like'),
    ("--disconnect nan", "--disconnect"),
    ("--disconnect 1e9", "--disconnect"),
    ("--disconnect often", "--disconnect"),
    ("--size big", "'big' is not a size: write width and height in pixels, like 1280x720."),
    ("--fps 0", "it should be pictures per second, up to 240, like --fps 30."),
    ("--faulty 2", "--faulty: say what is to go wrong, like --loss 0.02."),
]


def refused(capsys: pytest.CaptureFixture[str], *options: str) -> str:
    """What is said of options that are not right."""
    assert main(["fleet", "--port", "0", *options]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    return said.err


@pytest.mark.parametrize(("options", "sentence"), WRONG, ids=[options for options, _ in WRONG])
def test_a_mistake_is_told_with_what_would_be_right(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, options: str, sentence: str
) -> None:
    said = refused(capsys, "--state-folder", str(tmp_path), *options.split())
    assert sentence in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("cameras", "sentence"),
    [
        (
            [],
            "relaycore: --source: there is no file 'missing.mp4': give a media file, or the test pattern by "
            "`--source pattern`.\n",
        ),
        # Then it may be the name of one, which is looked for as the relay does.
        ([Camera("HD Camera", "/dev/video0", (), "v4l2")], "There is no camera and no file 'missing.mp4'"),
    ],
)
def test_a_source_that_is_not_there_is_told(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    cameras: list[Camera],
    sentence: str,
) -> None:
    monkeypatch.setattr(fleet, "list_devices", lambda: Devices(cameras, []))
    options = ("--state-folder", str(tmp_path), "--source", "pattern", "--source", "missing.mp4")
    assert sentence in refused(capsys, *options)


def test_a_port_that_is_in_use_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = refused(capsys, "--state-folder", str(tmp_path), "--port", port, "--cameras", "1")
    assert f"Port {port} of 127.0.0.1 is in use" in said


def test_a_file_without_pictures_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "sound.wav"
    with av.open(str(file), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame(format="s16", layout="mono", samples=800)
        frame.sample_rate = 8000
        frame.planes[0].update(bytes(frame.planes[0].buffer_size))
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    said = refused(capsys, "--state-folder", str(tmp_path / "state"), "--source", str(file))
    assert str(file) in said
    assert "Traceback" not in said
