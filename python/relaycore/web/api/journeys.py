"""Journeys: how far attempts to view came."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aiohttp import web

from relaycore.errors import StateError
from relaycore.journeys.report import Question, Report, ask
from relaycore.language import Message, message_of
from relaycore.web.answers import Problem, Refused, json_answer
from relaycore.web.keys import JOURNEYS
from relaycore.web.routes import Answered, Route, query_of

__all__ = ["ROUTES"]


async def report_journeys(request: web.Request) -> web.Response:
    """Answers with the funnels, those of this moment among them."""
    question = query_of(request, Question)
    journeys = request.app[JOURNEYS]
    if journeys is None:
        raise Refused(
            404,
            Message("This relay counts no journeys: give it a state_folder, and leave [journeys] enabled."),
        )

    def found() -> Report:
        journeys.flush()
        return ask(journeys.folder, question)

    try:
        return json_answer(200, await asyncio.to_thread(found))
    except StateError as error:
        raise Refused(503, message_of(error)) from None


ROUTES: Sequence[Route] = (
    Route(
        method="GET",
        path="/api/v1/journeys",
        name="reportJourneys",
        summary="How far attempts to view came, how long that took, and why others ended: by path, family of "
        "clients, protocol, transport and day.",
        access="read",
        handler=report_journeys,
        query=Question,
        answers={
            200: Answered("The funnels.", Report),
            404: Answered("Nothing is counted.", Problem),
            503: Answered("The counts cannot be read now.", Problem),
        },
    ),
)
