"""``/login`` and ``/logout``: for the form of the page, and for programs as JSON."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Final
from urllib.parse import parse_qsl

import msgspec
from aiohttp import hdrs, web
from msgspec import Meta

from relaycore.access.identity import Identity
from relaycore.access.sharing import SharePurpose
from relaycore.language import Message
from relaycore.settings import Role
from relaycore.web.acts import recorded
from relaycore.web.answers import Problem, Refused, json_answer, read_body, read_json
from relaycore.web.keys import GUARD, PRESENCE, RELAY
from relaycore.web.login import cookie
from relaycore.web.login.page import NO_LOGIN, NO_PURPOSE, LoginPage, answer_with
from relaycore.web.routes import USER, Answered, Route

__all__ = ["ROUTES", "LoggedIn", "LoginWish"]

_log = logging.getLogger(__name__)

FORM: Final = "application/x-www-form-urlencoded"

MOST_FIELDS: Final = 16
"""Fields of a form."""

LONGEST_NEXT: Final = 2048
"""Characters of the address to go on to."""

# A path of this server: two slashes, or a backslash, would be taken for the name of another one.
_LOCAL: Final = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]*")


class LoginWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody says who they are."""

    user: Annotated[str, Meta(min_length=1, max_length=256)]
    password: Annotated[str, Meta(min_length=1, max_length=8192)]
    purpose: SharePurpose | None = None
    """What for: it is put on record with what is watched. Has to be there where the settings ask for it."""

    def __repr__(self) -> str:
        return f"LoginWish(user={self.user!r})"


class LoggedIn(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody is logged in: the cookie came with this answer."""

    user: str
    role: Role | None
    purpose: str | None
    expires: int
    """Until when, in seconds of Unix time."""


async def get_login(request: web.Request) -> web.Response:
    """Answers with the page."""
    going = _next(request.query.get("next", ""))
    who = request.app[GUARD].logged_in(request)
    if who is not None:
        return answer_with(LoginPage(next=going, user=who.name or "", is_in=True))
    return answer_with(_page(request, going))


async def log_in(request: web.Request) -> web.Response:
    """Lets somebody in by user and password."""
    request.app[GUARD].refuse_other_origins(request)
    if request.content_type == "application/json":
        return await _log_in_program(request)
    if request.content_type != FORM:
        raise Refused(415, Message("Send user and password as a form, or as JSON."))
    form = await _form_of(request)
    going = _next(form.get("next", ""))
    try:
        wish = LoginWish(
            user=form.get("user", ""),
            password=form.get("password", ""),
            purpose=form.get("purpose", "").strip() or None,
        )
        wish = msgspec.convert(msgspec.to_builtins(wish), LoginWish)
    except msgspec.ValidationError:
        return answer_with(_page(request, going, NO_LOGIN, form.get("user", "")[:64]), 400)
    if wish.purpose is None and _asks_purpose(request):
        return answer_with(_page(request, going, NO_PURPOSE, wish.user), 400)
    try:
        who = await request.app[GUARD].log_in(request, wish.user, wish.password)
    except Refused as refused:
        # Without a challenge of Digest, for which the browser would open a window of its own.
        return answer_with(_page(request, going, refused.problem.error, wish.user), refused.status)
    response = web.Response(status=303, headers={hdrs.LOCATION: going, hdrs.CACHE_CONTROL: "no-store"})
    await _begin(request, response, _with_purpose(who, wish.purpose))
    return response


async def log_in_by_digest(request: web.Request) -> web.Response:
    """Lets somebody in whom the browser has asked for user and password, and sends them on."""
    guard = request.app[GUARD]
    going = _next(request.query.get("next", ""))
    purpose = request.query.get("purpose", "").strip() or None
    if purpose is not None:
        try:
            purpose = msgspec.convert(purpose, SharePurpose)
        except msgspec.ValidationError:
            purpose = None
    if purpose is None and _asks_purpose(request):
        return answer_with(_page(request, going, NO_PURPOSE), 400)
    who = await guard.identify(request)
    response = web.Response(status=303, headers={hdrs.LOCATION: going, hdrs.CACHE_CONTROL: "no-store"})
    await _begin(request, response, _with_purpose(who, purpose))
    return response


async def log_out(request: web.Request) -> web.Response:
    """Ends the login of this browser."""
    guard = request.app[GUARD]
    guard.refuse_other_origins(request)
    who = guard.log_out(request)
    if who is not None:
        request[USER] = who.name
        async with recorded(request, "logOut", None):
            pass
        _log.info("logged out", extra={"user": who.name})
    if "text/html" in request.headers.get(hdrs.ACCEPT, ""):
        response = web.Response(status=303, headers={hdrs.LOCATION: "/login"})
    else:
        response = web.Response(status=204)
    response.headers[hdrs.CACHE_CONTROL] = "no-store"
    cookie.forget(response, secure=guard.is_secure(request))
    return response


async def _log_in_program(request: web.Request) -> web.Response:
    try:
        wish = msgspec.convert(await read_json(request), LoginWish)
    except msgspec.ValidationError as error:
        # Not the value, which may be a password in the wrong place.
        where = str(error).rpartition(" - at ")[2]
        raise Refused(
            400,
            Message("A login has user and password, and may have a purpose; look at {where}.", where=where),
        ) from None
    if wish.purpose is None and _asks_purpose(request):
        raise Refused(400, NO_PURPOSE)
    guard = request.app[GUARD]
    who = _with_purpose(await guard.log_in(request, wish.user, wish.password), wish.purpose)
    response = json_answer(200, None)
    ends = await _begin(request, response, who)
    role = who.role if not who.is_user else request.app[RELAY].users.role(who.name or "")
    found = LoggedIn(user=who.name or "", role=role, purpose=who.purpose, expires=int(ends))
    response.body = msgspec.json.encode(found)
    return response


async def _begin(request: web.Request, response: web.Response, who: Identity) -> float:
    """Begins a login, and gives its cookie with the answer; when it ends, in seconds of Unix time."""
    guard = request.app[GUARD]
    request[USER] = who.name
    async with recorded(request, "logIn", None):
        token, ends = guard.begin_login(request, who)
    request.app[PRESENCE].note(request, who.name)
    _log.info("logged in", extra={"user": who.name})
    cookie.give(response, token, ends, secure=guard.is_secure(request))
    return ends


def _with_purpose(who: Identity, purpose: str | None) -> Identity:
    # A link or a token that says what it is for is not to be used for something else.
    return who if purpose is None or who.purpose is not None else replace(who, purpose=purpose)


def _page(request: web.Request, going: str, wrong: str | None = None, user: str = "") -> LoginPage:
    return LoginPage(
        next=going,
        wrong=wrong,
        user=user,
        takes_password=request.app[GUARD].takes_passwords(request),
        asks_purpose=_asks_purpose(request),
    )


def _asks_purpose(request: web.Request) -> bool:
    return request.app[RELAY].config.access.ask_purpose


def _next(text: str) -> str:
    """Where to go on to: a path of this server, and nothing else."""
    return text if len(text) <= LONGEST_NEXT and _LOCAL.fullmatch(text) else "/"


async def _form_of(request: web.Request) -> dict[str, str]:
    body = await read_body(request)
    try:
        fields = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict"
        )
    except ValueError:
        raise Refused(400, Message("The form cannot be read: send it as the page does.")) from None
    return dict(fields)


_REFUSED: Final = {
    403: Answered("It has to wait, comes from another site, or is not encrypted.", Problem),
    408: Answered("The body did not come in time.", Problem),
    413: Answered("The body is too long.", Problem),
    503: Answered("It cannot be decided or put on record now.", Problem),
}

ROUTES: Sequence[Route] = (
    Route(
        method="GET",
        path="/login",
        name="getLogin",
        summary="A page for a person to log in. `next` is the path to go on to.",
        access="open",
        handler=get_login,
        answers={200: Answered("The page.", media_type="text/html")},
    ),
    Route(
        method="POST",
        path="/login",
        name="logIn",
        summary="Lets somebody in who goes on by a cookie. A form is answered with a page.",
        access="open",
        handler=log_in,
        body=LoginWish,
        answers={
            200: Answered("It is let in, and the cookie comes with this answer.", LoggedIn),
            303: Answered("The same for the page, which goes on."),
            400: Answered("The body or the form is not right, or a purpose is missing.", Problem),
            401: Answered("User or password are wrong.", Problem),
            415: Answered("The body is neither a form nor JSON.", Problem),
            **_REFUSED,
        },
    ),
    Route(
        method="GET",
        path="/login/digest",
        name="logInByDigest",
        summary="The same where no password may be sent: the browser asks for it, and proves it by Digest.",
        access="open",
        handler=log_in_by_digest,
        answers={
            303: Answered("It is let in, and goes on."),
            400: Answered("A purpose is missing.", media_type="text/html"),
            401: Answered("User and password are asked for.", Problem),
            **_REFUSED,
        },
    ),
    Route(
        method="POST",
        path="/logout",
        name="logOut",
        summary="Ends the login of the cookie.",
        access="open",
        handler=log_out,
        answers={
            204: Answered("It has ended."),
            303: Answered("The same for a page, which goes to the login."),
            403: Answered("It comes from another site.", Problem),
            503: Answered("It cannot be put on record now.", Problem),
        },
    ),
)
