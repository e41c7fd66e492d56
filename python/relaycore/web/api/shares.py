"""Share links: who has one may watch one path without an account."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import msgspec
from aiohttp import web

from relaycore.access.share_links import ShareLink
from relaycore.access.sharing import SharePurpose, ShareSeconds, ShareSessions
from relaycore.errors import ConfigurationError, StateError
from relaycore.language import Message, message_of
from relaycore.web.acts import recorded
from relaycore.web.answers import Problem, Refused, json_answer, read_json
from relaycore.web.keys import RELAY
from relaycore.web.routes import USER, Answered, Route

__all__ = ["ROUTES", "NewShare", "ShareList", "ShareView", "ShareWish"]

_log = logging.getLogger(__name__)

_NO_LINK = Answered("There is no such link that lets anybody in.", Problem)


class ShareWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A link that is to be made."""

    path: str
    purpose: SharePurpose
    """What it is for; it stands in the record of each session."""
    seconds: ShareSeconds
    """How long it lasts from now."""
    sessions: ShareSessions = 0
    """How many may use it at a time; 0 is any number."""


class ShareView(msgspec.Struct, frozen=True, kw_only=True):
    """A link, without what makes it work. Times are seconds of Unix time."""

    id: str
    """Names it; who uses it is called `share:ID` in sessions and records."""
    path: str
    purpose: str
    made: int
    ends: int
    sessions: int
    """How many may use it at a time; 0 is any number."""
    made_by: str | None
    """The user who made it; null where that was done on the machine itself."""
    revoked: int | None
    """When it was revoked."""


class NewShare(msgspec.Struct, frozen=True, kw_only=True):
    """A link that was made. All but ``share`` is a secret, and shown only now."""

    share: ShareView
    token: str
    """What stands in a URL as `share`."""
    urls: list[str]
    """For players, one for each address of the relay."""
    user: str
    """For programs with fields for user and password, in place of the token."""
    password: str


class ShareList(msgspec.Struct, frozen=True, kw_only=True):
    """The links, the newest first; those that have ended stay for 30 days."""

    shares: list[ShareView]


async def list_shares(request: web.Request) -> web.Response:
    """Answers with the links."""
    return json_answer(200, ShareList(shares=[_view(link) for link in request.app[RELAY].shares()]))


async def create_share(request: web.Request) -> web.Response:
    """Makes a link."""
    relay = request.app[RELAY]
    wish = _wish(await read_json(request))
    async with recorded(request, "createShare", wish.path):
        try:
            link = await relay.share(
                wish.path, wish.purpose, seconds=wish.seconds, sessions=wish.sessions, user=request[USER]
            )
        except ConfigurationError as error:
            raise Refused(422, message_of(error)) from None
        except StateError as error:
            raise Refused(503, message_of(error)) from None
    _log.info("share link made", extra={"share": link.id, "path": link.path, "user": request[USER]})
    token = relay.share_token(link)
    made = NewShare(
        share=_view(link),
        token=token,
        urls=[f"{url}?share={token}" for url in relay.urls(link.path)],
        user=link.login,
        password=relay.users.links.signature(link),
    )
    return json_answer(201, made)


async def revoke_share(request: web.Request) -> web.Response:
    """Revokes a link, and ends what is open by it."""
    relay, link_id = request.app[RELAY], request.match_info["id"]
    if not any(link.id == link_id and link.revoked is None for link in relay.shares()):
        raise Refused(
            404,
            Message(
                "There is no share link {link_id} that lets anybody in: list them.", link_id=repr(link_id)
            ),
        )
    async with recorded(request, "revokeShare", link_id):
        try:
            await relay.revoke_share(link_id, f"The share link was revoked by {request[USER]}")
        except StateError as error:
            raise Refused(503, message_of(error)) from None
    _log.info("share link revoked", extra={"share": link_id, "user": request[USER]})
    return web.Response(status=204)


def _wish(body: Any) -> ShareWish:
    try:
        return msgspec.convert(body, ShareWish)
    except msgspec.ValidationError as error:
        raise Refused(
            422,
            Message(
                "This is no share link: {error}. It has path, purpose and seconds, and may have sessions.",
                error=error,
            ),
        ) from None


def _view(link: ShareLink) -> ShareView:
    return ShareView(
        id=link.id,
        path=link.path,
        purpose=link.purpose,
        made=link.made,
        ends=link.ends,
        sessions=link.sessions,
        made_by=link.made_by,
        revoked=link.revoked,
    )


ROUTES: Sequence[Route] = (
    Route(
        method="GET",
        path="/api/v1/shares",
        name="listShares",
        summary="The share links, without their secrets.",
        access="write",
        handler=list_shares,
        answers={200: Answered("The links.", ShareList)},
    ),
    Route(
        method="POST",
        path="/api/v1/shares",
        name="createShare",
        summary="Makes a link by which anyone may watch one path until it ends.",
        access="write",
        handler=create_share,
        body=ShareWish,
        answers={
            201: Answered("It is made.", NewShare),
            422: Answered("It cannot be a link.", Problem),
            503: Answered("It cannot be kept now.", Problem),
        },
    ),
    Route(
        method="DELETE",
        path="/api/v1/shares/{id}",
        name="revokeShare",
        summary="Revokes a link, and ends within a second all that is open by it.",
        access="write",
        handler=revoke_share,
        parameters={"id": "The id of the link."},
        answers={204: Answered("Nobody comes in by it any more."), 404: _NO_LINK},
    ),
)
