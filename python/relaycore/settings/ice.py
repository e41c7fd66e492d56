"""The settings of servers that clients of WebRTC may connect through (RFC 8489, RFC 8656)."""

from __future__ import annotations

import re
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from relaycore.errors import ConfigurationError
from relaycore.language import Message

__all__ = ["IceServer", "check_count", "ice_objection"]

SERVERS_MAX: Final = 8
"""Browsers complain of more than a handful, since each makes connecting take longer."""

_URL: Final = re.compile(
    r"(?:stuns?:(?P<stun>HOST)|turns?:(?P<turn>HOST)(?:\?transport=(?:udp|tcp))?)".replace(
        "HOST", r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)(?::[1-9][0-9]{0,4})?"
    )
)
"""RFC 7064 section 3.1, RFC 7065 section 3.1."""


def _check_url(url: str) -> None:
    if not _URL.fullmatch(url) or int(_port_of(url) or 1) > 65_535:
        raise ConfigurationError(
            Message(
                "{url} is not the address of such a server: write it like stun:HOST:3478, or turn:, turns:, "
                "stuns:.",
                url=repr(url),
            )
        )


def _port_of(url: str) -> str | None:
    found = re.search(r":([0-9]+)(?:\?|$)", url)
    return None if found is None else found[1]


class IceServer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A server that clients of WebRTC may connect through.

    The credential is never shown: not in a log, not in ``repr``. Clients that may watch or publish get it.
    """

    url: Annotated[
        str,
        Meta(
            max_length=256,
            description="the address of a STUN or TURN server",
            examples=["turn:turn.example.org:3478"],
            extra={"check": _check_url},
        ),
    ]
    """Its address: ``stun:`` or ``turn:``, ``stuns:`` or ``turns:`` where it is encrypted, with
    ``?transport=tcp`` behind that of a TURN server which is not to be reached by UDP."""

    username: Annotated[
        str,
        Meta(pattern=r"^[\x20-\x7e]{0,512}$", description="printable ASCII characters", examples=["relay"]),
    ] = ""
    """Whom a TURN server knows."""

    credential: Annotated[
        str,
        Meta(
            pattern=r"^[\x20-\x7e]{0,512}$",
            description="printable ASCII characters",
            examples=["a long word"],
            extra={"secret": True},
        ),
    ] = ""
    """The password that goes with it."""

    def __repr__(self) -> str:
        return f"IceServer(url={self.url!r}, username={self.username!r})"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        return [("url", self.url), ("username", self.username)]


def ice_objection(server: IceServer) -> Message | None:
    """Why a server whose settings are right one by one is of no use; ``None`` where it is of use."""
    if server.url.startswith("turn"):
        if not (server.username and server.credential):
            return Message("a TURN server needs both username and credential.")
    elif server.username or server.credential:
        return Message("a STUN server knows nobody; remove username and credential.")
    return None


def check_count(servers: list[IceServer]) -> None:
    """ConfigurationError when there are too many."""
    if len(servers) > SERVERS_MAX:
        raise ConfigurationError(
            Message("There are more than {servers_max} servers: remove some.", servers_max=SERVERS_MAX)
        )
