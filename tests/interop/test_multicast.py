"""Players that ask for multicast, in a network of their own: only its loopback interface hears the group."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.interop.checks import assert_colours, counters
from tests.interop.players import PICTURES, play_gstreamer
from tests.interop.recording import Recording, read_file
from tests.support.processes import run

NETWORK = """
ip link set lo up
ip link set lo multicast on
ip route add 224.0.0.0/4 dev lo src 127.0.0.1
exec "$@"
"""


DESCRIBE = """
import socket, sys
from urllib.parse import urlsplit
server = urlsplit(sys.argv[1])
with socket.create_connection((server.hostname, server.port), timeout=10) as asked:
    asked.sendall(f"DESCRIBE {sys.argv[1]} RTSP/1.0\\r\\nCSeq: 1\\r\\nConnection: close\\r\\n\\r\\n".encode())
    answer = asked.makefile("r", newline="")
    length = 0
    while (line := answer.readline().strip()):
        name, _, value = line.partition(":")
        if name.lower() == "content-length":
            length = int(value)
    print(answer.read(length), end="")
"""
"""Prints the description at a URL."""


@dataclass(frozen=True, slots=True)
class World:
    """A relay in its network."""

    url: str
    enter: list[str]
    """What to put in front of a command that runs there."""

    def play_ffmpeg(self, transport: str, output: Path, pictures: int = PICTURES) -> None:
        """Decodes so many pictures into ``output``."""
        source = ["ffmpeg", "-v", "error", "-nostdin", "-y", "-rtsp_transport", transport, "-i", self.url]
        video = ["-an", "-fps_mode", "passthrough", "-frames:v", str(pictures)]
        run([*self.enter, *source, *video, "-c:v", "rawvideo", "-pix_fmt", "rgb24", output])

    def describe(self, path: str) -> str:
        """The description of a path for who takes it by multicast."""
        base = self.url.rpartition("/")[0]
        return run([*self.enter, sys.executable, "-c", DESCRIBE, f"{base}/{path}?multicast"])

    def play_gstreamer(self, protocols: str, query: str, directory: Path) -> Recording:
        """Decodes pictures and sound."""
        return play_gstreamer(self.url + query, protocols, directory, self.enter)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    program = Path(__file__).with_name("multicast_relay.py")
    network = ["unshare", "--map-root-user", "--net", "sh", "-ec", NETWORK, "sh"]
    command = [*network, sys.executable, str(program)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as relay:
        assert relay.stdin is not None
        assert relay.stdout is not None
        try:
            url = relay.stdout.readline().strip()
            assert url, "the relay did not start"
            enter = ["nsenter", f"--target={relay.pid}", "--user", "--net", "--preserve-credentials"]
            yield World(url, enter)
            relay.stdin.close()
            assert relay.wait(timeout=30) == 0
        finally:
            relay.kill()


def assert_played(recording: Recording, pictures: int = PICTURES) -> None:
    """The pictures are there, each is newer than the one before, and they look as they were painted."""
    seen = counters(recording)
    assert len(seen) == pictures
    assert seen == sorted(set(seen))
    assert_colours(recording.pictures[-1])


def test_two_players_share_the_group_and_one_leaves(world: World, tmp_path: Path) -> None:
    first, second = tmp_path / "first.nut", tmp_path / "second.nut"
    with ThreadPoolExecutor() as players:
        short = players.submit(world.play_ffmpeg, "udp_multicast", first)
        # It goes on when the other has long left.
        long = players.submit(world.play_ffmpeg, "udp_multicast", second, 4 * PICTURES)
        short.result()
        long.result()
    assert_played(read_file(first))
    assert_played(read_file(second), 4 * PICTURES)


@pytest.mark.parametrize("query", ["", "?multicast"], ids=["for all", "for multicast"])
def test_gstreamer_plays_by_multicast(world: World, query: str, tmp_path: Path) -> None:
    assert_played(world.play_gstreamer("udp-mcast", query, tmp_path))


@pytest.mark.parametrize("protocols", ["tcp", "udp"])
def test_a_group_keeps_nobody_from_unicast(world: World, protocols: str, tmp_path: Path) -> None:
    assert_played(world.play_gstreamer(protocols, "", tmp_path))
    output = tmp_path / "unicast.nut"
    world.play_ffmpeg(protocols, output)
    assert_played(read_file(output))


def test_who_only_listens_has_a_group_that_is_sent_to_without_sessions(world: World, tmp_path: Path) -> None:
    described = world.describe("alone")
    assert "c=IN IP4 239.255.42.2/1" in described
    # All that a decoder needs is among the pictures.
    bare = re.sub(r";?\s*sprop-parameter-sets=[^;\s]*", "", described)
    assert bare != described
    file, output = tmp_path / "alone.sdp", tmp_path / "alone.nut"
    file.write_text(bare)
    source = [
        "ffmpeg",
        "-v",
        "fatal",
        "-nostdin",
        "-y",
        "-protocol_whitelist",
        "file,udp,rtp",
        "-i",
        str(file),
    ]
    video = ["-an", "-fps_mode", "passthrough", "-frames:v", str(PICTURES)]
    run([*world.enter, *source, *video, "-c:v", "rawvideo", "-pix_fmt", "rgb24", output])
    assert_played(read_file(output))
