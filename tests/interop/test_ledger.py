"""Sessions of ffmpeg leave exactly their records, with what they carried and why they ended."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from relaycore.ledger.records import Session
from tests.support.ledger import written
from tests.support.media import FPS, make_media
from tests.support.processes import run
from tests.support.server import serve

PICTURES = 30

ON: dict[str, str] = {
    "RELAYCORE_LEDGER__ENABLED": "true",
    "RELAYCORE_LEDGER__ADDRESSES": "full",
    "RELAYCORE_USERS__ANNA__PASSWORD": "secret",
}

HEADER = 12
"""Bytes of an RTP header (RFC 3550 section 5.1)."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder, and a ledger in it for the server that the test starts."""
    for name, value in ON.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("RELAYCORE_STATE_FOLDER", str(tmp_path / "state"))
    return tmp_path / "state"


def with_login(url: str, password: str = "secret") -> str:
    return url.replace("rtsp://", f"rtsp://anna:{password}@")


def read(url: str, transport: str, output: Path) -> None:
    """Copy some pictures of a stream."""
    source = ["ffmpeg", "-v", "error", "-nostdin", "-y", "-rtsp_transport", transport, "-i", url]
    run([*source, "-c", "copy", "-frames:v", str(PICTURES), "-f", "h264", output])


def test_readers_of_ffmpeg_are_on_record(folder: Path, tmp_path: Path) -> None:
    with serve("--camera", "pattern", "--microphone", "none") as server:
        for transport in ("tcp", "udp"):
            read(with_login(server.url), transport, tmp_path / f"{transport}.h264")
        with pytest.raises(AssertionError):
            read(with_login(server.url, "guess"), "tcp", tmp_path / "nothing.h264")
        assert server.stop() == 0
    sessions: list[Session] = written(folder, "session")
    assert [session.transport for session in sessions] == ["tcp", "udp"]
    for session in sessions:
        size = (tmp_path / f"{session.transport}.h264").stat().st_size
        assert session.bytes is not None
        assert session.bytes > size * 0.9, "parameter sets may have come with the description"
        assert (session.subject, session.role, session.path) == ("anna", "operator", "cam")
        assert (session.action, session.protocol, session.network) == ("read", "rtsp", "127.0.0.1")
        assert session.reason == "the client ended it"
        assert session.client is not None
        assert session.client.startswith("Lavf")
        assert session.first_picture_ms is not None
        assert session.to is not None
        assert 0 <= session.first_picture_ms <= session.to - session.begun
    assert [opening.id for opening in written(folder, "opening")] == [session.id for session in sessions]
    (refusal,) = written(folder, "refusal")
    assert (refusal.subject, refusal.status, refusal.reason) == ("anna", 401, "Wrong password or user")
    assert written(folder, "act") == []


def test_a_publisher_is_on_record_with_what_it_sent(folder: Path, tmp_path: Path) -> None:
    """Raw sound has a size that is known: 8000 bytes a second, and a header for each packet."""
    seconds = 3
    sound = make_media(tmp_path / "tone.mov", sound="pcm_mulaw", frames=FPS * seconds)
    with serve("--no-camera", streams=0) as server:
        source = ["ffmpeg", "-v", "error", "-nostdin", "-re", "-i", str(sound), "-map", "0:a"]
        target = ["-c", "copy", "-f", "rtsp", "-rtsp_transport", "tcp", with_login(server.url_of("tone"))]
        run([*source, *target])
        assert server.stop() == 0
    (session,) = written(folder, "session")
    payload = 8000 * seconds
    packets = payload // 160 + 10
    assert payload * 0.98 <= session.bytes <= payload * 1.02 + packets * HEADER
    assert (session.action, session.path, session.subject) == ("publish", "tone", "anna")
    assert session.reason == "the client ended it"
    assert session.first_picture_ms is None


def test_a_killed_server_has_its_readers_on_record(folder: Path) -> None:
    """The session that was let in is there, and the next start says that its end is not known."""
    with serve("--camera", "pattern", "--microphone", "none") as server:
        url = with_login(server.url)
        source = ["ffmpeg", "-v", "error", "-nostdin", "-rtsp_transport", "tcp", "-i", url, "-c", "copy"]
        reader = subprocess.Popen([*source, "-f", "h264", "-"], stdout=subprocess.PIPE)
        assert reader.stdout is not None
        with reader, reader.stdout:
            assert reader.stdout.read(1)
            server.process.kill()
            server.process.wait()
    (opening,) = written(folder, "opening")
    assert (opening.subject, opening.path) == ("anna", "cam")
    assert written(folder, "session") == []
    with serve("--no-camera", streams=0):
        pass
    (session,) = written(folder, "session")
    assert (session.id, session.reason) == (opening.id, "the relay ended without notice")
    assert (session.to, session.bytes) == (None, None)
