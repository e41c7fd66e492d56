"""What a route of the HTTP side is: enough to serve it and to describe it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import msgspec
from aiohttp import web

from relaycore.language import Message
from relaycore.web.answers import Problem, Refused
from relaycore.web.guard import Access

__all__ = ["JSON", "PAGE_OF_PATH", "REFUSED_ENTRY", "USER", "Answered", "Route", "query_of"]

JSON: Final = "application/json"

USER: Final[web.RequestKey[str | None]] = web.RequestKey("user")
"""Key of a request under which the user who sent it stands, or ``None``."""

_Query = TypeVar("_Query", bound=msgspec.Struct)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer that a route may give: what it means, and the type of its body, ``None`` for none."""

    meaning: str
    body: Any = None
    media_type: str = JSON


REFUSED_ENTRY: Final[Mapping[int, Answered]] = {
    401: Answered("It is not for everybody, and nobody said who asks.", Problem),
    403: Answered("Whoever asks may not.", Problem),
    421: Answered("The request was sent to a name that is not this server's.", Problem),
}
"""What a route answers whom it does not let in; see :meth:`relaycore.web.guard.Guard.enter`."""

PAGE_OF_PATH: Final[Mapping[int, Answered]] = {
    200: Answered("The page.", media_type="text/html"),
    303: Answered("A person has to log in first; from there they come back."),
    **REFUSED_ENTRY,
    503: Answered("There was no decision in time.", Problem),
}
"""What the page of a path answers, which a person may have to log in for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A method of a path.

    ``path`` has its parameters in braces; ``{path}`` stands for the rest, with its slashes. ``name`` is that
    of the operation in the description. ``query`` is a type of :mod:`msgspec` with the parameters of the
    query, ``body`` the type of the body.
    """

    method: str
    path: str
    name: str
    summary: str
    access: Access
    handler: Handler
    answers: Mapping[int, Answered]
    query: type[msgspec.Struct] | None = None
    body: Any = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    """What each parameter in the path means."""
    embeddable: bool = False
    """Whether pages of the origins in ``embed_origins`` may ask for it and read the answer."""

    @property
    def pattern(self) -> str:
        """The path as aiohttp matches it."""
        return self.path.replace("{path}", "{path:.+}")


def query_of(request: web.Request, kind: type[_Query]) -> _Query:
    """The query of a request as a ``kind``. Refused when a parameter is unknown, twice there or wrong."""
    given = {name: values[-1] for name in request.query if len(values := request.query.getall(name)) == 1}
    try:
        if len(given) < len(request.query):
            raise msgspec.ValidationError("a parameter is there twice")
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        known = ", ".join(kind.__struct_encode_fields__)
        raise Refused(
            400,
            Message("The query is not right: {error}. Its parameters are {known}.", error=error, known=known),
        ) from None
