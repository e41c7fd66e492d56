"""A mail server that keeps what it is sent."""

from __future__ import annotations

import asyncio
import base64
import ssl
from types import TracebackType
from typing import Self

__all__ = ["MailServer"]


class MailServer:
    """Takes mail on a port of loopback (RFC 5321), encrypted where it has a ``context`` (RFC 3207).

    Who logs in is in ``logins``, each mail in ``mails``. While ``refuses`` it takes nothing.
    """

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.logins: list[str] = []
        self.mails: asyncio.Queue[str] = asyncio.Queue()
        self.connections = 0
        self.refuses = False
        self._context = context
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self._talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # it went
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def say(text: str) -> None:
            writer.write(f"{text}\r\n".encode())

        say("554 not now" if self.refuses else "220 test")
        while line := (await reader.readline()).decode().rstrip():
            verb = line.upper()
            if verb.startswith("EHLO"):
                say("250-test")
                say("250-AUTH PLAIN")
                say("250 STARTTLS" if self._context else "250 HELP")
            elif verb == "STARTTLS" and self._context:
                say("220 go on")
                await writer.start_tls(self._context)
            elif verb.startswith("AUTH PLAIN "):
                self.logins.append(base64.b64decode(line.split()[2]).decode().replace("\0", " ").strip())
                say("235 welcome")
            elif verb == "DATA":
                say("354 go on")
                self.mails.put_nowait((await reader.readuntil(b"\r\n.\r\n")).decode())
                say("250 taken")
            elif verb == "QUIT":
                say("221 bye")
                return
            else:
                say("250 ok")
