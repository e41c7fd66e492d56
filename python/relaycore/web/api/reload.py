"""Reading the configuration file again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

import msgspec
from aiohttp import web

from relaycore.errors import ConfigurationError
from relaycore.language import Message
from relaycore.web.acts import recorded
from relaycore.web.answers import Problem, Refused, json_answer, read_json
from relaycore.web.api.endings import EndingView, endings
from relaycore.web.keys import RELAY, SESSION_IDS
from relaycore.web.routes import USER, Answered, Route

__all__ = ["ROUTES", "ChangeView", "ReloadRequest", "Reloaded"]

_log = logging.getLogger(__name__)


class ReloadRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to read the settings again."""

    dry_run: bool = False
    """Change nothing, and tell what would change and which sessions would end."""


class ChangeView(msgspec.Struct, frozen=True, kw_only=True):
    """A setting, camera, path or user that differs."""

    setting: str
    """Its key in the file."""
    kind: str
    """``added``, ``changed`` or ``removed``."""
    effect: str
    """When it holds, and whether it ends sessions."""


class Reloaded(msgspec.Struct, frozen=True, kw_only=True):
    """What changed by it."""

    dry_run: bool
    """Whether this is only what would be."""
    changes: list[ChangeView]
    ended: list[EndingView]
    """The sessions that ended by it."""


async def reload_settings(request: web.Request) -> web.Response:
    """Reads the file again, and goes on with what it says."""
    relay = request.app[RELAY]
    try:
        wish = msgspec.convert(await read_json(request), ReloadRequest)
    except msgspec.ValidationError as error:
        raise Refused(
            422, Message('The body is not right: {error}. Send {"dry_run": true} or {}.', error=error)
        ) from None
    if relay.load_settings is None:
        raise Refused(
            409, Message("This relay was started without a configuration file: change its paths instead.")
        )
    try:
        config = await asyncio.to_thread(relay.load_settings)
        if wish.dry_run:
            plan = await relay.reload(config, dry_run=True)
        else:
            async with recorded(request, "reload", None):
                plan = await relay.reload(config)
    except ConfigurationError as error:
        raise Refused(
            422,
            Message("The settings are not right, so nothing was changed: {error}", error=error),
            mistakes=error.mistakes,
        ) from None
    if not wish.dry_run:
        _log.info("settings read again by request", extra={"user": request[USER]})
    changes = [
        ChangeView(setting=change.setting, kind=change.kind, effect=change.effect.value)
        for change in plan.changes
    ]
    return json_answer(
        200, Reloaded(dry_run=wish.dry_run, changes=changes, ended=endings(plan, request.app[SESSION_IDS]))
    )


ROUTES: Sequence[Route] = (
    Route(
        method="POST",
        path="/api/v1/reload",
        name="reload",
        summary="Reads the configuration file again and goes on with it, or tells what would change.",
        access="write",
        handler=reload_settings,
        body=ReloadRequest,
        answers={
            200: Answered("What changed.", Reloaded),
            409: Answered("There is no file.", Problem),
            422: Answered("The body or the file has mistakes, and nothing was changed.", Problem),
        },
    ),
)
