"""Answers the question: may this client read this path, publish to it, look at the relay or control it?

First come the rules of the settings: the first that is about the request says whether it is allowed. Where
none is, the users say: where there are any, a client must be one of them, and its role must allow it. Where
there are none, only programs of this machine come in. ``anonymous`` lets everybody read, and publish only
where there are no users; it does not let them see who else is there. Controlling, and seeing who did what,
always take a user. Then come the settings of the path, which may narrow it down. Last comes the program that
embeds relaycore, if it gave an ``authorise`` function. It may take its time, but not for ever.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Callable, Iterator
from typing import Final, get_args

from relaycore.access import tokens
from relaycore.access.answers import Allow, Challenge, Decision, Question, Refuse, Rejection, host_of
from relaycore.access.credentials import BasicCredentials, PasswordProof
from relaycore.access.identity import NOBODY, SHARE, Identity, Offer
from relaycore.access.outside import AccessRequest, Authorise, DecisionWebhook, as_permission, narrowed
from relaycore.access.policy import Policy
from relaycore.access.recognition import Recognition
from relaycore.access.refusals import RefusalLog
from relaycore.access.roles import NAMED_ACTIONS
from relaycore.access.rule_book import Wish
from relaycore.access.share_links import SHARE_PARAMETER, ShareProblem, token_in
from relaycore.access.users import UserStore
from relaycore.addresses import is_loopback
from relaycore.errors import HookError
from relaycore.language import Message
from relaycore.settings import Action

__all__ = ["DECISION_TIMEOUT_S", "Gatekeeper"]

_log = logging.getLogger(__name__)

DECISION_TIMEOUT_S = 5.0
"""Seconds that ``authorise`` may take; shorter than the engine waits."""

wallclock = time.time
"""Tells the seconds of Unix time, by which rules have hours."""


class Gatekeeper:
    """Decides. ``users`` may change at any time, the policy by :meth:`apply`."""

    def __init__(
        self,
        users: UserStore,
        policy: Policy | None = None,
        *,
        authorise: Authorise | None = None,
        timeout: float = DECISION_TIMEOUT_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._users = users
        self._policy = policy or Policy()
        self._authorise = authorise
        self._timeout = timeout
        self._recognition = Recognition(users, basic=self._policy.basic, clock=clock)
        self.on_refused: Callable[[Rejection], None] = _ignore
        """Called for each who is not let in."""
        self._refusals = RefusalLog(clock)
        self.turns_away: Callable[[str], bool] = lambda path: False  # noqa: ARG005
        """Whether the camera at a path refuses every login, as a fault that somebody asked for."""
        self.webhook: DecisionWebhook | None = None
        """The server that is asked as well, where the settings name one."""

    @property
    def policy(self) -> Policy:
        """What it decides by."""
        return self._policy

    @property
    def users(self) -> UserStore:
        """Whom it knows."""
        return self._users

    @property
    def limits_sessions(self) -> bool:
        """Whether sessions have to be counted before they begin."""
        return self._policy.limits_sessions or self._users.links.limit_sessions

    def apply(self, policy: Policy) -> None:
        """Decides by another policy from now on."""
        self._policy = policy
        self._recognition.basic = policy.basic

    async def decide(
        self, question: Question, stream: str | None = None, *, came_as: Identity | None = None
    ) -> Decision:
        """The answer to one question. Never raises because of what a client sent or ``authorise`` did.

        ``stream`` is the path of the stream that an HTTP request is about, if it is about one. ``came_as`` is
        who it is where something else than the question has shown that: a cookie.
        """
        path = question.path.strip("/")
        action = _ACTIONS[question.action]
        if action == "read" and self.turns_away(path):
            return self.turned_away(question.peer)
        wish = self.wish(action, path if action in _AT_PATHS else stream, host_of(question.peer))
        return self._told(question, await self._decide(question, wish, path, came_as))

    def turned_away(self, peer: str) -> Challenge:
        """What a camera says that refuses every login: to show who it is, again and again.

        It is no wrong password: nobody is locked out by it, and it is not on record as one.
        """
        return Challenge(self._recognition.challenges(host_of(peer)))

    def takes_passwords(self, peer: str, *, secure: bool) -> bool:
        """Whether a client may send a password as it is: nobody else is to read it on the way."""
        return secure or self._policy.basic or is_loopback(host_of(peer))

    async def log_in(self, question: Question, name: str, password: str) -> Decision:
        """Who it is, by a password that was sent as it is, whatever they may do."""
        client = host_of(question.peer)
        if not self.takes_passwords(question.peer, secure=question.secure):
            decision: Decision = Refuse(403, Message("Passwords are taken over encrypted connections only"))
        elif self._policy.tls_required and not question.secure and not is_loopback(client):
            decision = Refuse(403, Message("Only encrypted connections come in, use rtsps:// or https://"))
        else:
            credentials = BasicCredentials(name, password)
            decision = await self._recognition.by_password(credentials, question, "look", client)
        return self._told(question, decision)

    async def prove(self, question: Question, proof: BasicCredentials | PasswordProof) -> Decision:
        """Who it is, by a proof that was sent in the body of a question, whatever they may do."""
        if isinstance(proof, BasicCredentials):
            return await self.log_in(question, proof.name, proof.password)
        client = host_of(question.peer)
        return self._told(question, await self._recognition.by_password(proof, question, "look", client))

    async def identify(self, question: Question) -> Decision:
        """Who it is, by the credentials of a question, also where none are needed, whatever they may do."""
        wish = self.wish("look", None, host_of(question.peer))
        return self._told(question, await self._recognition.by_header(question, wish))

    def _told(self, question: Question, decision: Decision) -> Decision:
        """Tells whoever wants to know of a decision, and gives it."""
        match decision:
            case Challenge(wrong=True, user=user, reason=reason):
                self.on_refused(Rejection(question, user, 401, str(reason)))
            case Refuse():
                self.refused(question, decision)
        return decision

    def refused(self, question: Question, refuse: Refuse) -> None:
        """Tells the log, and whoever wants to know, that somebody was refused."""
        self.on_refused(Rejection(question, refuse.user, refuse.status, str(refuse.why)))
        fields = {
            "peer": question.peer,
            "action": question.action,
            "path": question.path.strip("/")[:LONGEST_PATH],
            "user": refuse.user,
        }
        self._refusals.note(refuse.why, host_of(question.peer), fields)

    def wish(self, action: Action, path: str | None, client: str) -> Wish:
        """What somebody at an address wants to do now, for :meth:`objection`."""
        origin = None if path is None else self._policy.paths.origin(path.strip("/"))
        return Wish(action, origin, client, wallclock())

    def objection(self, wish: Wish, path: str, user: str | None, ticket: int = 0) -> Refuse | None:
        """Why a user who has come in, or somebody without a name, may not do this; ``None`` when they may.

        ``path`` is what is asked for, which is not the path of the wish where that is one of a rendition.
        """
        who = self._users.identity(user, ticket)
        if who is None:
            return Refuse(403, Message("There is no such user any more"), user=user)
        if who.offer is not None:
            refuse = self._beyond(who, who.offer, wish)
            if refuse is not None:
                return refuse
        verdict = self._policy.rules.verdict(wish, who)
        if verdict is not None and not verdict.allows:
            return Refuse(403, Message("Not allowed"), f"the rule {verdict.rule} denies it", user)
        if who.role is None:
            if self._credentials_needed(wish, path):
                return Refuse(403, Message("This takes a user"))
        elif verdict is None and not who.may(wish.action):
            return Refuse(403, Message("This user may not {action}", action=wish.action), user=user)
        rule = self._policy.paths.rule(wish.action, path)
        if rule.users is None or user in rule.users or (rule.users and who.is_share):
            return None
        return Refuse(403, rule.reason, user=user)

    def _beyond(self, who: Identity, offer: Offer, wish: Wish) -> Refuse | None:
        """Why somebody may not do this by what they were let in with."""
        link = self._users.links.get((who.name or "").removeprefix(SHARE)) if who.is_share else None
        if link is not None:
            try:
                self._users.links.check(link, wish.at)
            except ShareProblem as problem:
                return Refuse(problem.status, problem.reason, user=who.name)
        elif who.is_share:
            return Refuse(403, Message("There is no such share link any more"), user=who.name)
        if offer.key is not None and (self._users.tokens is None or not self._users.tokens.has(offer.key)):
            return Refuse(403, Message("The key of the token is not in use any more"), user=who.name)
        if wish.at >= offer.ends:
            return Refuse(403, Message("The time to be let in is over"), user=who.name)
        if offer.covers(wish.action, wish.path):
            return None
        return Refuse(403, Message("It was for another path or for something else"), user=who.name)

    async def _decide(self, question: Question, wish: Wish, path: str, came_as: Identity | None) -> Decision:
        if self._policy.tls_required and not question.secure and not is_loopback(wish.client):
            return Refuse(403, Message("Only encrypted connections come in, use rtsps:// or https://"))
        entry = await self._enter(question, wish, path, came_as)
        if not isinstance(entry, Allow):
            return entry
        objection = self.objection(wish, path, entry.user, entry.ticket)
        if objection is not None:
            return objection
        return await self._ask_outside(question, wish, path, entry)

    async def _ask_outside(self, question: Question, wish: Wish, path: str, entry: Allow) -> Decision:
        """What the program and the server of the settings say of who may come in as far as is known here."""
        who = self._users.identity(entry.user, entry.ticket) or NOBODY
        protocol = "rtsp" if question.method in _RTSP_METHODS else "http"
        request = AccessRequest(
            action=wish.action,
            path=path,
            user=entry.user,
            peer=question.peer,
            user_agent=question.user_agent,
            query=self._without_secrets(question.query),
            role=who.role,
            protocol=f"{protocol}s" if question.secure else protocol,
        )
        said = who
        for name, ask in self._outside():
            try:
                async with asyncio.timeout(self._timeout):
                    permission = as_permission(await ask(request))
            except TimeoutError:
                _log.warning("%s gave no answer in %g s", name, self._timeout, extra={"path": path})
                return Refuse(503, Message("No decision in time"), user=entry.user)
            except HookError as error:
                _log.warning("nobody is let in: %s", error, extra={"path": path})
                return Refuse(503, Message("No decision possible"), user=entry.user)
            except Exception:
                _log.exception("%s failed", name, extra={"path": path})
                return Refuse(503, Message("No decision possible"), user=entry.user)
            if not permission.allow:
                return Refuse(
                    403, Message("Not allowed"), f"the {_CALLED[name]} does not allow it", entry.user
                )
            said = narrowed(said, permission)
        if said == who:
            return entry
        allowed = self._recognition.entry(said)
        return self.objection(wish, path, allowed.user, allowed.ticket) or allowed

    def _without_secrets(self, query: str | None) -> str | None:
        """A query without share links, and without tokens where these are taken."""
        names = [SHARE_PARAMETER, *([] if self._users.tokens is None else [tokens.TOKEN_PARAMETER])]
        if query is None:
            return None
        kept = [part for part in re.split("[&;]", query) if part.partition("=")[0] not in names]
        return "&".join(kept) or None

    def _outside(self) -> Iterator[tuple[str, Authorise]]:
        """Who else is asked."""
        if self._authorise is not None:
            yield "authorise", self._authorise
        if self.webhook is not None:
            yield "webhook", self.webhook.ask

    def _credentials_needed(self, wish: Wish, path: str) -> bool:
        """Whether somebody has to say who it is, because otherwise it is refused."""
        if self._policy.paths.rule(wish.action, path).users or wish.action in NAMED_ACTIONS:
            return True
        rules = self._policy.rules
        verdict = rules.verdict(wish, NOBODY)
        if verdict is not None:
            return not verdict.allows and verdict.others_may
        if not self._users.anybody:
            return False
        return not (self._policy.anonymous and wish.action == "read")

    async def _enter(self, question: Question, wish: Wish, path: str, came_as: Identity | None) -> Decision:
        """Who it is, as far as that matters for what is wanted."""
        token = token_in(question.query)
        if token is not None:
            return self._recognition.by_link(token, wish)
        bearer = tokens.token_in(question.query) if self._users.tokens is not None else None
        if bearer is not None:
            return self._recognition.by_bearer(bearer, wish.client)
        needed = self._credentials_needed(wish, path)
        if came_as is not None and question.authorization is None:
            entry = self._recognition.entry(came_as)
            if needed or self.objection(wish, path, entry.user, entry.ticket) is None:
                return entry
        if not needed:
            decided = self._policy.rules.verdict(wish, NOBODY) is not None
            open_to_all = self._policy.anonymous and wish.action != "look"
            if decided or self._users.anybody or open_to_all or is_loopback(wish.client):
                return Allow(None)
            return Refuse(403, Message("There are no users, so only programs of this machine may come in"))
        if wish.action in NAMED_ACTIONS and not self._users.anybody:
            return Refuse(403, Message("There are no users, and this takes one"))
        return await self._recognition.by_header(question, wish)


def _ignore(_rejection: Rejection) -> None:
    pass


_ACTIONS: dict[str, Action] = {action: action for action in get_args(Action)}

_CALLED: Final = {"authorise": "program", "webhook": "webhook"}

_RTSP_METHODS: Final = frozenset({"DESCRIBE", "ANNOUNCE", "SETUP", "PLAY", "RECORD"})

_AT_PATHS: Final = frozenset({"read", "publish", "record"})
"""Actions whose path is always that of a stream."""

LONGEST_PATH = 255
"""Characters of a path that the log shows."""
