"""The API over the port of a relay: what it answers, and that it is as described."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import AsyncIterator
from fractions import Fraction
from typing import Any

import aiohttp
import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate

from relaycore import Relay, Session, Track, User
from relaycore.capture import devices
from relaycore.capture.model import Camera, Devices, Microphone, Mode
from relaycore.events import SessionEnded, SessionStarted
from relaycore.http_digest import HttpDigest
from relaycore.settings import PathSettings, Role
from relaycore.web.api.openapi import describe
from relaycore.web.server import ROUTES
from tests.support.rtsp import Client

# Parameter sets of a 64x48 picture, without which there is no session description to give.
PARAMETERS = bytes.fromhex("0000000167420015da087e2e02200000000168ce3c80")

ANNA = User(name="anna", password="open sesame")

DESCRIPTION = describe(ROUTES)


class Api:
    """Asks a relay, as anna, and holds each answer against the description."""

    def __init__(self, relay: Relay, http: aiohttp.ClientSession) -> None:
        host, port = relay.address
        self.relay = relay
        self.base = f"http://{host}:{port}"
        self.http = http

    async def ask(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        async with self.http.request(method, self.base + path, **options) as response:
            body = await response.read()
            assert response.headers.get("Cache-Control") == "no-store" or not body
            assert "Access-Control-Allow-Origin" not in response.headers
            found = json.loads(body) if response.content_type == "application/json" else None
            check(method, path, response.status, found)
            return response.status, found


def check(method: str, path: str, status: int, found: Any) -> None:
    """That the answer is one that the description names, and its body of the type that it names."""
    operation = next(
        operations[method.lower()]
        for template, operations in DESCRIPTION["paths"].items()
        if method.lower() in operations
        and re.fullmatch(template.replace("{path}", ".+").replace("{id}", "[^/]+"), path.partition("?")[0])
        and (template == "/api/v1/paths" or "/paths/" in template or not path.startswith("/api/v1/paths"))
    )
    response = operation["responses"][str(status)]
    if "content" not in response:
        assert found is None
        return
    schema = response["content"]["application/json"]["schema"]
    validator = OAS31Validator({**schema, "components": DESCRIPTION["components"]})
    validator.validate(found)


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    login = HttpDigest(ANNA.name, ANNA.password)
    async with (
        Relay(port=0, users=[ANNA]) as relay,
        aiohttp.ClientSession(middlewares=[login]) as http,
    ):
        with relay.publish("own", [Track.h264(PARAMETERS)]):
            yield Api(relay, http)


def test_the_description_is_right_and_names_every_route() -> None:
    validate(DESCRIPTION)
    described = {
        (method.upper(), path) for path, operations in DESCRIPTION["paths"].items() for method in operations
    }
    assert described == {(route.method, route.path) for route in ROUTES}
    operations = [operation for path in DESCRIPTION["paths"].values() for operation in path.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(names) == len(set(names))


async def test_the_server_has_exactly_the_routes_that_are_described(api: Api) -> None:
    status, found = await api.ask("GET", "/api/v1/openapi.json")
    assert (status, found) == (200, DESCRIPTION)


async def test_versions_and_health(api: Api) -> None:
    status, version = await api.ask("GET", "/api/v1/version")
    assert status == 200
    assert version["relaycore"] == DESCRIPTION["info"]["version"]
    assert await api.ask("GET", "/healthz") == (200, {"status": "ok"})


async def test_streams(api: Api) -> None:
    status, found = await api.ask("GET", "/api/v1/streams")
    assert status == 200
    (stream,) = found["streams"]
    assert (stream["path"], stream["urls"]) == ("own", api.relay.urls("own"))
    assert stream["tracks"] == [{"kind": "video", "codec": "h264", "clock_rate": 90_000, "channels": 0}]


async def test_a_path_is_added_changed_and_removed(api: Api) -> None:
    body = {"source": "rtsp://bo:secret@127.0.0.1:9/x", "source_on_demand": True, "read": ["anna"]}
    status, found = await api.ask("PUT", "/api/v1/paths/house/front", json=body)
    assert status == 201
    assert "restart" in found["lasts"] or "started again" in found["lasts"]
    assert tomllib.loads(found["toml"]) == {"paths": {"house/front": body}}
    assert found["settings"]["source"] == "rtsp://***@127.0.0.1:9/x"
    assert api.relay.paths["house/front"].source == body["source"]

    status, found = await api.ask("GET", "/api/v1/paths/house%2Ffront")
    assert (status, found["kind"], found["ready"], found["stream"]) == (200, "configured", False, None)
    assert found["source"] == {"state": "off", "current": None, "error": None, "switches": 0}
    assert "secret" not in json.dumps(found)

    status, found = await api.ask("PUT", "/api/v1/paths/house/front", json={"takeover": True})
    assert (status, found["settings"]["source"]) == (200, None)
    assert api.relay.paths["house/front"] == PathSettings(takeover=True)

    status, found = await api.ask("DELETE", "/api/v1/paths/house/front")
    assert (status, found["ended"]) == (200, [])
    assert "house/front" not in api.relay.paths
    status, found = await api.ask("DELETE", "/api/v1/paths/house/front")
    assert status == 404


async def test_sources_are_stopped_and_started(api: Api) -> None:
    await api.relay.set_path("door", PathSettings(source="nothing.mp4", source_on_demand=True))
    status, found = await api.ask("POST", "/api/v1/paths/door/stop")
    assert (status, found["path"], "started" in found["lasts"]) == (200, "door", True)
    assert (await api.ask("GET", "/api/v1/paths/door"))[1]["stopped"]
    status, found = await api.ask("POST", "/api/v1/paths/door/start")
    assert (status, found["stopped"], found["source"]["state"]) == (200, False, "off")
    for act in ("stop", "start"):
        assert (await api.ask("POST", f"/api/v1/paths/own/{act}"))[0] == 409
        assert (await api.ask("POST", f"/api/v1/paths/none/{act}"))[0] == 404


async def test_a_camera_that_is_stopped_is_still_one(api: Api) -> None:
    await api.relay.add_camera("cam", camera="pattern", size="320x240", fps=10, microphone="none")
    assert (await api.ask("POST", "/api/v1/paths/cam/stop"))[0] == 200
    status, found = await api.ask("GET", "/api/v1/paths/cam")
    assert (status, found["kind"], found["stopped"], found["stream"]) == (200, "camera", True, None)
    status, found = await api.ask("POST", "/api/v1/paths/cam/start")
    assert (status, found["stopped"], found["stream"]["path"]) == (200, False, "cam")


async def test_a_camera_is_added_and_removed(api: Api) -> None:
    body = {"camera": "pattern", "size": "320x240", "fps": 10, "microphone": "none"}
    status, found = await api.ask("PUT", "/api/v1/cameras/yard", json=body)
    assert (status, tomllib.loads(found["toml"])) == (201, {"cameras": {"yard": body}})
    assert (await api.ask("GET", "/api/v1/paths/yard"))[1]["kind"] == "camera"
    # It is one of the settings: changing another path must not end it.
    await api.relay.set_path("door", PathSettings(source="nothing.mp4", source_on_demand=True))
    for taken in ("yard", "own", "door"):
        assert (await api.ask("PUT", f"/api/v1/cameras/{taken}", json=body))[0] == 409
    assert (await api.ask("DELETE", "/api/v1/cameras/yard"))[0] == 200
    await api.relay.set_path("gate", PathSettings())
    assert (await api.ask("GET", "/api/v1/paths/yard"))[0] == 404
    assert (await api.ask("DELETE", "/api/v1/cameras/yard"))[0] == 404


@pytest.mark.parametrize("body", [{"camra": "x"}, {"size": "large"}, {"fps": -1}, []])
async def test_cameras_with_mistakes_are_not_opened(api: Api, body: Any) -> None:
    status, found = await api.ask("PUT", "/api/v1/cameras/yard", json=body)
    assert (status, len(found["mistakes"])) == (422, 1)


async def test_a_camera_that_does_not_open_is_not_added(api: Api) -> None:
    status, found = await api.ask("PUT", "/api/v1/cameras/yard", json={"camera": "/nowhere/at/all.mp4"})
    assert (status, bool(found["error"])) == (409, True)
    assert (await api.ask("GET", "/api/v1/paths/yard"))[0] == 404


async def test_devices_are_listed(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    modes = tuple(Mode("mjpeg", width, 480, Fraction(fps)) for width, fps in ((640, 30), (640, 15), (800, 5)))
    found = Devices([Camera("Cam", "/dev/video7", modes, "v4l2")], [Microphone("Mic", "hw:0", "alsa")])
    monkeypatch.setattr(devices, "list_devices", lambda: found)
    assert await api.ask("GET", "/api/v1/devices") == (
        200,
        {
            "cameras": [{"name": "Cam", "device": "/dev/video7", "sizes": ["800x480", "640x480"]}],
            "microphones": [{"name": "Mic", "device": "hw:0"}],
        },
    )


@pytest.mark.parametrize(
    ("role", "may"),
    [
        ("viewer", {"read", "look"}),
        ("operator", {"read", "publish", "look", "record", "control"}),
        ("auditor", {"look", "audit"}),
    ],
)
async def test_everybody_is_told_what_they_may_do(role: Role, may: set[str]) -> None:
    user = User(name="bo", password="open sesame", role=role)
    login = HttpDigest(user.name, user.password)
    async with Relay(port=0, users=[user]) as relay, aiohttp.ClientSession(middlewares=[login]) as http:
        status, found = await Api(relay, http).ask("GET", "/api/v1/me")
    assert (status, found["user"], found["role"], set(found["may"])) == (200, "bo", role, may)
    assert "login" in found["parts"]
    assert "ledger" not in found["parts"]


async def test_without_users_whoever_is_here_may_look_and_change_nothing() -> None:
    async with Relay(port=0) as relay, aiohttp.ClientSession() as http:
        _, found = await Api(relay, http).ask("GET", "/api/v1/me")
    assert (found["user"], found["role"], found["may"]) == (None, None, ["read", "publish", "look"])
    assert "login" not in found["parts"]


async def test_paths_are_those_that_are_configured_or_live(api: Api) -> None:
    await api.relay.set_path("later", PathSettings())
    status, found = await api.ask("GET", "/api/v1/paths")
    assert status == 200
    assert [(path["path"], path["kind"]) for path in found["paths"]] == [
        ("later", "configured"),
        ("own", "free"),
    ]
    status, found = await api.ask("GET", "/api/v1/paths/none")
    assert (status, "lists" in found["error"]) == (404, True)


@pytest.mark.parametrize(
    ("body", "mistakes"),
    [
        ({"sorce": "a"}, ["sorce: there is no such setting; did you mean source?"]),
        ({"takeover": "yes", "join": 7}, ["takeover: ", "join: "]),
        ({"source": "ftp://x/y"}, ["source: "]),
        ({"source_on_demand": True}, ["source_on_demand: it does nothing without source"]),
        ({"read": ["nobody"]}, ['read: 0: there is no user "nobody"']),
        ([], ["a list"]),
    ],
)
async def test_settings_with_mistakes_change_nothing(api: Api, body: Any, mistakes: list[str]) -> None:
    status, found = await api.ask("PUT", "/api/v1/paths/new", json=body)
    assert status == 422
    assert "new" not in api.relay.paths
    assert len(found["mistakes"]) == len(mistakes)
    if isinstance(body, dict):
        for text, start in zip(sorted(found["mistakes"]), sorted(mistakes), strict=True):
            assert text.startswith(start)


@pytest.mark.parametrize("name", ["on_ready", "on_not_ready", "on_reader_start", "on_reader_end"])
async def test_hooks_are_for_those_who_may_write_the_file(api: Api, name: str) -> None:
    status, found = await api.ask("PUT", "/api/v1/paths/new", json={name: [["touch", "x"]]})
    assert (status, "configuration file" in found["error"]) == (403, True)
    assert "new" not in api.relay.paths


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"data": b"{}"}, 415),
        ({"data": b"{", "headers": {"Content-Type": "application/json"}}, 400),
        ({"data": b"\xff", "headers": {"Content-Type": "application/json"}}, 400),
        ({"data": b"[" * 60_000, "headers": {"Content-Type": "application/json"}}, 400),
        ({"data": b" " * 70_000, "headers": {"Content-Type": "application/json"}}, 413),
    ],
)
async def test_bodies_that_are_none(api: Api, options: dict[str, Any], expected: int) -> None:
    status, found = await api.ask("PUT", "/api/v1/paths/new", **options)
    assert status == expected
    assert found["error"]


async def test_a_path_that_is_none(api: Api) -> None:
    status, found = await api.ask("PUT", "/api/v1/paths/a%20b", json={})
    assert (status, "is not a path" in found["error"]) == (400, True)


async def test_what_is_not_there_says_what_is(api: Api) -> None:
    async with api.http.get(api.base + "/api/v2/paths") as response:
        assert response.status == 404
        assert "openapi.json" in (await response.json())["error"]
    async with api.http.post(api.base + "/api/v1/paths/own", json={}) as response:
        assert response.status == 405
        assert response.headers["Allow"] == "DELETE, GET, HEAD, PUT"


async def test_sessions_are_listed_and_ended() -> None:
    async with (
        Relay(port=0, users=[ANNA], anonymous=True) as relay,
        aiohttp.ClientSession(middlewares=[HttpDigest(ANNA.name, ANNA.password)]) as http,
    ):
        await relay.add_camera("cam", camera="pattern", size="320x240", fps=30, microphone="none")
        api, events = Api(relay, http), relay.events()
        async with await Client.connect(relay.urls("cam")[0]) as client:
            await client.start(udp=False)
            await client.packet()
            session = await started(events)
            status, found = await api.ask("GET", "/api/v1/sessions")
            assert (status, found["total"]) == (200, 1)
            (shown,) = found["sessions"]
            assert (shown["path"], shown["action"], shown["transport"]) == ("cam", "read", "tcp")
            assert shown["protocol"] == "rtsp"
            assert session.id not in json.dumps(found), "it is a key to the session"
            name = shown["id"]
            assert shown["packets"] >= 1
            assert (await api.ask("GET", f"/api/v1/sessions/{name}"))[0] == 200
            assert (await api.ask("GET", "/api/v1/sessions?path=other"))[1] == {"total": 0, "sessions": []}
            assert await api.ask("DELETE", f"/api/v1/sessions/{name}") == (204, None)
            async for event in events:
                if isinstance(event, SessionEnded):
                    break
            assert (await api.ask("DELETE", f"/api/v1/sessions/{name}"))[0] == 404
            assert (await api.ask("GET", f"/api/v1/sessions/{name}"))[0] == 404


async def started(events: Any) -> Session:
    async for event in events:
        if isinstance(event, SessionStarted):
            return event.session
    raise AssertionError("no session started")


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "limit=1&limit=2", "pth=cam"])
async def test_queries_that_are_not_right(api: Api, query: str) -> None:
    status, found = await api.ask("GET", f"/api/v1/sessions?{query}")
    assert (status, "path, limit" in found["error"]) == (400, True)
