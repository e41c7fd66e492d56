"""Answers the engine's question: may this client read this path?

First come the users: where there are any, a client must be one of them. Then comes the program that embeds
relaycore, if it gave an ``authorise`` function. It may take its time, but not for ever.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from relaycore.access.attempts import Attempts
from relaycore.access.digest import Authenticated, Authenticator, Challenged
from relaycore.access.users import UserStore

__all__ = ["AccessRequest", "Allow", "Authorise", "Challenge", "Decision", "Gatekeeper", "Question", "Refuse"]

_log = logging.getLogger(__name__)

DECISION_TIMEOUT_S = 5.0
"""Seconds that ``authorise`` may take; shorter than the engine waits."""


class Question(Protocol):
    """What the engine asks: a ``Request`` of the binding."""

    @property
    def action(self) -> str:
        """What the client wants to do: ``read``."""

    @property
    def method(self) -> str:
        """The RTSP method."""

    @property
    def path(self) -> str:
        """The path of the stream."""

    @property
    def uri(self) -> str:
        """The URI of the request line."""

    @property
    def query(self) -> str | None:
        """The query of the URI."""

    @property
    def authorization(self) -> str | None:
        """The header of that name."""

    @property
    def user_agent(self) -> str | None:
        """The header of that name."""

    @property
    def peer(self) -> str:
        """Address and port of the client."""


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """What an ``authorise`` function is asked.

    ``user`` is the authenticated user, or ``None`` where everybody may come in. ``peer`` is address and port.
    """

    action: Literal["read"]
    path: str
    user: str | None
    peer: str
    user_agent: str | None
    query: str | None


Authorise = Callable[[AccessRequest], Awaitable[bool]]
"""A coroutine function of the program: whether the request is allowed."""


@dataclass(frozen=True, slots=True)
class Allow:
    """The client may, as this user."""

    user: str | None


@dataclass(frozen=True, slots=True)
class Challenge:
    """The client must show who it is: 401 with these ``WWW-Authenticate`` headers."""

    challenges: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refuse:
    """The client may not: this RTSP status, and a reason that a person understands."""

    status: int
    reason: str


Decision = Allow | Challenge | Refuse


class Gatekeeper:
    """Decides. With ``anonymous``, or without any user, clients need no credentials."""

    def __init__(
        self,
        users: UserStore,
        *,
        anonymous: bool = False,
        basic: bool = False,
        authorise: Authorise | None = None,
        timeout: float = DECISION_TIMEOUT_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._users = users
        self._anonymous = anonymous
        self._authorise = authorise
        self._timeout = timeout
        self._authenticator = Authenticator(users, basic=basic, clock=clock)
        self._attempts = Attempts(clock)

    async def decide(self, question: Question) -> Decision:
        """The answer to one question. Never raises because of what a client sent or ``authorise`` did."""
        entry = self._authenticate(question)
        if self._authorise is None or not isinstance(entry, Allow):
            return entry
        request = AccessRequest(
            action="read",
            path=question.path.strip("/"),
            user=entry.user,
            peer=question.peer,
            user_agent=question.user_agent,
            query=question.query,
        )
        try:
            async with asyncio.timeout(self._timeout):
                allowed = await self._authorise(request)
        except TimeoutError:
            _log.warning("authorise gave no answer in %g s", self._timeout, extra={"path": request.path})
            return Refuse(503, "No decision in time")
        except Exception:
            _log.exception("authorise failed", extra={"path": request.path})
            return Refuse(503, "No decision possible")
        return entry if allowed else Refuse(403, "Not allowed")

    def _authenticate(self, question: Question) -> Decision:
        if self._anonymous or not self._users:
            return Allow(None)
        client = _host(question.peer)
        wait_s = self._attempts.wait_s(client)
        if wait_s > 0 and question.authorization is not None:
            # Also for the right password: otherwise trying them would tell which one it is.
            return Refuse(403, f"Too many wrong passwords, wait {wait_s:.0f} seconds")
        result = self._authenticator.check(
            question.authorization,
            method=question.method,
            uri=question.uri,
            path=question.path,
            client=client,
        )
        match result:
            case Authenticated(user):
                return Allow(user)
            case Challenged(challenges, wrong):
                if wrong:
                    self._attempts.failed(client)
                    _log.warning(
                        "wrong password or user", extra={"peer": question.peer, "path": question.path}
                    )
                return Challenge(challenges)


def _host(peer: str) -> str:
    """The address of ``127.0.0.1:5000`` or ``[::1]:5000``."""
    return peer.rpartition(":")[0].strip("[]") or peer
