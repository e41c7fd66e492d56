"""Who may ask for what over HTTP.

The users are those of RTSP, with the same nonces and the same budget of wrong passwords. Without users,
programs of this machine may look, but not through a proxy, which would let everybody seem to be of this
machine; changing anything always takes a user. Three things keep a web page that
somebody happens to visit from acting in that person's name:

- a request without a user is only answered when it was sent to an address, ``localhost`` or a name of this
  machine: a page whose name was made to mean this machine (DNS rebinding) sends its own name;
- a request that changes something and names an origin must name this server;
- no answer allows another origin to read it (there is no ``Access-Control-Allow-Origin``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, NoReturn, get_args

from aiohttp import hdrs, web

from relaycore.access.answers import Allow, Challenge, Decision, Refuse, Rejection, host_of
from relaycore.access.credentials import BasicCredentials, PasswordProof
from relaycore.access.decisions import Gatekeeper
from relaycore.access.identity import NOBODY, Identity
from relaycore.access.logins import Logins
from relaycore.access.origins import OTHER_SITE, HostNames, Origins, is_foreign
from relaycore.access.users import REALM
from relaycore.language import Message
from relaycore.settings import Action, Role
from relaycore.web import share_cookie
from relaycore.web.answers import Refused
from relaycore.web.embedding import is_allowed
from relaycore.web.keys import CONNECTIONS, PRESENCE, RELAY
from relaycore.web.login import cookie as login_cookie

__all__ = ["Access", "Guard", "Visitor", "peer_of"]

Access = Literal["open", "read", "write", "audit"]
"""What a route needs: nothing, to be let in, a user who may control, or one who may see who did what."""


_PROXIED: Final = (hdrs.FORWARDED, hdrs.X_FORWARDED_FOR, hdrs.VIA)
"""Headers of a request that somebody passed on (RFC 7239, RFC 9110 section 7.6.3)."""


@dataclass(frozen=True, slots=True)
class HttpQuestion:
    """A request as the gatekeeper sees it."""

    action: str
    method: str
    path: str
    uri: str
    query: str | None
    authorization: str | None
    user_agent: str | None
    peer: str
    secure: bool
    protocol: str = "http"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who sent a request.

    ``user`` and ``ticket`` are for the session that begins by it; ``purpose`` is what the visit is for, where
    somebody has said so. ``peer`` is address and port.
    """

    user: str | None
    role: Role | None
    purpose: str | None
    ticket: int
    peer: str
    secure: bool


_VISITOR: Final[web.RequestKey[Visitor]] = web.RequestKey("visitor")
_BY_LOGIN: Final[web.RequestKey[bool]] = web.RequestKey("by_login")

ACTIONS: Final[tuple[Action, ...]] = get_args(Action)

COOKIE_CHALLENGE: Final = f'Cookie realm="{REALM}", form-action="/login", cookie-name="{login_cookie.NAME}"'
"""That a login is needed, in a form that no browser opens a window for (draft-broyer-http-cookie-auth)."""

_SAFE: Final = frozenset({hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_OPTIONS})
"""Methods that change nothing (RFC 9110 section 9.2.1)."""

_ACTIONS: Final[Mapping[Access, Action]] = {
    "open": "look",
    "read": "look",
    "write": "control",
    "audit": "audit",
}


class _Foreign(Refused):
    """A request is refused for where it comes from, whoever sends it."""


class Guard:
    """Lets requests in, or refuses them. ``names`` are host names that mean this machine."""

    def __init__(self, gatekeeper: Gatekeeper, names: Iterable[str]) -> None:
        self._gatekeeper = gatekeeper
        self.logins = Logins()
        """Those who go on by a cookie."""
        self._names = HostNames(names)

    async def admit(
        self, request: web.Request, access: Access, proof: BasicCredentials | PasswordProof | None = None
    ) -> str | None:
        """The user who sent a request, if any. Refused when it is not to be answered.

        ``proof`` is what the body says of who it is. Where a header says that, too, the header counts, and
        the proof has to be right all the same. Without users there is nothing that it could be compared with.
        """
        if access == "open":
            return None
        question = _question(request, _ACTIONS[access])
        stream, changes = request.match_info.get("path"), access == "write"
        came_as = None
        if proof is not None and self._gatekeeper.users.anybody:
            came_as = self._who(await self._gatekeeper.prove(question, proof), None)
        visitor = await self._visitor(request, question, stream, changes, came_as)
        request[_VISITOR] = visitor
        request[_BY_LOGIN] = (
            proof is None and question.authorization is None and self.logged_in(request) is not None
        )
        return visitor.user

    def turn_away(self, request: web.Request) -> NoReturn:
        """Refuses a login, whoever it is."""
        challenge = self._gatekeeper.turned_away(peer_of(request))
        raise _unknown(Message("Wrong password or user"), self._offered(challenge.challenges))

    def rights(self, request: web.Request) -> frozenset[Action]:
        """What whoever sent a request that was let in may do now, as far as no path narrows it down."""
        if request[_BY_LOGIN] and self.logged_in(request) is None:
            return frozenset()
        visitor = request[_VISITOR]
        client, keeper = host_of(visitor.peer), self._gatekeeper
        return frozenset(
            action
            for action in ACTIONS
            if keeper.objection(keeper.wish(action, None, client), "", visitor.user, visitor.ticket) is None
        )

    def lasting_right(self, request: web.Request) -> Callable[[Action, str | None], bool]:
        """Whether who sent a request that was let in may do something at a path; to be asked later, too."""
        visitor = request[_VISITOR]
        client, keeper = host_of(visitor.peer), self._gatekeeper

        def may(action: Action, path: str | None) -> bool:
            wish = keeper.wish(action, path, client)
            return keeper.objection(wish, path or "", visitor.user, visitor.ticket) is None

        return may

    def role(self, request: web.Request) -> Role | None:
        """The role of whoever sent a request that was let in."""
        return request[_VISITOR].role

    async def enter(
        self,
        request: web.Request,
        action: Literal["read", "publish"],
        path: str,
        *,
        same_origin: bool = False,
    ) -> Visitor:
        """Who sent a request to read the stream at a path, or to publish to it.

        Refused when they may not. It is what all handlers ask that serve a stream, by whatever protocol; the
        visitor's ``user`` and ``ticket`` are for the session that they begin. A share link in the query lets
        in, too, and so does its cookie. A page of another site may not publish, and with ``same_origin`` not
        read, either, unless its origin is one of ``embed_origins``; it may lead to the page where a person
        does.
        """
        question = replace(_question(request, action), path=path)
        publishes = action == "publish" and request.method not in _SAFE
        embeds = action == "read" and is_allowed(request, request.app[RELAY].config.embed_origins)
        visitor = await self._visitor(request, question, path, (same_origin and not embeds) or publishes)
        request.app[PRESENCE].note(request, visitor.user)
        return visitor

    # Logins

    def takes_passwords(self, request: web.Request) -> bool:
        """Whether a form may send a password over the connection of a request."""
        peer, secure = request.app[CONNECTIONS].client_of(request)
        return self._gatekeeper.takes_passwords(peer, secure=secure)

    async def log_in(self, request: web.Request, user: str, password: str) -> Identity:
        """Who it is, by a password that a form or a program sent. Refused where it is wrong."""
        question = _question(request, "look")
        return self._who(await self._gatekeeper.log_in(question, user, password), (COOKIE_CHALLENGE,))

    async def identify(self, request: web.Request) -> Identity:
        """Who it is, by the header of a request. Refused, and asked for, where there is none."""
        return self._who(await self._gatekeeper.identify(_question(request, "look")), None)

    def begin_login(self, request: web.Request, who: Identity) -> tuple[str, float]:
        """Begins a login: what its cookie holds, and when it ends, in seconds of Unix time."""
        hours = request.app[RELAY].config.access.login_hours
        return self.logins.begin(who, hours * 3600)

    def logged_in(self, request: web.Request) -> Identity | None:
        """Who it is, by the cookie of a login."""
        return self.logins.identity(login_cookie.token_of(request))

    def log_out(self, request: web.Request) -> Identity | None:
        """Ends the login of a request; gives whose it was."""
        token = login_cookie.token_of(request)
        return None if token is None else self.logins.end(token)

    def refuse_other_origins(self, request: web.Request) -> None:
        """Refuses a request that a page of another site has sent."""
        try:
            _refuse_other_origins(request)
        except _Foreign as refused:
            self._note(_question(request, "look"), refused)
            raise

    @staticmethod
    def is_secure(request: web.Request) -> bool:
        """Whether the connection of a request is encrypted."""
        return request.app[CONNECTIONS].client_of(request)[1]

    def _who(self, decision: Decision, challenges: Sequence[str] | None) -> Identity:
        match decision:
            case Allow(user, ticket):
                return self._gatekeeper.users.identity(user, ticket) or NOBODY
            case Challenge(offered, reason=reason, wrong=wrong):
                said = reason if wrong else Message("Say who you are")
                asked = self._offered(offered) if challenges is None else challenges
                raise _unknown(Message("{reason}.", reason=said), asked)
            case Refuse(status, reason):
                raise Refused(status, Message("{reason}.", reason=reason))

    def _note(self, question: HttpQuestion, refused: _Foreign) -> None:
        error = refused.problem.error
        self._gatekeeper.on_refused(Rejection(question, None, refused.status, error.partition(":")[0]))

    async def _visitor(
        self,
        request: web.Request,
        question: HttpQuestion,
        stream: str | None,
        changes: bool,
        came_as: Identity | None = None,
    ) -> Visitor:
        login = came_as
        if login is None and question.authorization is None:
            login = self.logged_in(request)
        # What changes something by a cookie has to show that it was a page of this server that sent it:
        # browsers say so of whatever they send. Programs without a cookie need not.
        by_cookie = login is not None and came_as is None and request.method not in _SAFE
        try:
            if changes or by_cookie:
                _refuse_other_origins(request, must_say=by_cookie)
            visitor = await self._decided(request, question, stream, login)
            if visitor.user is None:
                self._refuse_strangers(request)
        except _Foreign as refused:
            self._note(question, refused)
            raise
        return visitor

    async def _decided(
        self, request: web.Request, question: HttpQuestion, stream: str | None, login: Identity | None
    ) -> Visitor:
        users = self._gatekeeper.users
        came_as = login
        if came_as is None and stream is not None:
            came_as = share_cookie.identity_of(request, users, stream)
        match await self._gatekeeper.decide(question, stream, came_as=came_as):
            case Allow(user, ticket):
                who = users.identity(user, ticket) or NOBODY
                if stream is not None:
                    share_cookie.remember(request, users, stream, secure=question.secure)
                return Visitor(user, who.role, who.purpose, ticket, question.peer, question.secure)
            case Challenge(challenges, reason=reason, wrong=wrong):
                said = reason if wrong else Message("Say who you are")
                text = Message(
                    "{said}: send a user and the password by Digest, as with curl --digest -u NAME.",
                    said=said,
                )
                # For a script, a browser would open a window of its own and ask: the page knows better.
                is_script = request.headers.get("Sec-Fetch-Dest") == "empty" and not question.authorization
                raise _unknown(text, (COOKIE_CHALLENGE,) if is_script else self._offered(challenges))
            case Refuse(status, reason):
                raise Refused(status, Message("{reason}.", reason=reason))

    def _offered(self, challenges: Sequence[str]) -> Sequence[str]:
        """The challenges, with one for tokens where these are taken: over RTSP nobody could answer it."""
        if self._gatekeeper.users.tokens is None or challenges[-1].startswith("Bearer"):
            return challenges
        return [*challenges, f'Bearer realm="{REALM}"']

    def _refuse_strangers(self, request: web.Request) -> None:
        stranger = self._names.stranger(_origins(request))
        if stranger is not None:
            raise _Foreign(*stranger)


def _origins(request: web.Request) -> Origins:
    """What a request says of where it comes from."""
    headers = request.headers
    return Origins(
        host=headers.get(hdrs.HOST, ""),
        origin=headers.get(hdrs.ORIGIN),
        fetch_site=headers.get("Sec-Fetch-Site"),
        forwarded=any(name in headers for name in _PROXIED),
    )


def _question(request: web.Request, action: Action) -> HttpQuestion:
    peer, secure = request.app[CONNECTIONS].client_of(request)
    return HttpQuestion(
        action=action,
        method=request.method,
        path=request.path,
        uri=request.raw_path,
        query=request.query_string or None,
        authorization=request.headers.get(hdrs.AUTHORIZATION),
        user_agent=request.headers.get(hdrs.USER_AGENT),
        peer=peer,
        secure=secure,
    )


def peer_of(request: web.Request) -> str:
    """Address and port of the client that sent a request."""
    return request.app[CONNECTIONS].client_of(request)[0]


def _unknown(text: Message, challenges: Sequence[str]) -> Refused:
    return Refused(401, text, headers=tuple((hdrs.WWW_AUTHENTICATE, one) for one in challenges))


def _refuse_other_origins(request: web.Request, *, must_say: bool = False) -> None:
    """Refuses what a page of another site has sent; with ``must_say`` also what does not say where from."""
    if is_foreign(_origins(request), must_say=must_say):
        raise _Foreign(403, OTHER_SITE)
