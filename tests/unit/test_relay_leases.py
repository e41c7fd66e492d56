"""Leases in a running relay: how many sessions, how long, and that all of a user ends on every protocol."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from relaycore import AccessSettings, PathSettings, Relay, User
from relaycore.access import leases
from relaycore.access.accounts import AccountFile, make_account
from relaycore.events import SessionEnded
from tests.support.events import of_kind
from tests.support.http import Raw
from tests.support.rtsp import Client

ANNA = User(name="anna", password="open sesame")
BO = User(name="bo", password="x", role="viewer")


def login(user: User) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user.name}:{user.password}".encode()).decode()}


@contextlib.asynccontextmanager
async def relay_of(users: list[User], **settings: object) -> AsyncIterator[Relay]:
    """A relay with a stream at `own`, and Basic to log in."""
    async with Relay(port=0, basic=True, users=users, **settings) as relay:  # type: ignore[arg-type]
        # PLAY is answered with the first picture, so that there have to be some.
        await relay.add_camera("own", camera="pattern", size="160x120", fps=25, microphone="none")
        yield relay


async def connected(relay: Relay, user: User | None) -> Client:
    client = await Client.connect(relay.urls("own")[0])
    if user is not None:
        client.headers = login(user)
    return client


async def set_up(client: Client) -> None:
    """All but PLAY."""
    await client.describe()
    answer = await client.request(
        "SETUP", client.tracks[0].control, {"Transport": "RTP/AVP/TCP;interleaved=0-1"}
    )
    assert answer.status == 200
    client.session = answer.headers["session"].split(";")[0]


async def closed(client: Client) -> None:
    """Wait until the server has closed the connection, whatever comes before."""
    with contextlib.suppress(EOFError):
        while True:
            await client.packet()


async def looking(relay: Relay, user: User) -> Raw:
    """A connection of HTTP on which a user has asked something, and that stays open."""
    connection = await Raw.connect(relay.address)
    headers = f"Host: localhost\r\nAuthorization: {login(user)['Authorization']}"
    connection.send(f"GET /api/v1/paths HTTP/1.1\r\n{headers}\r\n\r\n".encode())
    assert (await connection.answer()).status == 200
    return connection


async def everything(relay: Relay, user: User) -> tuple[list[Client], Raw]:
    """One of each that a user can have open."""
    clients = [await connected(relay, user) for _ in range(3)]
    await clients[0].start(udp=False)
    await clients[1].start(udp=True)
    await clients[2].describe()
    return clients, await looking(relay, user)


async def all_closed(clients: list[Client], web: Raw) -> None:
    for client in clients:
        await closed(client)
        await client.close()
    assert await web.closed() == b""
    await web.close()


async def test_all_that_a_user_has_open_is_ended_by_request_and_what_others_have_is_not() -> None:
    async with relay_of([ANNA, BO]) as relay:
        host, port = relay.address
        of_bo, web_of_bo = await everything(relay, BO)
        of_anna = await connected(relay, ANNA)
        await of_anna.start(udp=False)
        web = await looking(relay, ANNA)
        async with (
            aiohttp.ClientSession(headers=login(ANNA)) as http,
            http.delete(f"http://{host}:{port}/api/v1/users/bo/sessions") as answer,
        ):
            assert answer.status == 200
            ended = (await answer.json())["ended"]
        assert [(session["path"], session["user"]) for session in ended] == [("own", "bo")] * 2
        assert {session["reason"] for session in ended} == {"ended by anna"}
        await all_closed(of_bo, web_of_bo)
        assert [session.user for session in relay.sessions()] == ["anna"]
        assert (await of_anna.request("GET_PARAMETER")).status == 200
        again = await connected(relay, BO)
        await again.start(udp=False)
        for client in (of_anna, again):
            await client.close()
        await web.close()


async def test_who_ends_all_of_their_own_is_answered_first() -> None:
    async with relay_of([ANNA]) as relay:
        of_anna, web = await everything(relay, ANNA)
        connection = await Raw.connect(relay.address)
        headers = f"Host: localhost\r\nAuthorization: {login(ANNA)['Authorization']}"
        connection.send(f"DELETE /api/v1/users/anna/sessions HTTP/1.1\r\n{headers}\r\n\r\n".encode())
        assert (await connection.answer()).status == 200
        assert await connection.closed() == b""
        await connection.close()
        await all_closed(of_anna, web)


async def test_only_who_may_control_ends_sessions_and_only_of_somebody_there_is() -> None:
    async with relay_of([ANNA, BO]) as relay:
        host, port = relay.address
        for user, of, expected in [(BO, "anna", 403), (ANNA, "nobody", 404), (ANNA, "bo", 200)]:
            async with (
                aiohttp.ClientSession(headers=login(user)) as http,
                http.delete(f"http://{host}:{port}/api/v1/users/{of}/sessions") as answer,
            ):
                assert answer.status == expected


@pytest.mark.parametrize("change", ["remove", "password", "role"])
async def test_what_happens_to_an_account_closes_all_that_it_has_open(tmp_path: Path, change: str) -> None:
    file = AccountFile(tmp_path)
    cy = User(name="cy", password="y")
    await asyncio.to_thread(file.add, make_account("cy", "y", "publisher"))
    async with relay_of([], state_folder=str(tmp_path)) as relay:
        clients, web = await everything(relay, cy)
        match change:
            case "remove":
                await asyncio.to_thread(file.remove, "cy")
            case "password":
                await asyncio.to_thread(file.set_password, make_account("cy", "z", "publisher"))
            case "role":
                await asyncio.to_thread(file.set_role, "cy", "viewer")
        await all_closed(clients, web)
        assert relay.sessions() == []
    file.close()


async def test_more_rights_end_nothing(tmp_path: Path) -> None:
    file = AccountFile(tmp_path)
    cy = User(name="cy", password="y")
    await asyncio.to_thread(file.add, make_account("cy", "y", "viewer"))
    async with relay_of([], state_folder=str(tmp_path)) as relay:
        client = await connected(relay, cy)
        await client.start(udp=False)
        await asyncio.to_thread(file.set_role, "cy", "publisher")
        while relay.users.role("cy") != "publisher":
            assert (await client.request("GET_PARAMETER")).status == 200
        assert (await client.request("GET_PARAMETER")).status == 200
        await client.close()
    file.close()


async def test_sessions_that_begin_at_the_same_time_are_no_more_than_are_allowed() -> None:
    async with relay_of([ANNA, BO], access=AccessSettings(sessions_per_user=2)) as relay:
        events = relay.events()
        clients = [await connected(relay, BO) for _ in range(8)]
        await asyncio.gather(*map(set_up, clients))
        answers = await asyncio.gather(*(client.request("PLAY") for client in clients))
        assert sorted(answer.status for answer in answers) == [200] * 2 + [453] * 6
        other = await connected(relay, ANNA)
        await other.start(udp=False)
        refused = next(
            client for client, answer in zip(clients, answers, strict=True) if answer.status == 453
        )
        playing = next(
            client for client, answer in zip(clients, answers, strict=True) if answer.status == 200
        )
        await playing.tear_down()
        await of_kind(events, SessionEnded)
        assert (await refused.request("PLAY")).status == 200
        for client in [*clients, other]:
            await client.close()


async def test_a_path_has_so_many_readers_and_each_so_much_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(leases, "monotonic", lambda: now)
    async with relay_of([]) as relay:
        await relay.set_path("own", PathSettings(most_readers=1, longest_session=60))
        events = relay.events()
        first, second = await connected(relay, None), await connected(relay, None)
        for client in (first, second):
            await set_up(client)
        assert (await first.request("PLAY")).status == 200
        assert (await second.request("PLAY")).status == 453
        now += 61
        assert {(await of_kind(events, SessionEnded)).path for _ in range(2)} == {"own"}
        for client in (first, second):
            await closed(client)
            await client.close()
