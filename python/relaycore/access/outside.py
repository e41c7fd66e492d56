"""Decisions of others: of the program that embeds relaycore, and of a server that the settings name.

They are asked last, about what is allowed here, so they narrow it down and never widen it. What they answer
may say more than yes or no: the role in which somebody is let in, what for, and until when. Who gives no
answer in time, or one that cannot be understood, has refused.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import aiohttp
import msgspec
from msgspec import Meta

from relaycore.access.identity import Identity, Offer
from relaycore.errors import HookError
from relaycore.language import Message
from relaycore.settings import Action, Role

__all__ = ["AccessRequest", "Authorise", "DecisionWebhook", "Permission", "as_permission", "narrowed"]

_log = logging.getLogger(__name__)

MOST_AT_ONCE: Final = 32
"""Questions that a server is asked at a time; the others wait for their turn, as long as a decision may."""

LARGEST_ANSWER: Final = 16_384
"""Bytes of an answer."""

LONGEST_CLIENT: Final = 200
"""Characters that a server is told of what a client calls itself."""


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """What an ``authorise`` function is asked.

    ``user`` is the authenticated user, or ``None`` where everybody may come in, and ``role`` the user's role.
    ``peer`` is address and port. Where ``action`` is ``look`` or ``control``, ``path`` is that of the HTTP
    request, like ``api/v1/paths``. ``query`` is that of the URL, without share links, nor tokens where
    these are taken. ``protocol`` is ``rtsp``, ``rtsps``, ``http`` or ``https``.
    """

    action: Action
    path: str
    user: str | None
    peer: str
    user_agent: str | None
    query: str | None
    role: Role | None = None
    protocol: str = "rtsp"


class Permission(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that says more than yes or no; what it leaves out stays as it is."""

    allow: bool = True
    """Whether the request is allowed."""

    role: Role | None = None
    """The role in which somebody is let in. They may do what this and their own role allow."""

    purpose: Annotated[str, Meta(pattern=r"^[^\x00-\x1f\x7f]{0,200}$")] | None = None
    """What it is for, for the ledger."""

    expires: float | None = None
    """Until when, in seconds of Unix time: sessions end then."""


Authorise = Callable[[AccessRequest], Awaitable[bool | Permission]]
"""A coroutine function of the program: whether the request is allowed."""


def as_permission(answer: bool | Permission) -> Permission:
    """The answer of a program, in one form. TypeError or ValueError where it is none."""
    if isinstance(answer, Permission):
        if answer.expires is not None and math.isnan(answer.expires):
            raise ValueError("authorise gave a permission that expires at no time")
        # Who makes one in Python is not held to its types by msgspec.
        return msgspec.convert(msgspec.to_builtins(answer), Permission)
    if isinstance(answer, bool):
        return Permission(allow=answer)
    raise TypeError(f"authorise gave {type(answer).__name__}, which is neither bool nor Permission")


def narrowed(who: Identity, permission: Permission) -> Identity:
    """Somebody with what a permission says of them."""
    ends = math.inf if permission.expires is None else permission.expires
    if ends < who.ends:
        who = replace(who, offer=replace(who.offer or Offer(), ends=ends))
    if permission.role is not None:
        who = replace(who, role=permission.role, is_user=False)
    if permission.purpose:
        who = replace(who, purpose=permission.purpose)
    return who


class DecisionWebhook:
    """Asks a server, by a POST with JSON. All methods are called from the loop.

    The connections are made with the first question, and kept. HookError where no answer comes that can be
    understood; it is told how long to wait by who asks.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        """The one that is asked."""
        parts = urlsplit(url)
        port = "" if parts.port is None else f":{parts.port}"
        # Path and query of a webhook may be a key to it.
        self.name = f"{parts.scheme}://{parts.hostname}{port}"
        self._client: aiohttp.ClientSession | None = None
        self._turns = asyncio.Semaphore(MOST_AT_ONCE)

    async def ask(self, request: AccessRequest) -> Permission:
        """What the server says of a request."""
        async with self._turns:
            if self._client is None:
                self._client = aiohttp.ClientSession(auto_decompress=False)
            try:
                # A redirection could lead what is posted to where nobody meant it to go.
                async with self._client.post(
                    self.url,
                    data=msgspec.json.encode(_body(request)),
                    headers={
                        "Content-Type": "application/json",
                        "Accept-Encoding": "identity",
                        "User-Agent": "relaycore",
                    },
                    allow_redirects=False,
                ) as answer:
                    if not 200 <= answer.status < 300:
                        raise HookError(
                            Message(
                                "{name} answered with status {status}.", name=self.name, status=answer.status
                            )
                        )
                    body = await _short(answer)
            except (aiohttp.ClientError, ValueError) as error:
                raise HookError(
                    Message("{name} gave no answer ({kind}).", name=self.name, kind=type(error).__name__)
                ) from None
        try:
            return msgspec.json.decode(body, type=_Answer).permission()
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise HookError(
                Message("{name} gave an answer that is none: {error}.", name=self.name, error=error)
            ) from None

    async def close(self) -> None:
        """Closes the connections."""
        if self._client is not None:
            await self._client.close()
            self._client = None


class _Answer(Permission, frozen=True, kw_only=True):
    """The answer of a server, which has to say that it allows something."""

    allow: bool

    def permission(self) -> Permission:
        return Permission(allow=self.allow, role=self.role, purpose=self.purpose, expires=self.expires)


async def _short(answer: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for piece in answer.content.iter_any():
        body += piece
        if len(body) > LARGEST_ANSWER:
            raise ValueError("too long")
    return bytes(body)


def _body(request: AccessRequest) -> dict[str, Any]:
    address, _, _ = request.peer.rpartition(":")
    client = request.user_agent
    return {
        "user": request.user,
        "role": request.role,
        "address": address.strip("[]"),
        "path": request.path,
        "action": request.action,
        "protocol": request.protocol,
        "client": None if client is None else client[:LONGEST_CLIENT],
    }
