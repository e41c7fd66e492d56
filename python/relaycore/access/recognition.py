"""Who somebody is, by what was sent: a password, the proof of one, a token or a share link."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from typing import Final

from relaycore.access import tokens
from relaycore.access.answers import Allow, Challenge, Decision, Question, Refuse
from relaycore.access.attempts import Attempt, Attempts
from relaycore.access.credentials import (
    BasicCredentials,
    BearerCredentials,
    DigestCredentials,
    MalformedHeader,
    PasswordProof,
    parse_authorization,
)
from relaycore.access.digest import Authenticated, Authenticator, Challenged
from relaycore.access.identity import Identity
from relaycore.access.passwords import Passwords, TooManyWait
from relaycore.access.proofs import Proofs
from relaycore.access.rule_book import Wish
from relaycore.access.share_links import ShareProblem
from relaycore.access.tokens import TokenProblem
from relaycore.access.users import REALM, UserStore
from relaycore.language import Message
from relaycore.settings import Action

__all__ = ["TOO_MANY", "Recognition"]

_log = logging.getLogger(__name__)

TOO_MANY: Final = Message("Too many wrong passwords")
"""How the reason begins where somebody has to wait before the next password is looked at."""


class Recognition:
    """Recognises the users of a relay, and whom others send with a token. ``users`` may change at any time.

    Says who it is, whatever they may do: Allow, or why not. Guessing passwords is slowed down.
    """

    def __init__(self, users: UserStore, *, basic: bool, clock: Callable[[], float]) -> None:
        self._users = users
        self._authenticator = Authenticator(users, basic=basic, clock=clock)
        self._passwords = Passwords(users)
        self._proofs = Proofs(users)
        self._attempts = Attempts(clock)

    @property
    def basic(self) -> bool:
        """Whether a password may be sent as it is."""
        return self._authenticator.basic

    @basic.setter
    def basic(self, basic: bool) -> None:
        self._authenticator.basic = basic

    def challenges(self, client: str) -> tuple[str, ...]:
        """What asks a client at an address who it is: values of ``WWW-Authenticate``."""
        return self._authenticator.challenges(client)

    async def by_header(self, question: Question, wish: Wish) -> Decision:
        """Who it is, by the credentials that were sent, where this client may have them looked at."""
        header, offered = question.authorization, self._authenticator
        action, client = wish.action, wish.client
        try:
            credentials = None if header is None else parse_authorization(header)
        except MalformedHeader as error:
            return Refuse(400, str(error))
        if isinstance(credentials, BearerCredentials):
            return self.by_bearer(credentials.token, client)
        if credentials is None or (isinstance(credentials, BasicCredentials) and not offered.basic):
            return Challenge(offered.challenges(client))
        return await self.by_password(credentials, question, action, client)

    async def by_password(
        self,
        credentials: BasicCredentials | DigestCredentials | PasswordProof,
        question: Question,
        action: Action,
        client: str,
    ) -> Decision:
        """Who it is, by a password or the proof of one, where this client may have it looked at."""
        offered = self._authenticator
        if (
            self._users.tokens is not None
            and isinstance(credentials, BasicCredentials)
            and tokens.is_token(credentials.password)
        ):
            return self.by_bearer(credentials.password, client)
        link = None if credentials.name in self._users else self._users.links.of_login(credentials.name)
        known = credentials.name if credentials.name in self._users else None
        known = known if link is None else link.name
        attempt = self._attempts.take(credentials.name, client, known=known is not None)
        if not isinstance(attempt, Attempt):
            # Also for the right password: otherwise trying them would tell which one it is.
            return Refuse(
                403,
                Message("{many}, wait {seconds} seconds", many=TOO_MANY, seconds=math.ceil(attempt)),
                user=known,
            )
        path = question.path if action in ("read", "publish") else None
        try:
            if isinstance(credentials, BasicCredentials):
                result = await self._of_password(credentials, client)
            elif isinstance(credentials, PasswordProof):
                result = self._of_proof(credentials, client)
            else:
                result = offered.check(
                    credentials, method=question.method, uri=question.uri, path=path, client=client
                )
        except TooManyWait:
            self._attempts.give_back(attempt)
            return Refuse(503, Message("Too many passwords wait to be looked at"), user=known)
        if isinstance(result, Challenged) and result.wrong:
            _log.warning("wrong password or user", extra={"peer": question.peer, "path": question.path})
            return Challenge(result.challenges, wrong=True, user=known)
        self._attempts.right(attempt)
        if not isinstance(result, Authenticated):
            return Challenge(result.challenges)
        return Allow(result.user) if link is None else self.entry(link.identity())

    def by_link(self, token: str, wish: Wish) -> Decision:
        """Who it is, by the share link in the query."""
        # Nobody guesses 128 bits, so wrong ones are not counted: that would only lock out a network.
        try:
            link = self._users.links.of_token(token, wish.at)
        except ShareProblem as problem:
            if problem.status != 401:
                return Refuse(problem.status, problem.reason)
            return self._not_valid(problem.reason, wish.client)
        return self.entry(link.identity())

    def by_bearer(self, token: str, client: str) -> Decision:
        """Who it is, by a token that somebody else has signed."""
        keys = self._users.tokens
        if keys is None:
            return self._not_valid(Message("No tokens are taken here"), client)
        try:
            who = keys.identity(token)
        except TokenProblem as problem:
            if problem.status != 401:
                return Refuse(problem.status, problem.reason)
            return self._not_valid(problem.reason, client)
        return self.entry(who)

    def _not_valid(self, reason: str, client: str) -> Challenge:
        """What was sent as a token is none; the reason stands in the challenge (RFC 6750 section 3)."""
        error = f'Bearer realm="{REALM}", error="invalid_token", error_description="{reason}"'
        return Challenge((*self._authenticator.challenges(client), error), wrong=True, reason=reason)

    def entry(self, who: Identity) -> Allow:
        """Lets somebody in of whom more is known than the name."""
        plain = who.is_user and who.purpose is None and who.offer is None
        if who.is_user:
            # The role of a user is looked up whenever it matters.
            who = who.with_role(None)
        return Allow(who.name, 0 if plain else self._users.tickets.number(who))

    async def _of_password(self, sent: BasicCredentials, client: str) -> Authenticated | Challenged:
        if await self._passwords.is_right(sent.name, sent.password):
            return Authenticated(sent.name)
        return Challenged(self._authenticator.challenges(client), wrong=True)

    def _of_proof(self, sent: PasswordProof, client: str) -> Authenticated | Challenged:
        if self._proofs.is_right(sent):
            return Authenticated(sent.name)
        return Challenged(self._authenticator.challenges(client), wrong=True)
