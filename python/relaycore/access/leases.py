"""A lease for each session: how many there may be, how long they last, and their end before that.

A session of RTSP has a lease from its beginning. Where the policy limits how many a user or a path may have
at a time, it is counted when its media is about to flow: the engine asks about each one before, one after the
other, so that sessions that begin at the same time come through no gap. Who may not do any more what was
allowed, because of the clock, the settings or a person's word, loses the sessions, the connections that they
came on, and those of HTTP.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, Self

from relaycore.access import decisions
from relaycore.access.answers import Refuse, host_of
from relaycore.access.decisions import Gatekeeper
from relaycore.access.identity import SHARE
from relaycore.language import Message
from relaycore.settings import Action

__all__ = ["Holder", "LeasedSession", "Leases"]

_log = logging.getLogger(__name__)

LOOK_S = 0.5
"""Seconds between two looks at the clock, for rules that have hours and leases that have an end."""

monotonic = time.monotonic
"""Tells seconds that never go back, by which leases run."""

TOO_MANY_SESSIONS: Final = Message("This user has as many sessions open as are allowed, end one first")
TOO_MANY_READERS: Final = Message("This path has as many readers as are allowed, try again later")


class LeasedSession(Protocol):
    """What is looked at of a session of the engine."""

    @property
    def id(self) -> str:
        """Its id of RTSP."""

    @property
    def action(self) -> str:
        """``read`` or ``publish``."""

    @property
    def path(self) -> str:
        """Its path."""

    @property
    def user(self) -> str | None:
        """Who it is, when known."""

    @property
    def ticket(self) -> int:
        """What it was let in by, for :meth:`UserStore.identity`."""

    @property
    def peer(self) -> str:
        """Address and port of the client."""

    @property
    def user_agent(self) -> str | None:
        """What the client calls itself."""

    @property
    def secure(self) -> bool:
        """Whether it is encrypted."""

    @property
    def protocol(self) -> str:
        """What its client speaks."""


class Holder(Protocol):
    """What has the sessions and can end them: the engine."""

    def sessions(self) -> Sequence[LeasedSession]:
        """All sessions of now."""

    def kick(self, session: str) -> bool:
        """Ends a session."""

    def disconnect(self, users: set[str]) -> None:
        """Ends all that these users have open."""

    def revoke_decisions(self) -> None:
        """Asks anew about what was allowed before."""


@dataclass(frozen=True, slots=True)
class _Begins:
    """That a session is about to begin, as a question to whoever decides."""

    action: str
    path: str
    user_agent: str | None
    peer: str
    secure: bool
    protocol: str
    method: str = ""
    uri: str = ""
    query: str | None = None
    authorization: str | None = None

    @classmethod
    def of(cls, session: LeasedSession) -> Self:
        return cls(
            session.action, session.path, session.user_agent, session.peer, session.secure, session.protocol
        )


@dataclass(slots=True)
class _Lease:
    """What is known of one session. ``ends`` is when it must be over, by :data:`monotonic`."""

    session: LeasedSession
    begun: float
    ends: float = math.inf
    is_counted: bool = False


class Leases:
    """The leases of one relay.

    ``disconnect`` closes the HTTP connections of users; ``because`` is told why a session is about to be
    ended, by its id.

    All methods are called from the loop.
    """

    def __init__(
        self,
        engine: Holder,
        gatekeeper: Gatekeeper,
        disconnect: Callable[[Collection[str]], None],
        because: Callable[[str, str], None],
    ) -> None:
        self._engine = engine
        self._gatekeeper = gatekeeper
        self._disconnect = disconnect
        self._because = because
        self._leases: dict[str, _Lease] = {}
        self._of_user: defaultdict[str, set[str]] = defaultdict(set)
        self._readers: defaultdict[str, set[str]] = defaultdict(set)
        self._in_force: tuple[bool, ...] = ()
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._leases)

    def open(self) -> None:
        """Begins to end what the clock ends."""
        self._in_force = self._hours()
        self._task = asyncio.get_running_loop().create_task(self._follow())

    async def close(self) -> None:
        """Ends nothing any more."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    # Sessions

    def begin(self, session: LeasedSession) -> None:
        """A session has been set up."""
        lease = self._leases[session.id] = _Lease(session, monotonic())
        self._gatekeeper.users.tickets.hold(session.ticket)
        self._set_end(lease)
        if not self._gatekeeper.limits_sessions:
            self._count(lease)  # nobody asks about it

    def admit(self, session: LeasedSession) -> Refuse | None:
        """Counts a session whose media is about to flow; says why there can be no more."""
        lease = self._leases.get(session.id)
        if lease is None or lease.is_counted:
            return None
        policy, user = self._gatekeeper.policy, session.user
        if user is not None and 0 < self._most_of(session) <= len(self._of_user.get(user, ())):
            return self._too_many(TOO_MANY_SESSIONS, session)
        if session.action == "read":
            most = policy.paths.settings(session.path).most_readers
            if 0 < most <= len(self._readers.get(policy.paths.origin(session.path), ())):
                return self._too_many(TOO_MANY_READERS, session)
        self._count(lease)
        return None

    def end(self, session: LeasedSession) -> None:
        """A session has ended."""
        if self._leases.pop(session.id, None) is None:
            return
        self._gatekeeper.users.tickets.release(session.ticket)
        path = self._gatekeeper.policy.paths.origin(session.path)
        _discard(self._readers, path, session.id)
        if session.user is not None:
            _discard(self._of_user, session.user, session.id)

    # What ends them

    def revoke(self, users: Collection[str] = (), reason: str | None = None) -> list[LeasedSession]:
        """Ends all that these users have open, and the sessions of others which are not allowed any more.

        Gives the sessions that end. Who is allowed something stays so only for what is open: the engine asks
        anew about all else.
        """
        self._recount()
        self._engine.revoke_decisions()
        ended = []
        for session in self._engine.sessions():
            if session.user in users:
                self._tell(session, reason or _why_gone(session.user))
            elif (objection := self._objection(session)) is not None:
                self._tell(session, objection)
                self._engine.kick(session.id)
            else:
                continue
            ended.append(session)
        if users:
            self._engine.disconnect(set(users))
            self._disconnect(users)
        return ended

    def look(self) -> None:
        """Ends what the clock has ended since the last look."""
        in_force = self._hours()
        if in_force != self._in_force:
            self._in_force = in_force
            self.revoke()
        now = monotonic()
        for lease in [lease for lease in self._leases.values() if lease.ends <= now]:
            lease.ends = math.inf  # it is told once
            self._tell(lease.session, self._why_over(lease.session))
            self._engine.kick(lease.session.id)

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                self.look()
            except Exception:
                _log.exception("looking at the clock for leases failed")

    def _hours(self) -> tuple[bool, ...]:
        return self._gatekeeper.policy.rules.in_force(decisions.wallclock())

    def _objection(self, session: LeasedSession) -> str | None:
        """Why a session may not be any more."""
        action: Action = "publish" if session.action == "publish" else "read"
        wish = self._gatekeeper.wish(action, session.path, host_of(session.peer))
        objection = self._gatekeeper.objection(wish, session.path, session.user, session.ticket)
        return None if objection is None else objection.why

    def _tell(self, session: LeasedSession, reason: str) -> None:
        fields = {"session": session.id, "path": session.path, "user": session.user}
        _log.info("the session is ended: %s", reason, extra=fields)
        self._because(session.id, str(reason))

    def _too_many(self, reason: str, session: LeasedSession) -> Refuse:
        refuse = Refuse(453, reason, user=session.user)
        self._gatekeeper.refused(_Begins.of(session), refuse)
        return refuse

    # Counting

    def _set_end(self, lease: _Lease) -> None:
        session = lease.session
        longest = self._gatekeeper.policy.paths.settings(session.path).longest_session
        ends = longest > 0 and session.action == "read"
        lease.ends = lease.begun + longest if ends else math.inf
        who = self._gatekeeper.users.identity(session.user, session.ticket)
        if who is not None and who.ends < math.inf:
            lease.ends = min(lease.ends, monotonic() + who.ends - decisions.wallclock())

    def _why_over(self, session: LeasedSession) -> str:
        who = self._gatekeeper.users.identity(session.user, session.ticket)
        if who is not None and who.ends <= decisions.wallclock():
            return "The time to be let in is over"
        return "The longest time of a session is over"

    def _most_of(self, session: LeasedSession) -> int:
        """Sessions that whoever has this one may have at a time; 0 is any number."""
        who = self._gatekeeper.users.identity(session.user, session.ticket)
        if who is None or who.offer is None or who.offer.sessions is None:
            return self._gatekeeper.policy.sessions_per_user
        return who.offer.sessions

    def _count(self, lease: _Lease) -> None:
        session = lease.session
        lease.is_counted = True
        if session.user is not None:
            self._of_user[session.user].add(session.id)
        if session.action == "read":
            self._readers[self._gatekeeper.policy.paths.origin(session.path)].add(session.id)

    def _recount(self) -> None:
        """The policy may be another one."""
        self._of_user.clear()
        self._readers.clear()
        for lease in self._leases.values():
            self._set_end(lease)
            if lease.is_counted or not self._gatekeeper.limits_sessions:
                self._count(lease)


def _why_gone(user: str | None) -> str:
    if user is not None and user.startswith(SHARE):
        return "The share link was revoked"
    return "The user is gone or has another password or fewer rights"


def _discard(table: dict[str, set[str]], key: str, session: str) -> None:
    found = table.get(key)
    if found is not None:
        found.discard(session)
        if not found:
            del table[key]
