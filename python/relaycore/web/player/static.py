"""The files under ``/static/``: scripts, styles and texts of the pages.

They are read once, when the relay starts. Their addresses hold a name that is made of the contents of all of
them, so that browsers may keep them for ever: ``/static/VERSION/player/player.js``. Modules name each other
relatively, hence one version for all. ``/static/player/player.js``, and any other version, leads to the one
that is there: pages of other servers name the file without a version, and one that was opened before the
relay was renewed finds what it still needs. Nothing in them is secret, so everybody may have them, pages of
other origins too.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiohttp import hdrs, web

from relaycore.language import Message
from relaycore.web.answers import Problem, Refused
from relaycore.web.routes import Answered, Route
from relaycore.web.texts import texts_answer

__all__ = ["ROUTES", "StaticFile", "StaticFiles", "static_files"]

FOLDER: Final = Path(__file__).parents[1] / "static"

MEDIA_TYPES: Final[Mapping[str, str]] = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}
"""Of each kind of file; there are no others."""

_HEADERS: Final = {
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "X-Content-Type-Options": "nosniff",
}

_TEXTS: Final = re.compile(r"texts\.([\w-]+)\.json")
"""The texts in a language beside ``texts.js``, made of the catalogues (see :mod:`relaycore.web.texts`)."""

_FOR_EVER: Final = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file: its bytes, what they are, and the name of this version of it (RFC 9110 section 8.8.3)."""

    body: bytes
    media_type: str
    etag: str


class StaticFiles:
    """Files by their path in the folder, with ``/`` between the parts."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = {
            name: StaticFile(body, MEDIA_TYPES[Path(name).suffix], hashlib.sha256(body).hexdigest()[:32])
            for name, body in files.items()
        }
        everything = hashlib.sha256()
        for name, file in sorted(self._files.items()):
            everything.update(f"{name}\0{file.etag}\0".encode())
        self.version = everything.hexdigest()[:16]
        """Changes with any change of any file."""

    @classmethod
    def read(cls, folder: Path) -> StaticFiles:
        """Those of a folder and the folders in it."""
        found = (path for path in folder.rglob("*") if path.suffix in MEDIA_TYPES)
        return cls({path.relative_to(folder).as_posix(): path.read_bytes() for path in found})

    def __getitem__(self, name: str) -> StaticFile:
        return self._files[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __contains__(self, name: object) -> bool:
        return name in self._files

    def address(self, name: str) -> str:
        """Where a file is. KeyError when there is none of that name."""
        if name not in self._files:
            raise KeyError(name)
        return f"/static/{self.version}/{name}"


@functools.cache
def static_files() -> StaticFiles:
    """The files of relaycore."""
    return StaticFiles.read(FOLDER)


async def get_static(request: web.Request) -> web.Response:
    """Answers with a file, or leads to it."""
    files = static_files()
    asked = request.match_info["path"]
    version, _, name = asked.partition("/")
    if version == files.version and name in files:
        file = files[name]
        headers = {**_HEADERS, hdrs.CACHE_CONTROL: _FOR_EVER, hdrs.ETAG: f'"{file.etag}"'}
        known = request.if_none_match or ()
        if any(tag.value in (file.etag, "*") for tag in known):
            return web.Response(status=304, headers=headers)
        return web.Response(body=file.body, content_type=file.media_type, charset="utf-8", headers=headers)
    of_texts = _TEXTS.fullmatch(name if version == files.version else asked)
    if of_texts is not None:
        return texts_answer(request, of_texts[1], _HEADERS)
    for candidate in (asked, name):
        if candidate in files:
            answer = web.Response(status=302, headers={**_HEADERS, hdrs.CACHE_CONTROL: "no-cache"})
            answer.headers[hdrs.LOCATION] = files.address(candidate)
            return answer
    raise Refused(404, Message("There is no such file here."))


async def get_icon(_request: web.Request) -> web.Response:
    """Leads to the icon, for browsers that ask for one where a page names none."""
    headers = {hdrs.LOCATION: static_files().address("icon.svg"), hdrs.CACHE_CONTROL: "no-cache"}
    return web.Response(status=302, headers=headers)


ROUTES: Sequence[Route] = (
    Route(
        method="GET",
        path="/favicon.ico",
        name="getIcon",
        summary="Leads to the icon of the pages.",
        access="open",
        handler=get_icon,
        answers={302: Answered("It is there.")},
    ),
    Route(
        method="GET",
        path="/static/{path}",
        name="getStatic",
        summary="A file of the web pages. Addresses with the current version may be kept for ever; any other "
        "leads there.",
        access="open",
        handler=get_static,
        parameters={"path": "The file, such as `player/player.js`, with or without a version before it."},
        answers={
            200: Answered("The file.", media_type="text/javascript"),
            302: Answered("It is at another address now."),
            304: Answered("The client has it already."),
            404: Answered("There is no such file.", Problem),
        },
    ),
)
