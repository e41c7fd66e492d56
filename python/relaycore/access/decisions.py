"""Answers the question: may this client read this path, publish to it, look at the relay or control it?

First come the users: where there are any, a client must be one of them. Where there are none, only programs
of this machine come in. ``anonymous`` lets everybody read, and publish only where there are no users; it does
not let them see who else is there. Controlling, and seeing who did what, always take a user. Then come the
rules of the path, which may narrow it down. Last comes the program that embeds relaycore, if it gave an
``authorise`` function. It may take its time, but not for ever.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol, get_args

from relaycore.access.attempts import Attempt, Attempts
from relaycore.access.credentials import BasicCredentials, parse_authorization
from relaycore.access.digest import Authenticated, Authenticator, Challenged
from relaycore.access.passwords import Passwords, TooManyWait
from relaycore.access.roles import Action
from relaycore.access.rules import PathRules
from relaycore.access.users import UserStore
from relaycore.addresses import is_loopback

__all__ = [
    "AccessRequest",
    "Allow",
    "Authorise",
    "Challenge",
    "Decision",
    "Gatekeeper",
    "Question",
    "Refuse",
    "Rejection",
]

_log = logging.getLogger(__name__)

DECISION_TIMEOUT_S = 5.0
"""Seconds that ``authorise`` may take; shorter than the engine waits."""


class Question(Protocol):
    """What the engine asks, a ``Request`` of the binding, or the HTTP side."""

    @property
    def action(self) -> str:
        """What the client wants to do: an :data:`Action`."""

    @property
    def method(self) -> str:
        """The RTSP or HTTP method."""

    @property
    def path(self) -> str:
        """The path of the stream, or of the HTTP request."""

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

    @property
    def secure(self) -> bool:
        """Whether its connection is encrypted."""


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """What an ``authorise`` function is asked.

    ``user`` is the authenticated user, or ``None`` where everybody may come in. ``peer`` is address and port.
    Where ``action`` is ``look`` or ``control``, ``path`` is that of the HTTP request, like ``api/v1/paths``.
    """

    action: Action
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
    """The client must show who it is: 401 with these ``WWW-Authenticate`` headers.

    ``wrong`` says that it has tried, as ``user`` where there is one of that name.
    """

    challenges: tuple[str, ...]
    wrong: bool = field(default=False, compare=False)
    user: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Refuse:
    """The client may not: this RTSP status, and a reason that a person understands.

    ``user`` is who it is or says it is, where there is a user of that name.
    """

    status: int
    reason: str
    user: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Rejection:
    """Somebody was not let in, as ``user`` where there is one of the name that was sent."""

    question: Question
    user: str | None
    status: int
    reason: str


Decision = Allow | Challenge | Refuse


class Gatekeeper:
    """Decides. ``users`` may change at any time, the other settings by :meth:`apply`."""

    def __init__(
        self,
        users: UserStore,
        *,
        anonymous: bool = False,
        basic: bool = False,
        tls_required: bool = False,
        rules: PathRules | None = None,
        authorise: Authorise | None = None,
        timeout: float = DECISION_TIMEOUT_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._users = users
        self._anonymous = anonymous
        self._tls_required = tls_required
        self._rules = rules or PathRules()
        self._authorise = authorise
        self._timeout = timeout
        self._authenticator = Authenticator(users, basic=basic, clock=clock)
        self._passwords = Passwords(users)
        self._attempts = Attempts(clock)
        self.on_refused: Callable[[Rejection], None] = _ignore
        """Called for each who is not let in."""

    def apply(self, *, anonymous: bool, basic: bool, rules: PathRules) -> None:
        """Decides by these settings from now on."""
        self._anonymous, self._rules = anonymous, rules
        self._authenticator.basic = basic

    async def decide(self, question: Question) -> Decision:
        """The answer to one question. Never raises because of what a client sent or ``authorise`` did."""
        decision = await self._decide(question)
        match decision:
            case Challenge(wrong=True, user=user):
                self.on_refused(Rejection(question, user, 401, "Wrong password or user"))
            case Refuse(status, reason, user):
                self.on_refused(Rejection(question, user, status, reason))
        return decision

    async def _decide(self, question: Question) -> Decision:
        action = _ACTIONS[question.action]
        path = question.path.strip("/")
        if self._tls_required and not question.secure and not is_loopback(_host(question.peer)):
            return Refuse(403, "Only encrypted connections come in, use rtsps:// or https://")
        entry = await self._enter(question, action, path)
        if not isinstance(entry, Allow):
            return entry
        reason = self.objection(action, path, entry.user)
        if reason is not None:
            return Refuse(403, reason, entry.user)
        if self._authorise is None:
            return entry
        request = AccessRequest(
            action=action,
            path=path,
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
            return Refuse(503, "No decision in time", entry.user)
        except Exception:
            _log.exception("authorise failed", extra={"path": request.path})
            return Refuse(503, "No decision possible", entry.user)
        return entry if allowed else Refuse(403, "Not allowed", entry.user)

    def objection(self, action: Action, path: str, user: str | None) -> str | None:
        """Why a user who has come in, or somebody without a name, may not do this; ``None`` when they may."""
        if user is None:
            if self._credentials_needed(action, path):
                return "This takes a user"
        elif user not in self._users:
            return "There is no such user any more"
        elif not self._users.may(user, action):
            return f"This user may not {action}"
        rule = self._rules.rule(action, path)
        return None if rule.users is None or user in rule.users else rule.reason

    def _credentials_needed(self, action: Action, path: str) -> bool:
        if self._rules.rule(action, path).users:
            return True
        if action in ("control", "audit"):
            return True
        return bool(self._users) and not (self._anonymous and action == "read")

    async def _enter(self, question: Question, action: Action, path: str) -> Decision:
        """Who it is, as far as that matters for what is wanted."""
        client = _host(question.peer)
        if not self._credentials_needed(action, path):
            if self._users or (self._anonymous and action != "look") or is_loopback(client):
                return Allow(None)
            return Refuse(403, "There are no users, so only programs of this machine may come in")
        if action in ("control", "audit") and not self._users:
            return Refuse(403, "There are no users, and this takes one")
        return await self._identify(question, action, client)

    async def _identify(self, question: Question, action: Action, client: str) -> Decision:
        """Who it is, by the credentials that were sent, where this client may have them looked at."""
        header, offered = question.authorization, self._authenticator
        credentials = None if header is None else parse_authorization(header)
        if credentials is None or (isinstance(credentials, BasicCredentials) and not offered.basic):
            return Challenge(offered.challenges(client))
        known = credentials.name if credentials.name in self._users else None
        attempt = self._attempts.take(credentials.name, client, known=known is not None)
        if not isinstance(attempt, Attempt):
            # Also for the right password: otherwise trying them would tell which one it is.
            return Refuse(403, f"Too many wrong passwords, wait {math.ceil(attempt)} seconds", known)
        path = question.path if action in ("read", "publish") else None
        try:
            if isinstance(credentials, BasicCredentials):
                result = await self._of_password(credentials, client)
            else:
                result = offered.check(
                    credentials, method=question.method, uri=question.uri, path=path, client=client
                )
        except TooManyWait:
            self._attempts.give_back(attempt)
            return Refuse(503, "Too many passwords wait to be looked at", known)
        if isinstance(result, Challenged) and result.wrong:
            _log.warning("wrong password or user", extra={"peer": question.peer, "path": question.path})
            return Challenge(result.challenges, wrong=True, user=known)
        self._attempts.right(attempt)
        return Allow(result.user) if isinstance(result, Authenticated) else Challenge(result.challenges)

    async def _of_password(self, sent: BasicCredentials, client: str) -> Authenticated | Challenged:
        if await self._passwords.is_right(sent.name, sent.password):
            return Authenticated(sent.name)
        return Challenged(self._authenticator.challenges(client), wrong=True)


def _ignore(_rejection: Rejection) -> None:
    pass


_ACTIONS: dict[str, Action] = {action: action for action in get_args(Action)}


def _host(peer: str) -> str:
    """The address of ``127.0.0.1:5000`` or ``[::1]:5000``."""
    return peer.rpartition(":")[0].strip("[]") or peer
