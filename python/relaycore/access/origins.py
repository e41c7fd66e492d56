"""Where a request of HTTP comes from, whoever sends it: a page, a proxy, a name of this machine.

Browsers say which page has sent a request (RFC 6454 section 7, Fetch Metadata Request Headers), and let every
page open WebSockets to anybody. So a page of another site may not do what only who visits it could.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import urlsplit

from relaycore.language import Message

__all__ = ["OTHER_SITE", "HostNames", "Origins", "Sent", "is_foreign"]

OTHER_SITE: Final = Message("A page of another site may change nothing here: use a page of this server.")
"""Why a page is refused that wants to change something."""


class Sent(Protocol):
    """What a request says of where it comes from."""

    @property
    def host(self) -> str:
        """The ``Host`` header."""

    @property
    def origin(self) -> str | None:
        """The ``Origin`` header."""

    @property
    def fetch_site(self) -> str | None:
        """The ``Sec-Fetch-Site`` header."""

    @property
    def forwarded(self) -> bool:
        """Whether a proxy has passed it on, and says so."""


@dataclass(frozen=True, slots=True)
class Origins:
    """See :class:`Sent`."""

    host: str
    origin: str | None
    fetch_site: str | None
    forwarded: bool


def is_foreign(sent: Sent, *, must_say: bool = False) -> bool:
    """Whether a page of another site has sent it; with ``must_say`` also where it does not say where from."""
    site = sent.fetch_site or "none"
    if sent.origin == "null":
        # So do forms of pages that tell no referrer; no page can make up the other header.
        return site != "same-origin"
    if sent.origin is not None:
        try:
            return urlsplit(sent.origin).netloc.lower() != sent.host.lower()
        except ValueError:
            return True
    return site != "same-origin" and (site != "none" or must_say)


class HostNames:
    """The names that mean this machine; ``names`` do, too."""

    def __init__(self, names: Iterable[str]) -> None:
        host_name = socket.gethostname().lower()
        self._names = {"localhost", host_name, f"{host_name}.local", *(name.lower() for name in names)}

    def stranger(self, sent: Sent) -> tuple[int, Message] | None:
        """Why a request is not answered unless a user has sent it, with the status of HTTP.

        ``None`` where it is. A proxy lets everybody seem to be of this machine. A page whose name was made to
        mean this machine (DNS rebinding) sends its own name.
        """
        if sent.forwarded:
            return 403, Message("Through a proxy everybody seems to be of this machine: log in as a user.")
        name = _host_name(sent.host)
        if name in self._names or name.endswith(".localhost") or _is_address(name):
            return None
        return 421, Message(
            "This server does not know that it is called so: use its address, or log in as a user."
        )


def _host_name(host: str) -> str:
    """The name in a ``Host`` header, without its port and in lower case; empty where it is malformed."""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
