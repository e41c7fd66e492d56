"""A server in a process of its own, as a person starts it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Server", "serve"]

LIMIT = 30.0
"""Seconds for a start or a stop; only a hang takes that long."""

Record = dict[str, Any]


@dataclass
class Server:
    """A server that is up.

    ``address`` is the host and port that it listens on, ``urls`` are the streams of its cameras by path,
    ``log`` is what it has logged so far.
    """

    process: subprocess.Popen[str]
    address: tuple[str, int] = ("", 0)
    urls: dict[str, str] = field(default_factory=dict)
    log: list[Record] = field(default_factory=list)
    news: threading.Condition = field(default_factory=threading.Condition)

    @property
    def url(self) -> str:
        """The URL of its only stream."""
        (url,) = self.urls.values()
        return url

    def url_of(self, path: str) -> str:
        """The URL of any path, whether there is a stream or not."""
        host, port = self.address
        return f"rtsp://{host}:{port}/{path}"

    def wait_for(self, message: str) -> None:
        """Wait until it has logged a message that begins so. AssertionError when it does not."""
        with self.news:
            assert self.news.wait_for(
                lambda: any(record["message"].startswith(message) for record in self.log), LIMIT
            ), f"no {message!r} in {self.log}"

    def stop(self) -> int:
        """Ask it to end as a service manager does, and give its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(LIMIT)


@contextmanager
def serve(*arguments: str, streams: int = 1) -> Iterator[Server]:
    """Run ``relaycore serve`` with these arguments on a free port, from its ready line to its end.

    ``streams`` is how many cameras it has; with none it only relays.

    The end has to be in order: status 0, nothing logged as an error.
    """
    command = [sys.executable, "-m", "relaycore", "serve", "--log-json", *arguments]
    if "--port" not in arguments:
        command += ["--port", "0"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    server = Server(process)
    ready = threading.Event()
    listening = threading.Thread(target=_listen, args=(server, streams, ready), daemon=True)
    listening.start()
    try:
        assert ready.wait(LIMIT), f"{command} said nothing of {streams} streams within {LIMIT} s"
        assert len(server.urls) == streams, f"{command} ended with {process.wait(LIMIT)}: {server.log}"
        yield server
        if process.poll() is None:
            assert server.stop() == 0
    finally:
        process.kill()
        process.wait()
        listening.join()
    faults = [record for record in server.log if record["level"] in {"error", "critical"}]
    assert faults == [], faults


def _listen(server: Server, streams: int, ready: threading.Event) -> None:
    """Read the log to its end, so that the pipe never fills; set ``ready`` when all streams are served."""
    assert server.process.stdout is not None
    with server.process.stdout as lines:
        for line in lines:
            record: Record = json.loads(line)
            with server.news:
                server.log.append(record)
                server.news.notify_all()
            if record["message"] == "listening":
                server.address = record["host"], record["port"]
            elif record["message"] == "serving":
                server.urls[record["path"]] = record["urls"][0]
            if server.address[1] and len(server.urls) == streams:
                ready.set()
    ready.set()
