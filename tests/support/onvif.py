"""Sends requests of ONVIF for tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import aiohttp
from lxml import etree

from relaycore.onvif.soap.names import NSMAP

__all__ = ["Answer", "Client", "envelope"]


def envelope(body: str, header: str = "") -> str:
    """An envelope of SOAP 1.2 with these elements, whose prefixes are those of relaycore."""
    spaces = " ".join(f'xmlns:{prefix}="{space}"' for prefix, space in NSMAP.items())
    return f"<s:Envelope {spaces}><s:Header>{header}</s:Header><s:Body>{body}</s:Body></s:Envelope>"


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
