"""The description of the HTTP side in OpenAPI 3.1, made of its routes and types."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from typing import Any

import msgspec
from aiohttp import web

from relaycore.web.answers import Problem, json_answer
from relaycore.web.routes import JSON, Answered, Route

__all__ = ["answers_of", "describe", "with_description"]

_SCHEMES: list[dict[str, list[str]]] = [{"digest": []}, {"basic": []}, {"bearer": []}]
"""Ways to say who one is."""

_PARAMETER = re.compile(r"\{(\w+)\}")

_REFUSALS = {
    "read": {
        400: Answered("The query or the path is malformed.", Problem),
        401: Answered("A user is needed: the answer names the ways to log in.", Problem),
        403: Answered("This user, this machine or this origin may not.", Problem),
        421: Answered("Without a user, Host must be an address or a name of this machine.", Problem),
        503: Answered("There was no decision in time.", Problem),
    },
    "body": {
        408: Answered("The body did not come in time.", Problem),
        413: Answered("The body is too long.", Problem),
        415: Answered("The body is not called application/json.", Problem),
    },
}


def describe(routes: Sequence[Route]) -> dict[str, Any]:
    """The whole description as plain data."""
    kinds = list(_kinds(routes))
    schemas, components = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
    schema_of = dict(zip((id(kind) for kind in kinds), schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schema_of)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "relaycore",
            "version": version("relaycore"),
            "summary": "The control API and the metrics of a relay for live video.",
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "digest": {"type": "http", "scheme": "digest"},
                "basic": {"type": "http", "scheme": "basic"},
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
            },
        },
    }


def with_description(routes: Iterable[Route], last: Iterable[Route] = ()) -> tuple[Route, ...]:
    """The routes, one more that describes all of them and itself, and then the ``last`` ones."""
    described = list(routes)

    async def get_description(_request: web.Request) -> web.Response:
        return json_answer(200, describe(described))

    described.append(
        Route(
            method="GET",
            path="/api/v1/openapi.json",
            name="getDescription",
            summary="This description, in OpenAPI 3.1.",
            access="read",
            handler=get_description,
            answers={200: Answered("The description.", dict[str, Any])},
        )
    )
    described += last
    return tuple(described)


def answers_of(route: Route) -> dict[int, Answered]:
    """All answers that a route may give, with those that are the same for all."""
    common = {} if route.access == "open" else _REFUSALS["read"]
    return {**common, **(_REFUSALS["body"] if route.body is not None else {}), **route.answers}


def _kinds(routes: Iterable[Route]) -> Iterable[Any]:
    """The types of all bodies, each once."""
    seen: set[int] = set()
    for route in routes:
        for kind in (route.body, *(answer.body for answer in answers_of(route).values())):
            if kind is not None and id(kind) not in seen:
                seen.add(id(kind))
                yield kind


def _operation(route: Route, schema_of: Mapping[int, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "parameters": [*_path_parameters(route), *_query_parameters(route)],
        "responses": {
            str(status): _response(answer, schema_of) for status, answer in sorted(answers_of(route).items())
        },
        # An empty requirement: where there are no users, programs of this machine need none to look.
        "security": {"open": [{}], "read": [*_SCHEMES, {}]}.get(route.access, _SCHEMES),
    }
    if route.body is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {JSON: {"schema": schema_of[id(route.body)]}},
        }
    return operation


def _response(answer: Answered, schema_of: Mapping[int, Any]) -> dict[str, Any]:
    response: dict[str, Any] = {"description": answer.meaning}
    if answer.media_type != JSON:
        response["content"] = {answer.media_type: {"schema": {"type": "string"}}}
    elif answer.body is not None:
        response["content"] = {JSON: {"schema": schema_of[id(answer.body)]}}
    return response


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": route.parameters[name],
            "schema": {"type": "string"},
        }
        for name in _PARAMETER.findall(route.path)
    ]


def _query_parameters(route: Route) -> list[dict[str, Any]]:
    if route.query is None:
        return []
    _, components = msgspec.json.schema_components([route.query])
    (schema,) = components.values()
    return [
        {"name": name, "in": "query", "required": name in schema["required"], "schema": wanted}
        for name, wanted in schema["properties"].items()
    ]
