"""Sends requests of ONVIF for tests."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import secrets
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import aiohttp
from lxml import etree

from relaycore import Relay
from relaycore.http_digest import HttpDigest
from relaycore.onvif.soap.names import NSMAP, WSSE, WSU

__all__ = ["Answer", "Client", "client_of", "envelope", "logged_in", "security"]


def envelope(body: str, header: str = "") -> str:
    """An envelope of SOAP 1.2 with these elements, whose prefixes are those of relaycore."""
    spaces = " ".join(f'xmlns:{prefix}="{space}"' for prefix, space in NSMAP.items())
    return f"<s:Envelope {spaces}><s:Header>{header}</s:Header><s:Body>{body}</s:Body></s:Envelope>"


def security(
    name: str, password: str, *, nonce: bytes = b"", created: str = "", kind: str = "PasswordDigest"
) -> str:
    """The header of WS-Security with a token; nonce and time are new ones if not given."""
    nonce = nonce or secrets.token_bytes(16)
    created = created or datetime.now(UTC).isoformat().replace("+00:00", "Z")
    hashed = hashlib.sha1(nonce + created.encode() + password.encode()).digest()
    sent = base64.b64encode(hashed).decode() if kind == "PasswordDigest" else password
    profile = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0"
    return (
        f'<w:Security xmlns:w="{WSSE}" xmlns:u="{WSU}"><w:UsernameToken><w:Username>{name}</w:Username>'
        f'<w:Password Type="{profile}#{kind}">{sent}</w:Password>'
        f"<w:Nonce>{base64.b64encode(nonce).decode()}</w:Nonce><u:Created>{created}</u:Created>"
        "</w:UsernameToken></w:Security>"
    )


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    root: etree._Element

    def text(self, path: str) -> str | None:
        """The text at a path like ``.//tt:Name``."""
        return self.root.findtext(path, namespaces=NSMAP)

    def all(self, path: str) -> list[etree._Element]:
        """All elements at a path."""
        return self.root.findall(path, namespaces=NSMAP)

    @property
    def subcodes(self) -> list[str]:
        """The subcodes of a fault."""
        return [found.text or "" for found in self.all(".//s:Subcode/s:Value")]


class Client:
    """Talks to one relay."""

    def __init__(self, base: str, http: aiohttp.ClientSession) -> None:
        self.base = base
        self.http = http

    async def post(
        self,
        data: str | bytes,
        address: str = "/onvif/device_service",
        middlewares: Sequence[aiohttp.ClientMiddlewareType] | None = None,
        **headers: str,
    ) -> Answer:
        """Sends a body."""
        named = {"Content-Type": "application/soap+xml"}
        named |= {name.replace("_", "-"): value for name, value in headers.items()}
        sent = self.http.post(self.base + address, data=data, headers=named, middlewares=middlewares)
        async with sent as response:
            root = etree.fromstring(await response.read())
            return Answer(response.status, dict(response.headers), root)

    async def call(
        self,
        body: str,
        address: str = "/onvif/device_service",
        middlewares: Sequence[aiohttp.ClientMiddlewareType] | None = None,
        header: str = "",
    ) -> Answer:
        """Asks for an operation, like ``<tds:GetScopes/>``."""
        return await self.post(envelope(body, header), address, middlewares)


@contextlib.asynccontextmanager
async def client_of(relay: Relay, *logins: HttpDigest) -> AsyncIterator[Client]:
    """A client of a relay that is nobody, or logs in by Digest where it is asked to."""
    host, port = relay.address
    async with aiohttp.ClientSession(middlewares=logins) as http:
        yield Client(f"http://{host}:{port}", http)


def logged_in(
    relay: Relay, user: str = "anna", password: str = "secret"
) -> contextlib.AbstractAsyncContextManager[Client]:
    """A client of a relay that logs in as this user."""
    return client_of(relay, HttpDigest(user, password))
