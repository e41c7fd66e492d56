"""relaycore for Windows, run under Wine. scripts/windows.sh sets up what this needs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = [
    "CAMERA_FILES",
    "CAMERA_NAME",
    "Record",
    "Server",
    "run",
    "running",
    "serve",
    "windows_ffmpeg",
    "windows_path",
]

REPOSITORY = Path(__file__).parents[2]
TOOLS = REPOSITORY.parent / "shared" / "windows"
WINDOWS = Path(os.environ.get("RELAYWIN", REPOSITORY / ".cache" / "windows"))
ENVIRONMENT = {**os.environ, "RELAYWIN": str(WINDOWS)}

CAMERA_NAME = "HD Camera"
CAMERA_FILES = WINDOWS / "prefix" / "drive_c" / "fakecam"
"""What the camera delivers, as ``WIDTHxHEIGHT.mjpeg``; it is unplugged while there is a file ``unplug``."""

LIMIT = 90.0
"""Seconds for a start, a stop or an event; only a hang takes that long."""

Record = dict[str, Any]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``relaycore`` with these arguments to its end."""
    return subprocess.run(
        [*_python(), "-m", "relaycore", *arguments],
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        timeout=LIMIT,
    )


class Server:
    """A running ``relaycore serve`` and what it has logged."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._records: list[Record] = []
        self._changed = threading.Condition()
        self._ended = False
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    @property
    def log(self) -> list[Record]:
        """What it has logged so far."""
        with self._changed:
            return list(self._records)

    @property
    def runs(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.poll() is None

    def wait_for(self, wanted: Callable[[Record], bool]) -> Record:
        """The first record that is wanted, among the old ones and those to come."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._ended or any(map(wanted, self._records)), LIMIT), (
                f"nothing of it was logged within {LIMIT} s: {self._records}"
            )
            for record in self._records:
                if wanted(record):
                    return record
        raise AssertionError(f"it has ended with {self._process.wait(LIMIT)}: {self._records}")

    def stop(self) -> int:
        """Press Ctrl-C, and give the exit code."""
        self._process.send_signal(signal.SIGINT)
        return self.wait()

    def wait(self) -> int:
        """Wait for its end, and give the exit code."""
        status = self._process.wait(LIMIT)
        self._reading.join()
        return status

    def close(self) -> None:
        """End it, whatever it does."""
        self._process.kill()
        self._process.wait()
        self._reading.join()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                with self._changed:
                    self._records.append(json.loads(line))
                    self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()


@contextmanager
def serve(*arguments: str) -> Iterator[tuple[Server, str]]:
    """Run ``relaycore serve`` on a free port; give it and the URL of its camera. It has to end in order."""
    with running("-m", "relaycore", "serve", "--log-json", "--port", "0", *arguments) as server:
        serving = server.wait_for(lambda record: record["message"] == "serving")
        assert serving["camera"] == CAMERA_NAME
        yield server, serving["urls"][0]
        if server.runs:
            assert server.stop() == 0


@contextmanager
def running(*words: str) -> Iterator[Server]:
    """The Windows Python with these arguments, which are to make it log as JSON. It is ended by force."""
    # Wine itself writes to standard error what it misses of the machine.
    process = subprocess.Popen(
        [*_python(), *words],
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
    )
    server = Server(process)
    try:
        yield server
    finally:
        server.close()
    assert [record for record in server.log if record["level"] in {"error", "critical"}] == []


@contextmanager
def windows_ffmpeg(*arguments: str) -> Iterator[None]:
    """The ffmpeg of Windows, until it is ended."""
    process = subprocess.Popen(
        [str(TOOLS / "winffmpeg"), *arguments],
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
        assert process.poll() is None, "it has ended by itself"
    finally:
        process.kill()
        process.wait()


def windows_path(path: Path) -> str:
    """The name of a file of this machine under Wine."""
    return "Z:" + str(path.resolve()).replace("/", "\\")


def _python() -> list[str]:
    python = TOOLS / "winpy"
    assert python.exists(), f"{python} is not there: the folder `shared` has to stand beside this one"
    assert CAMERA_FILES.exists(), f"{CAMERA_FILES} is not there: `make windows` sets it up"
    return [str(python)]
