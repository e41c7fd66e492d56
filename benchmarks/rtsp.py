"""The least that an RTSP client has to do to be sent a stream over its own TCP connection."""

from __future__ import annotations

import re
import socket
from urllib.parse import urlsplit

__all__ = ["Dialogue", "Playing"]

TIMEOUT = 20.0


class Playing:
    """All tracks of a stream, interleaved on one connection. RuntimeError when the server refuses."""

    def __init__(self, url: str) -> None:
        self._dialogue = Dialogue(url)
        self.socket = self._dialogue.connection
        description = self._dialogue.ask("DESCRIBE", url, "Accept: application/sdp")
        self.description = description.partition("\r\n\r\n")[2]
        base = url if url.endswith("/") else url + "/"
        controls = re.findall(r"^m=.*?^a=control:(\S+)", description, flags=re.MULTILINE | re.DOTALL)
        for number, control in enumerate(controls):
            uri = control if "://" in control else base + control
            channels = f"{2 * number}-{2 * number + 1}"
            self._dialogue.ask("SETUP", uri, f"Transport: RTP/AVP/TCP;unicast;interleaved={channels}")
        self._dialogue.ask("PLAY", url)
        self.first = self._dialogue.pending
        """What came behind the answer to PLAY."""

    def fileno(self) -> int:
        """For ``select``."""
        return self.socket.fileno()

    def keep_alive(self) -> None:
        """Says that the reader is still there; the answer comes between the packets and is not waited for."""
        self._dialogue.send("GET_PARAMETER")

    def tear_down(self) -> None:
        """Says that the reader leaves, and waits for nothing."""
        self._dialogue.send("TEARDOWN")

    def close(self) -> None:
        """Ends the connection without a word."""
        self.socket.close()


class Dialogue:
    """Requests of a URL and their answers, before packets come."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.connection = socket.create_connection((parts.hostname, parts.port), TIMEOUT)
        self._url = url
        self._number = 0
        self._session = ""
        self.pending = b""

    def ask(self, method: str, uri: str, *headers: str, body: str = "") -> str:
        """Head and body of the answer, which has to be 200."""
        self.send(method, uri, *headers, body=body)
        answer = self._receive()
        if not answer.startswith("RTSP/1.0 200"):
            raise RuntimeError(f"{method} {uri}: {answer.splitlines()[0]}")
        session = re.search(r"^Session: *([^;\s]+)", answer, flags=re.MULTILINE | re.IGNORECASE)
        if session is not None:
            self._session = session[1]
        return answer

    def send(self, method: str, uri: str | None = None, *headers: str, body: str = "") -> None:
        """Sends a request, of the whole stream when no URI is given."""
        self._number += 1
        lines = [f"{method} {uri or self._url} RTSP/1.0", f"CSeq: {self._number}", *headers]
        if self._session:
            lines.append(f"Session: {self._session}")
        if body:
            lines.append(f"Content-Length: {len(body.encode())}")
        self.connection.sendall(("\r\n".join(lines) + "\r\n\r\n" + body).encode())

    def _receive(self) -> str:
        while b"\r\n\r\n" not in self.pending:
            self._read()
        head, _, rest = self.pending.partition(b"\r\n\r\n")
        text = head.decode()
        length = re.search(r"^Content-Length: *(\d+)", text, flags=re.MULTILINE | re.IGNORECASE)
        size = 0 if length is None else int(length[1])
        self.pending = rest
        while len(self.pending) < size:
            self._read()
        body, self.pending = self.pending[:size], self.pending[size:]
        return f"{text}\r\n\r\n{body.decode()}"

    def _read(self) -> None:
        data = self.connection.recv(1 << 16)
        if not data:
            raise RuntimeError(f"the server closed the connection of {self._url}")
        self.pending += data
