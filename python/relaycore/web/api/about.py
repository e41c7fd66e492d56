"""Which program this is, and whether it runs."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from importlib.metadata import version
from typing import Literal

import av
import msgspec
from aiohttp import web

from relaycore.system.name import system_name
from relaycore.web.answers import json_answer
from relaycore.web.routes import Answered, Route

__all__ = ["ROUTES", "Health", "Version"]


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """The versions of the relay and of what it stands on."""

    relaycore: str
    python: str
    pyav: str
    ffmpeg: str
    system: str


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """That the relay runs and answers."""

    status: Literal["ok"] = "ok"


async def get_version(_request: web.Request) -> web.Response:
    """Answers with the versions."""
    found = Version(
        relaycore=version("relaycore"),
        python=platform.python_version(),
        pyav=av.__version__,
        ffmpeg=av.ffmpeg_version_info,
        system=system_name(),
    )
    return json_answer(200, found)


async def get_health(_request: web.Request) -> web.Response:
    """Answers that all is well: who cannot answer says nothing."""
    return json_answer(200, Health())


ROUTES: Sequence[Route] = (
    Route(
        method="GET",
        path="/healthz",
        name="getHealth",
        summary="Whether the relay runs. Needs no user.",
        access="open",
        handler=get_health,
        answers={200: Answered("It runs.", Health)},
    ),
    Route(
        method="GET",
        path="/api/v1/version",
        name="getVersion",
        summary="The versions of the relay and of what it stands on.",
        access="read",
        handler=get_version,
        answers={200: Answered("The versions.", Version)},
    ),
)
