"""HTTP Live Streaming as programs that people have play it, and held against the specification."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from urllib.parse import urljoin

import numpy as np
import pytest
from numpy.typing import NDArray

from relaycore.capture.strip import read_strip
from tests.interop.checks import assert_tone
from tests.interop.opencv import read_opencv
from tests.interop.players import SIZE
from tests.interop.recording import read_file
from tests.support.fmp4 import samples, timescales
from tests.support.hls import Playlist, read_media, read_multivariant, reloaded
from tests.support.media import FPS, make_media
from tests.support.processes import first_bytes, run
from tests.support.server import Server, serve

PICTURES = 45

IN_ORDER = {"tune": "zerolatency"}
"""Options of libx264 for pictures that are not reordered."""

SAID_AGAIN = {**IN_ORDER, "x264-params": "repeat-headers=1"}
"""The same with parameter sets before each key picture."""


def index(server: Server) -> str:
    host, port = server.address
    return f"http://{host}:{port}/cam/index.m3u8"


def check(pictures: NDArray[np.uint8]) -> None:
    """That these are pictures of the pattern, none missing, and not old."""
    found = [read_strip(picture.astype(np.float64).mean(axis=2)) for picture in pictures]
    counters = [read[0] for read in found if read is not None]
    assert len(counters) == len(pictures) > 0
    steps = np.diff(counters)
    # A camera that was held up skips numbers itself.
    assert (steps >= 1).all()
    assert np.median(steps) == 1
    assert found[-1] is not None
    assert 0 <= time.time() * 1000 - found[-1][1] < 60_000


def test_ffmpeg_plays_pictures_and_sound(server: Server, tmp_path: Path) -> None:
    output = tmp_path / "ffmpeg.nut"
    source = ["ffmpeg", "-v", "error", "-nostdin", "-y", "-i", index(server)]
    raw = ["-frames:v", str(PICTURES), "-fps_mode", "passthrough", "-c:v", "rawvideo", "-pix_fmt", "rgb24"]
    run([*source, *raw, "-c:a", "pcm_s16le", str(output)])
    found = read_file(output)
    check(found.pictures)
    assert_tone(found.sound, found.sound_rate)


def test_pyav_plays_it(server: Server) -> None:
    """With an FFmpeg that is years newer than Debian's."""
    found = read_file(index(server), limit=PICTURES)
    check(found.pictures)


def test_mpv_plays_it(server: Server, tmp_path: Path) -> None:
    output = tmp_path / "mpv.nut"
    source = ["mpv", "--no-config", "--msg-level=all=error", f"--frames={PICTURES}", index(server)]
    run([*source, f"--o={output}", "--of=nut", "--ovc=rawvideo", "--vf=format=rgb24", "--oac=pcm_s16le"])
    check(read_file(output).pictures)


SOURCES = {
    "hlsdemux": "souphttpsrc location={url} ! hlsdemux ! qtdemux name=parts "
    "parts.video_0 ! queue ! decodebin",
    "hlsdemux2": "uridecodebin3 uri={url} caps=video/x-raw",
}


@pytest.mark.parametrize("demuxer", SOURCES)
def test_gstreamer_plays_it(server: Server, tmp_path: Path, demuxer: str) -> None:
    width, height = SIZE
    pipeline = SOURCES[demuxer].format(url=index(server))
    pipeline += " ! videoconvert ! video/x-raw,format=RGB ! fdsink"
    command = ["gst-launch-1.0", "--quiet", *pipeline.split()]
    data = first_bytes(command, width * height * 3 * PICTURES, tmp_path, limit=60)
    check(np.frombuffer(data, np.uint8).reshape(PICTURES, height, width, 3))


def test_opencv_plays_it(server: Server) -> None:
    check(read_opencv(index(server), PICTURES))


class Follower:
    """Plays by low latency with nothing but curl, and keeps all that it sees."""

    def __init__(self, server: Server, folder: Path) -> None:
        self._folder = folder
        first = index(server)
        self.media = urljoin(first, read_multivariant(self._get(first).decode()).uri)
        self.playlists: list[Playlist] = [self._reload("")]

    def follow(self, reloads: int) -> None:
        """Reloads as a player does: each time for the part that comes next."""
        for _ in range(reloads):
            number, parts = self.playlists[-1].end
            self.playlists.append(self._reload(f"&_HLS_msn={number}&_HLS_part={parts}"))
            reloaded(*self.playlists[-2:])

    def get(self, uri: str) -> bytes:
        """What stands in a playlist."""
        return self._get(urljoin(self.media, uri))

    def _reload(self, query: str) -> Playlist:
        return read_media(self._get(self.media + query).decode())

    def _get(self, url: str) -> bytes:
        place = self._folder / "got"
        run(["curl", "--silent", "--show-error", "--fail", "--max-time", "20", "-o", place, url])
        return place.read_bytes()


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Follower]:
    """Of a film, whose pictures are on time whatever else the machine has to do."""
    folder = tmp_path_factory.mktemp("hls")
    film = make_media(folder / "film.mp4", sound="aac", frames=60 * FPS, options=IN_ORDER)
    settings = folder / "relaycore.toml"
    settings.write_text(f"[paths.cam]\nsource = '{film}'\n")
    with serve(str(settings), streams=0) as server:
        follower = Follower(server, folder)
        follower.follow(20)
        yield follower


def test_every_reload_keeps_the_rules_and_has_something_new(followed: Follower) -> None:
    ends = [playlist.end for playlist in followed.playlists]
    assert all(before < after for before, after in pairwise(ends))
    last = followed.playlists[-1]
    assert 0 < time.time() - last.segments[-1].moment.timestamp() < 30


def test_what_is_listed_is_what_it_says(followed: Follower) -> None:
    """Times and durations of the playlist are those in the files, and the parts are the segment."""
    last = followed.playlists[-1]
    rates = timescales(followed.get(last.segments[0].init))
    assert sorted(rates) == [1, 2]
    end = None
    for segment in [segment for segment in last.whole if segment.parts]:
        data = followed.get(segment.uri)
        assert b"".join(followed.get(part.uri) for part in segment.parts) == data
        pictures = [sample for sample in samples(data) if sample.track == 1]
        assert pictures[0].sync
        start = pictures[0].time / rates[1]
        assert end is None or start == pytest.approx(end, abs=0.001), "no gap and no overlap"
        end = (pictures[-1].time + pictures[-1].duration) / rates[1]
        assert end - start == pytest.approx(segment.duration, abs=0.001)
        for part in segment.parts:
            pieces = [sample for sample in samples(followed.get(part.uri)) if sample.track == 1]
            assert sum(sample.duration for sample in pieces) / rates[1] == pytest.approx(
                part.duration, abs=0.001
            )
            assert pieces[0].sync == part.independent
        heard = [sample for sample in samples(data) if sample.track == 2]
        length = sum(sample.duration for sample in heard) / rates[2]
        assert length == pytest.approx(segment.duration, abs=0.1)


def test_the_hint_is_answered_when_the_part_is_there(followed: Follower) -> None:
    hint = followed.playlists[-1].hint
    assert hint is not None
    assert samples(followed.get(hint))


@pytest.mark.parametrize("said", ["in the description only", "again and again"])
def test_a_publisher_with_another_picture_is_behind_a_discontinuity(tmp_path: Path, said: str) -> None:
    """Those who watch go on with the same playlist, wherever the parameter sets are."""
    options = SAID_AGAIN if said == "again and again" else IN_ORDER
    films = [
        make_media(tmp_path / f"{width}.mp4", sound="aac", frames=60 * FPS, size=(width, 96), options=options)
        for width in (96, 128)
    ]
    settings = tmp_path / "relaycore.toml"
    settings.write_text("[paths.cam]\nread = true\n")
    with serve(str(settings), streams=0) as server:
        with published(films[0], server.url_of("cam")):
            server.wait_for("session started")
            follower = Follower(server, tmp_path)
            follower.follow(2)
        server.wait_for("the publisher has left")
        with published(films[1], server.url_of("cam")):
            for _ in range(60):
                follower.follow(1)
                last = follower.playlists[-1]
                if any(segment.discontinuity for segment in last.whole):
                    break
    (cut,) = (segment for segment in last.whole if segment.discontinuity)
    assert cut.discontinuity_sequence == 1
    assert cut.parts[0].independent
    assert cut.init != last.segments[0].init


@contextmanager
def published(film: Path, url: str) -> Iterator[None]:
    """A film, as ffmpeg publishes it, as long as this lasts."""
    to = ("-c", "copy", "-f", "rtsp", "-rtsp_transport", "tcp", url)
    command = ("ffmpeg", "-v", "error", "-nostdin", "-re", "-i", str(film), *to)
    with subprocess.Popen(command) as publisher:
        try:
            yield
        finally:
            publisher.kill()
