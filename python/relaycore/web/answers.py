"""Answers of the API: values as JSON, and refusals that tell what to do next."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec
from aiohttp import web

from relaycore.language import Message, shown
from relaycore.web.limits import LIMITS

__all__ = ["Problem", "Refused", "json_answer", "read_body", "read_json"]

_NO_STORE = {"Cache-Control": "no-store"}


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Why a request was refused."""

    error: str
    """A sentence for a person: what is wrong, and what to do next."""

    mistakes: list[str] = []
    """Each mistake of the body by itself, with the key that it is about."""


class Refused(Exception):
    """A request cannot be answered: ``status``, and a sentence for a person.

    ``problem`` has it in English, for records; the answer has it in the language that holds where it is made.
    """

    def __init__(
        self,
        status: int,
        error: str,
        *,
        mistakes: tuple[str, ...] = (),
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(error)
        self.status = status
        self.mistakes = mistakes
        self.headers = headers

    @property
    def problem(self) -> Problem:
        """What was wrong, in English."""
        return Problem(error=str(self), mistakes=[str(mistake) for mistake in self.mistakes])

    def answer(self) -> web.Response:
        """The answer that says so."""
        problem = Problem(error=shown(self), mistakes=[shown(mistake) for mistake in self.mistakes])
        answer = json_answer(self.status, problem)
        for name, value in self.headers:
            answer.headers.add(name, value)
        return answer


def json_answer(status: int, value: Any, headers: Mapping[str, str] | None = None) -> web.Response:
    """A value of :mod:`msgspec` as JSON. It is what is true now, so nobody may keep it."""
    return web.Response(
        status=status,
        body=msgspec.json.encode(value),
        content_type="application/json",
        headers={**_NO_STORE, **(headers or {})},
    )


async def read_json(request: web.Request) -> Any:
    """The body as plain data. Refused where it is none, too long, too slow, or not called JSON.

    A page of another site cannot send that content type without asking first whether it may, and nobody here
    says yes (Fetch standard, "CORS-preflight request").
    """
    if request.content_type != "application/json":
        raise Refused(415, Message("Send the body as JSON, with the header Content-Type: application/json."))
    body = await read_body(request)
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(400, Message("The body is not JSON: {error}.", error=error)) from None


async def read_body(request: web.Request) -> bytes:
    """The body. Refused where it is too long or too slow."""
    limits = request.app[LIMITS]
    try:
        async with asyncio.timeout(limits.timeout_s):
            return await request.read()
    except TimeoutError:
        raise Refused(
            408,
            Message(
                "The body did not come within {timeout_s} seconds: send it at once.",
                timeout_s=limits.timeout_s,
            ),
        ) from None
    except web.HTTPRequestEntityTooLarge:
        raise Refused(
            413,
            Message(
                "The body is longer than {body_bytes} bytes: send less, or raise http_body_bytes.",
                body_bytes=limits.body_bytes,
            ),
        ) from None
