"""What all rules share: the server, its description, the sessions that are opened, and what was said.

Everything that a rule opens is closed after it. Nothing is asked that changes the server: sessions are begun
and ended, as every player does.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from relaycore.doctor.client import Answer, Client
from relaycore.doctor.credentials import Credentials
from relaycore.doctor.description import Description, Media
from relaycore.doctor.findings import Broken, Untried
from relaycore.doctor.recorder import record
from relaycore.doctor.recording import Recording
from relaycore.doctor.target import Target
from relaycore.language import Message

__all__ = ["Session", "Visit", "excerpt", "without_login"]

TCP: Final = "RTP/AVP/TCP;unicast;interleaved=0-1"

LINES: Final = 40
"""Lines of what was said that are shown for a rule."""

LINE: Final = 200
"""Characters of such a line."""


@dataclass(frozen=True, slots=True)
class Session:
    """A session that has been set up: its connection, its name and the answer to each SETUP."""

    client: Client
    id: str
    answers: tuple[Answer, ...]

    async def request(self, method: str, uri: str, **headers: str) -> Answer:
        """Send a request in the session. Names of headers are written with underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.request(method, uri, {"Session": self.id, **named})


@dataclass
class Visit:
    """One examination of one server. ``transport`` is how sessions are set up: ``tcp`` or ``udp``."""

    target: Target
    credentials: Credentials | None = None
    transport: str = "tcp"
    said: list[tuple[bool, bytes]] = field(default_factory=list)
    """What was said since the last rule began: whether it was sent, and the bytes."""

    duration: float = 6.0
    """Seconds that the stream is played for the rules of RTP."""

    onvif: str | None = None
    """Address of the device service of ONVIF."""

    discovery_port: int = 3702
    """Port of WS-Discovery (its section 2.4)."""

    http_port: int | None = None
    """Port of RTSP over HTTP and in WebSockets; that of the URL where there is none."""

    websocket_path: str = "/"
    """Path of RTSP in WebSockets, at the same port."""

    thorough: bool = False
    """Whether sessions are waited for until they end."""

    kept: dict[str, object] = field(default_factory=dict)
    """What rules keep for others that look at the same, under a name of theirs."""

    _clients: list[Client] = field(default_factory=list)
    _description: tuple[Answer, Description, list[tuple[bool, bytes]]] | None = None
    _recording: Recording | Broken | Untried | None = None

    @property
    def url(self) -> str:
        """The URL that is examined."""
        return self.target.url

    async def connect(self) -> Client:
        """A new connection, closed after the rule. Broken when there is none."""
        try:
            client = await Client.connect(self.target, self.said, self.credentials)
        except (OSError, TimeoutError):
            raise Broken(Message("No connection was accepted.")) from None
        return self.keep(client)

    def keep(self, client: Client) -> Client:
        """The client, which is closed after the rule."""
        self._clients.append(client)
        return client

    async def describe(self, client: Client | None = None) -> tuple[Answer, Description]:
        """The answer to DESCRIBE, asked once and shown with every rule that looks at it.

        Untried when the server refuses.
        """
        if self._description is None:
            begin = len(self.said)
            answer, description = await self.describe_at(self.url, client or await self.connect())
            if answer.status != 200:
                raise Untried(
                    Message("The stream is not described: the answer is {status}.", status=answer.status)
                )
            self._description = answer, description, self.said[begin:]
        else:
            self.said.extend(self._description[2])
        return self._description[:2]

    async def describe_at(self, url: str, client: Client) -> tuple[Answer, Description]:
        """The answer to DESCRIBE of any URL, and the description in it, which is empty in a refusal."""
        answer = await client.request("DESCRIBE", url, {"Accept": "application/sdp"})
        base = answer.get("content-base") or answer.get("content-location") or url
        return answer, Description.parse(answer.body.decode("utf-8", "replace"), base)

    async def sent_media(self) -> list[Media]:
        """The media that the server sends. Untried when there is none."""
        _, description = await self.describe()
        found = [media for media in description.media if media.is_sent]
        if not found:
            raise Untried(Message("The description names no media."))
        return found

    async def set_up(self, transport: str = TCP) -> Session:
        """A session with the first track alone. Broken when it is refused."""
        media = (await self.sent_media())[0]
        client = await self.connect()
        answer = await client.request("SETUP", media.control, {"Transport": transport})
        return Session(client, session_id(answer), (answer,))

    async def set_up_all(self, client: Client | None = None) -> Session:
        """A session with all tracks, in the connection. Broken when one is refused."""
        tracks = len(await self.sent_media())
        client = client or await self.connect()
        return await self.set_up_tracks(
            client, [f"RTP/AVP/TCP;unicast;interleaved={2 * n}-{2 * n + 1}" for n in range(tracks)]
        )

    async def set_up_tracks(self, client: Client, transports: Sequence[str]) -> Session:
        """A session with all tracks, each by its transport. Broken when one is refused."""
        name, answers = "", []
        for media, transport in zip(await self.sent_media(), transports, strict=True):
            headers = {"Transport": transport}
            if name:
                headers["Session"] = name
            answers.append(await client.request("SETUP", media.control, headers))
            name = session_id(answers[-1])
        return Session(client, name, tuple(answers))

    async def recording(self) -> Recording:
        """What comes while the stream is played, asked once. Broken or Untried where that is not possible."""
        if self._recording is None:
            try:
                self._recording = await record(self, self.duration)
            except (Broken, Untried) as error:
                self._recording = error
        if isinstance(self._recording, Recording):
            return self._recording
        raise Untried(self._recording.why)

    async def aggregate(self) -> str:
        """The URL that PLAY and TEARDOWN are about."""
        _, description = await self.describe()
        return description.control

    def end_rule(self) -> tuple[str, ...]:
        """Close what the rule opened, and return what was said in it, fit to be shown."""
        for client in self._clients:
            client.close()
        self._clients.clear()
        lines = [line for sent, data in self.said for line in excerpt(sent, data, self._secrets())]
        self.said.clear()
        return tuple(lines if len(lines) <= LINES else (*lines[: LINES // 2], "...", *lines[-LINES // 2 :]))

    def _secrets(self) -> tuple[str, ...]:
        password = self.credentials.password if self.credentials is not None else ""
        return tuple(text for text in (password, self.target.query) if text)


def session_id(answer: Answer) -> str:
    """The name of the session that a SETUP made. Broken when it was refused or has no name."""
    if answer.status != 200:
        raise Broken(Message("SETUP is answered {status}.", status=answer.status))
    name = (answer.get("session") or "").partition(";")[0].strip()
    if not name:
        raise Broken(Message("The answer has no {header}.", header="Session"))
    return name


_SECRET_HEADER: Final = re.compile(r"(?i)^(authorization|proxy-authorization|cookie|set-cookie):.*")

_LOGIN: Final = re.compile(r"(?<=://)[^\s/?#<>\"']*@")
"""Name and password in an address (RFC 3986 section 3.2.1): some cameras tell their own by such ones."""


_PASSWORD: Final = re.compile(
    r"(?i)(?<![a-z])(pass(?:word|wd)?|pwd)=.*?(?=_channel=|[&\s<>\"';]|$)", re.MULTILINE
)
"""A password among the parameters of an address: ``/user=admin_password=x_channel=1``, ``?pwd=x&ch=1``."""


def without_login(text: str) -> str:
    """The text with stars in place of what stands in addresses for a login."""
    return _PASSWORD.sub(r"\1=***", _LOGIN.sub("***@", text))


def excerpt(sent: bool, data: bytes, secrets: tuple[str, ...] = ()) -> list[str]:
    """The lines of a message, without credentials and without what a terminal would obey."""
    found = []
    for line in data.decode("utf-8", "backslashreplace").rstrip("\r\n").replace("\r\n", "\n").split("\n"):
        shown = without_login(_SECRET_HEADER.sub(r"\1: ***", line))
        for secret in secrets:
            shown = shown.replace(secret, "***")
        shown = "".join(
            character if character.isprintable() else repr(character)[1:-1] for character in shown
        )
        found.append(f"{'>' if sent else '<'} {shown[:LINE]}{'...' if len(shown) > LINE else ''}".rstrip())
    return found
