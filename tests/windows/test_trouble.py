"""Cameras that are busy, unplugged, or write JPEG as they like."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from tests.windows.pictures import Pictures, camera_pictures, number_of, play, reader
from tests.windows.wine import CAMERA_NAME, Record, run, serve

pytestmark = pytest.mark.timeout(240)

SMALL = (320, 240)

SEGMENTS = {
    "as AVI has it": b"\xff\xe0\x00\x10AVI1\x00\x00" + bytes(8),
    "of one byte": b"\xff\xe0\x00\x03\x00",
    "of length 0": b"\xff\xe0\x00\x00",
    "longer than the frame": b"\xff\xe0\xff\xf0AVI1\x00\x00",
}
"""APP0 segments of webcams. The last two are broken: FFmpeg complains of them in every frame."""

BROKEN = {"of length 0", "longer than the frame"}

START = b"\xff\xd8\xff"
"""Start of image, and the start of the first segment."""


def test_a_camera_that_another_program_has_is_explained_in_a_sentence() -> None:
    with serve("--size", "320x240"):
        second = run("serve", "--port", "0")
    assert second.returncode == 2
    said = [line for line in second.stderr.splitlines() if line.startswith("relaycore: ")]
    (sentence,) = said
    assert sentence.startswith(
        f"relaycore: {CAMERA_NAME!r} is used by another program: close that program and try again; if there "
        "is none, in Settings, Privacy, Camera, allow desktop apps"
    )
    assert "Traceback" not in second.stderr


def test_readers_stay_while_the_camera_is_unplugged(plug: Path) -> None:
    shown = camera_pictures(SMALL)
    with serve("--size", "320x240") as (server, url), reader(url) as pictures:
        until(pictures, shown, camera=True)
        plug.touch()
        server.wait_for(lambda record: record["message"].startswith("camera lost"))
        until(pictures, shown, camera=False)
        assert [number_of(picture, shown) for picture in islice(pictures, 3)] == [None] * 3
        plug.unlink()
        until(pictures, shown, camera=True)
        assert sum(is_session_start(record) for record in server.log) == 1
        assert not any(record["message"] == "session ended" for record in server.log)
        told = [record["message"] for record in server.log if record["message"].startswith("camera")]
        assert told[0].startswith("camera lost")
        assert told[1:] == ["camera is back"], "one loss is told once"


@pytest.mark.parametrize("segment", SEGMENTS)
def test_odd_application_segments_are_no_error(segment: str, small_frames: Path, tmp_path: Path) -> None:
    shown = camera_pictures(SMALL)
    small_frames.write_bytes(with_segment(small_frames.read_bytes(), SEGMENTS[segment]))
    with serve("--size", "320x240") as (server, url):
        pictures = play(url, "tcp", 60, tmp_path / "pictures")
    assert None not in [number_of(picture, shown) for picture in pictures]
    told = [record for record in server.log if record["level"] == "warning"]
    assert len(told) == (segment in BROKEN), told


def until(pictures: Iterator[Pictures], shown: Pictures, *, camera: bool) -> None:
    """Look at pictures until there is one that is the camera's, or is not."""
    next(picture for picture in pictures if (number_of(picture, shown) is not None) is camera)


def is_session_start(record: Record) -> bool:
    """Whether this says that somebody plays."""
    return bool(record["message"] == "session started")


def with_segment(frames: bytes, segment: bytes) -> bytes:
    """All frames with this segment in place of their own application segments."""
    changed = []
    for frame in frames.split(START)[1:]:
        data = START + frame
        at = 2
        while data[at] == 0xFF and 0xE0 <= data[at + 1] <= 0xEF:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        changed.append(START[:2] + segment + data[at:])
    return b"".join(changed)
