"""Servers that are measured: relaycore, and the peers that it is compared with.

A file ``versus/peers/NAME.toml`` says how one is started. Command lines are lists, with placeholders in their
words: ``{port}`` to listen on, ``{path}`` of the stream, ``{source_port}`` to which plain RTP comes,
``{udp_port}`` and ``{udp_port_1}`` for RTP and RTCP of a server that uses one pair of ports for all,
``{cpu}`` that it runs on, ``{python}``, ``{folder}`` of the file, ``{built}`` for what is built once,
``{scratch}`` for what is kept for one run. A brace that is none of these is doubled.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Literal

import msgspec

from benchmarks.pinned import pinned
from benchmarks.server import cpu_ns

__all__ = ["FOLDER", "PATH", "Peer", "Target", "peer", "peers", "start", "version"]

FOLDER: Final = Path(__file__).parent / "versus/peers"
BUILT: Final = Path(__file__).parents[1] / ".cache/bench"
PATH: Final = "live"

START_S: Final = 30.0
"""For a start; only a hang takes that long."""
END_S: Final = 10.0
BUILD_S: Final = 600.0


class Peer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a server is started.

    ``source`` is how the stream comes to it: ``publish`` by ANNOUNCE and RECORD to ``url``, ``rtp_udp`` as
    plain RTP to the source port. ``version`` prints one line, and fails where the server is not installed.
    ``build`` is what makes it, if it has to be made. ``files`` are written to the scratch folder, with the
    same placeholders. ``process`` names the descendant to measure, where it is not the process started.
    """

    name: str
    version: list[str]
    command: list[str]
    url: str
    source: Literal["publish", "rtp_udp"]
    transports: tuple[Literal["tcp", "udp"], ...] = ("tcp", "udp")
    build: list[str] = []
    files: dict[str, str] = {}
    process: str = ""


def peer(name: str) -> Peer:
    """What ``versus/peers/NAME.toml`` says. ValueError with the file and the line where it is wrong."""
    path = FOLDER / f"{name}.toml"
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Peer)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise ValueError(f"{path}: {error}") from error


def peers() -> list[str]:
    """The names of all, relaycore first."""
    names = sorted(path.stem for path in FOLDER.glob("*.toml"))
    return sorted(names, key=lambda name: name != "relaycore")


def version(which: Peer) -> str | None:
    """The version of a server, built where it has to be; None where it is not there."""
    words = {"python": sys.executable, "folder": str(FOLDER), "built": str(BUILT)}
    BUILT.mkdir(parents=True, exist_ok=True)
    try:
        if which.build:
            build = [word.format_map(words) for word in which.build]
            subprocess.run(build, check=True, timeout=BUILD_S, capture_output=True)
        command = [word.format_map(words) for word in which.version]
        told = subprocess.run(command, check=True, timeout=START_S, capture_output=True, text=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return told.stdout.strip()


@dataclass(frozen=True, slots=True)
class Target:
    """A server that is up. ``pid`` is that of the process that is measured."""

    peer: Peer
    pid: int
    url: str
    source_url: str

    def cpu_seconds(self) -> float:
        """Processor time of all its threads up to now."""
        return cpu_ns(self.pid) / 1e9

    def memory_kib(self) -> float:
        """What it has in RAM."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text(encoding="utf-8").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1024

    def thread_seconds(self) -> dict[str, float]:
        """Processor time of each thread by its name and number; the first is the main thread."""
        times = {}
        for task in sorted(Path(f"/proc/{self.pid}/task").iterdir(), key=lambda task: int(task.name)):
            with suppress(OSError):  # a thread that has just ended
                name = (task / "comm").read_text(encoding="utf-8").strip()
                ran = (task / "schedstat").read_text(encoding="utf-8").split()[0]
                times[f"{name}/{task.name}"] = int(ran) / 1e9
        return times


@contextmanager
def start(which: Peer, cpus: tuple[int, ...]) -> Iterator[Target]:
    """A server on some processors, from the moment it accepts connections to its end.

    RuntimeError with what it wrote when it does not come up.
    """
    port, source_port, udp_port = _free_ports()
    with TemporaryDirectory(prefix="relaycore-bench-") as scratch:
        words = {
            "port": str(port),
            "path": PATH,
            "source_port": str(source_port),
            "udp_port": str(udp_port),
            "udp_port_1": str(udp_port + 1),
            "cpu": str(cpus[0]),
            "python": sys.executable,
            "folder": str(FOLDER),
            "built": str(BUILT),
            "scratch": scratch,
        }
        for name, content in which.files.items():
            (Path(scratch) / name).write_text(content.format_map(words), encoding="utf-8")
        command = [word.format_map(words) for word in which.command]
        output = Path(scratch) / "output"
        with output.open("wb") as log:
            process = subprocess.Popen(
                pinned(cpus, command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            _wait_until_up(process, port, output)
            yield Target(
                which,
                _measured(process.pid, which.process),
                which.url.format_map(words),
                which.url.format_map(words)
                if which.source == "publish"
                else f"udp://127.0.0.1:{source_port}",
            )
        finally:
            _end(process)


def _wait_until_up(process: subprocess.Popen[bytes], port: int, output: Path) -> None:
    ends = time.monotonic() + START_S
    while time.monotonic() < ends and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1.0).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    said = output.read_text(encoding="utf-8", errors="replace")[-2000:]
    raise RuntimeError(f"{process.args!r} did not come up:\n{said}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends it and what it has started, which is a group of processes of its own."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(END_S)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _measured(pid: int, name: str) -> int:
    """The process itself, or its first descendant of a name, which may have that name a little later."""
    ends = time.monotonic() + START_S
    while name:
        for process in _descendants(pid):
            with suppress(OSError):  # one that has ended meanwhile
                if Path(f"/proc/{process}/comm").read_text(encoding="utf-8").strip() == name:
                    return process
        if time.monotonic() > ends:
            raise RuntimeError(f"process {pid} has no descendant that is called {name}")
        time.sleep(0.05)
    return pid


def _descendants(pid: int) -> list[int]:
    """A process and all that came of it, parents first."""
    known = [pid]
    for parent in known:
        with suppress(OSError):
            for task in Path(f"/proc/{parent}/task").iterdir():
                known += map(int, (task / "children").read_text(encoding="utf-8").split())
    return known


def _free_ports() -> tuple[int, int, int]:
    """A free port of TCP, and two pairs of UDP that begin with an even number."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        source = _free_pair(set())
        return port, source, _free_pair({source})


def _free_pair(taken: set[int]) -> int:
    while True:
        with (
            socket.socket(type=socket.SOCK_DGRAM) as first,
            socket.socket(type=socket.SOCK_DGRAM) as second,
        ):
            first.bind(("127.0.0.1", 0))
            even: int = first.getsockname()[1]
            if even % 2 or even in taken:
                continue
            with suppress(OSError):
                second.bind(("127.0.0.1", even + 1))
                return even
