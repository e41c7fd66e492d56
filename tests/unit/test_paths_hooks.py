"""Hooks: functions, commands and webhooks; their order, and their bounds."""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from relaycore.errors import HookError
from relaycore.paths.commands import filled, run_command
from relaycore.paths.hooks import MOST_WAITING, Happening, Hooks
from relaycore.paths.webhooks import Webhooks

READY = Happening("ready", "door")
FIELDS = READY.fields()


@pytest.fixture
async def hooks() -> AsyncIterator[Hooks]:
    made = Hooks()
    yield made
    await made.close(5)


class Receiver:
    """A web server that notes what is posted to it, and answers with ``status``."""

    def __init__(self) -> None:
        self.posts: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        self.status = 204

    async def take(self, request: web.Request) -> web.Response:
        self.posts.put_nowait((request.path_qs, await request.json()))
        return web.Response(status=self.status, headers={"Location": "/elsewhere"})


@pytest.fixture
async def receiver() -> AsyncIterator[tuple[Receiver, str]]:
    found = Receiver()
    app = web.Application()
    app.router.add_post("/{tail:.*}", found.take)
    async with TestServer(app, host="127.0.0.1") as server:
        yield found, f"http://127.0.0.1:{server.port}"


def test_known_names_are_filled_in_and_others_stay() -> None:
    assert filled("{path} and {else} by {user}", {"path": "door", "user": ""}) == "door and {else} by "


async def test_a_command_gets_what_happened_in_its_words_and_its_environment(tmp_path: Path) -> None:
    note = tmp_path / "note"
    script = "import os, sys; open(sys.argv[1], 'w').write(sys.argv[2] + os.environ['RELAYCORE_REASON'])"
    fields = Happening("not_ready", "house/door", reason="$(it) left").fields()
    await run_command([sys.executable, "-c", script, str(note), "{path}: "], fields)
    assert note.read_text() == "house/door: $(it) left"


async def test_a_command_that_fails_is_told() -> None:
    with pytest.raises(HookError, match="ended with status 3"):
        await run_command([sys.executable, "-c", "raise SystemExit(3)"], FIELDS)
    with pytest.raises(HookError, match="cannot be started"):
        await run_command(["/nowhere/at-all"], FIELDS)


async def test_a_webhook_gets_json_and_what_is_filled_in_is_escaped(receiver: tuple[Receiver, str]) -> None:
    found, url = receiver
    webhooks = Webhooks()
    await webhooks.post(f"{url}/{{path}}", Happening("ready", "house/door", user="anna").fields())
    path, body = await found.posts.get()
    assert path == "/house%2Fdoor"
    assert (body["event"], body["path"], body["user"], body["reason"]) == ("ready", "house/door", "anna", "")
    await webhooks.close()


@pytest.mark.parametrize("status", [404, 302])
async def test_a_webhook_that_is_refused_or_sent_elsewhere_is_told(
    receiver: tuple[Receiver, str], status: int
) -> None:
    found, url = receiver
    found.status = status
    webhooks = Webhooks()
    with pytest.raises(HookError, match=f"answered with status {status}"):
        await webhooks.post(url, FIELDS)
    assert found.posts.qsize() == 1
    await webhooks.close()


async def test_a_webhook_that_is_not_there_is_told_without_its_password() -> None:
    webhooks = Webhooks()
    with pytest.raises(HookError, match=r"http://\*\*\*@127.0.0.1:1/ gave no answer") as told:
        await webhooks.post("http://anna:secret@127.0.0.1:1/", FIELDS)
    assert "secret" not in str(told.value)
    await webhooks.close()


async def test_hooks_of_a_path_keep_their_order_and_those_of_another_do_not_wait(hooks: Hooks) -> None:
    seen: list[str] = []
    release, other = asyncio.Event(), asyncio.Event()

    async def slow(happening: Happening) -> None:
        await release.wait()
        seen.append(happening.event)

    async def note(happening: Happening) -> None:
        seen.append(f"{happening.path} {happening.event}")
        if happening.path == "other":
            other.set()

    hooks.run([slow, note], READY)
    hooks.run([note], Happening("not_ready", "door"))
    hooks.run([note], Happening("ready", "other"))
    await other.wait()
    assert seen == ["other ready"]
    release.set()
    await hooks.close(5)
    assert seen == ["other ready", "ready", "door ready", "door not_ready"]


async def test_when_too_many_wait_the_oldest_are_left_out_and_counted(hooks: Hooks) -> None:
    seen: list[str | None] = []
    release = asyncio.Event()

    async def note(happening: Happening) -> None:
        await release.wait()
        seen.append(happening.reason)

    hooks.run([note], READY)
    await asyncio.sleep(0)  # the first one runs, and waits no more
    for number in range(MOST_WAITING + 2):
        hooks.run([note], Happening("not_ready", "door", reason=str(number)))
    release.set()
    await hooks.close(5)
    assert hooks.discarded == 2
    assert seen == [None, *(str(number) for number in range(2, MOST_WAITING + 2))]


async def test_a_hook_that_fails_is_told_once_and_stops_no_other(
    hooks: Hooks, caplog: pytest.LogCaptureFixture
) -> None:
    done = asyncio.Event()

    async def note(happening: Happening) -> None:
        done.set()

    failing = [sys.executable, "-c", "raise SystemExit(1)"]
    with caplog.at_level(logging.WARNING):
        hooks.run([failing, failing, note], READY)
        await done.wait()
    assert [record.getMessage() for record in caplog.records] == [
        f"a hook failed: {sys.executable} ended with status 1."
    ]
