"""The ledger: who watched, who changed what, and who was refused."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Final

import msgspec
from aiohttp import web

from relaycore.errors import StateError
from relaycore.language import Message, message_of
from relaycore.ledger.query import Question, ask
from relaycore.ledger.records import KINDS, Act, Kind, Opening, Refusal, Removal, Session
from relaycore.web.acts import recorded
from relaycore.web.answers import Problem, Refused, json_answer
from relaycore.web.keys import LEDGER
from relaycore.web.routes import Answered, Route, query_of

__all__ = ["ROUTES", "LedgerPage", "LedgerQuery"]

LONGEST: Final = 256
"""Characters of a name in a query."""


class LedgerQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which records to list."""

    kind: Kind | None = None
    """Only those of this kind. An `opening` is listed as long as its session has not ended."""
    subject: Annotated[str, msgspec.Meta(max_length=LONGEST)] | None = None
    """Only those about this user: acts on the account and looks at its records among them."""
    path: Annotated[str, msgspec.Meta(max_length=LONGEST)] | None = None
    """Only those about this path, or about what an act was done to."""
    since: Annotated[int, msgspec.Meta(ge=0)] | None = None
    """Only those of this time and later, in milliseconds of Unix time; sessions that had not ended before."""
    until: Annotated[int, msgspec.Meta(ge=0)] | None = None
    """Only those before this time; sessions that had begun."""
    after: Annotated[str, msgspec.Meta(max_length=LONGEST)] | None = None
    """Goes on where an answer ended: its `next`."""
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100
    """At most this many."""


class LedgerPage(msgspec.Struct, frozen=True, kw_only=True):
    """Records as they are in the ledger, the newest first. Times are milliseconds of Unix time."""

    records: list[Opening | Session | Refusal | Act | Removal]
    next: str | None
    """What to give as `after` to go on; null at the end."""


async def list_records(request: web.Request) -> web.Response:
    """Answers with records, once it is on record who reads them."""
    query = query_of(request, LedgerQuery)
    ledger = request.app[LEDGER]
    if ledger is None:
        raise Refused(
            404, Message("This relay keeps no ledger: set enabled = true in [ledger] and start it again.")
        )
    question = Question(
        kinds=KINDS if query.kind is None else (query.kind,),
        subject=query.subject,
        path=query.path,
        since=query.since,
        until=query.until,
        after=query.after,
        limit=query.limit,
    )
    try:
        question.check()
    except ValueError as error:
        raise Refused(400, message_of(error)) from None
    async with recorded(request, "readLedger", query.subject or query.path):
        try:
            page = await asyncio.to_thread(ask, ledger.folder, question)
        except StateError as error:
            raise Refused(503, message_of(error)) from None
    return json_answer(200, {"records": page.records, "next": page.next})


ROUTES: Sequence[Route] = (
    Route(
        method="GET",
        path="/api/v1/ledger",
        name="readLedger",
        summary="Who watched or published, who changed what, who was refused. Reading it is put on record.",
        access="audit",
        handler=list_records,
        query=LedgerQuery,
        answers={
            200: Answered("The records.", LedgerPage),
            404: Answered("There is no ledger.", Problem),
            503: Answered("It cannot be read now, or reading it cannot be put on record.", Problem),
        },
    ),
)
