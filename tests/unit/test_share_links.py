"""Share links: what they are, where they are kept, and who is let in by them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from relaycore import AccessRule, AccessSettings, LedgerSettings, PathSettings, Relay, User
from relaycore.access import share_links
from relaycore.access.accounts import ACCOUNT_FILE
from relaycore.access.identity import Identity
from relaycore.access.share_file import KEY_FILE, ShareFile
from relaycore.access.share_links import ShareLink, ShareLinks, ShareProblem, new_link, token_in
from relaycore.access.sharing import checked_link
from relaycore.access.tickets import SPARE, Tickets
from relaycore.alerts.shared_link import SharedLink
from relaycore.control.cli import main
from relaycore.errors import ConfigurationError, StateError
from relaycore.events import SessionEnded
from relaycore.http_digest import HttpDigest
from relaycore.ledger.records import Opening, Record
from relaycore.settings import SharedLinkRule
from tests.support.events import of_kind
from tests.support.http import Raw
from tests.support.rtsp import Client

ANNA = User(name="anna", password="open sesame")
KEY = bytes(range(32))
ALERT = SharedLink(SharedLinkRule(networks=3))


def test_a_token_lets_in_until_its_end_and_not_when_anything_of_it_is_changed() -> None:
    link = new_link("cam", "a visit", seconds=60)
    links = ShareLinks(KEY, [link])
    token = links.token(link)
    assert links.of_token(token, link.made) == link
    assert ShareLinks(KEY, [link]).token(link) == token, "it is the same after the next start"
    for changed in (
        replace(link, path="other"),
        replace(link, ends=link.ends + 1),
        replace(link, purpose="another"),
        replace(link, sessions=9),
    ):
        with pytest.raises(ShareProblem, match="not valid"):
            ShareLinks(KEY, [changed]).of_token(token, link.made)
    with pytest.raises(ShareProblem, match="not valid"):
        ShareLinks(links=[link]).of_token(token, link.made)
    with pytest.raises(ShareProblem, match="has ended"):
        links.of_token(token, link.ends)
    links.add(replace(link, revoked=link.made))
    with pytest.raises(ShareProblem, match="revoked"):
        links.of_token(token, link.made)


@pytest.mark.parametrize("token", ["", "x", "a.b", "aaaaaaaa." + "!" * 22, "é" * 31, "a" * 10_000])
def test_what_is_no_token_is_called_so(token: str) -> None:
    with pytest.raises(ShareProblem) as problem:
        ShareLinks(KEY).of_token(token, 0)
    assert problem.value.status == 400


@pytest.mark.parametrize(
    ("query", "token"),
    [
        (None, None),
        ("", None),
        ("share=abc", "abc"),
        ("a=b&share=abc&c", "abc"),
        ("share=abc/trackID=0", "abc"),
        ("myshare=abc", None),
        ("share=", ""),
    ],
)
def test_the_token_is_found_in_a_query(query: str | None, token: str | None) -> None:
    assert token_in(query) == token


@pytest.mark.parametrize(
    "wrong",
    [
        {"path": "/../x"},
        {"purpose": " "},
        {"purpose": "two\nlines"},
        {"seconds": 0},
        {"seconds": share_links.LONGEST_S + 1},
        {"sessions": -1},
    ],
)
def test_what_cannot_be_a_link_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        checked_link(**{"path": "cam", "purpose": "a visit", "seconds": 60, **wrong})


def test_links_and_their_key_are_kept_for_their_owner_only(tmp_path: Path) -> None:
    file = ShareFile(tmp_path)
    assert file.all() == []
    assert not (tmp_path / ACCOUNT_FILE).exists()
    key = file.make_key()
    assert file.make_key() == key
    link = new_link("cam", "a visit", seconds=60, sessions=2, made_by="anna")
    file.add(link)
    assert file.all() == [link]
    assert not file.revoke("nothing")
    assert file.revoke(link.id)
    assert not file.revoke(link.id)
    (revoked,) = file.all()
    assert revoked.revoked is not None
    file.close()
    signature = ShareLinks(key).signature(link)
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert signature.encode() not in kept
    (tmp_path / KEY_FILE).chmod(0o644)
    with pytest.raises(StateError, match="chmod 600"):
        ShareFile(tmp_path).key()


def test_a_file_of_users_alone_learns_of_links(tmp_path: Path) -> None:
    database = sqlite3.connect(tmp_path / ACCOUNT_FILE)
    database.execute("CREATE TABLE users (name TEXT, role TEXT, ha1_sha256 TEXT, ha1_md5 TEXT, argon2 TEXT)")
    database.execute("PRAGMA user_version = 1")
    database.close()
    file = ShareFile(tmp_path)
    file.add(new_link("cam", "a visit", seconds=60))
    assert len(file.all()) == 1
    file.close()


def test_as_many_tickets_are_kept_as_may_be_needed() -> None:
    tickets = Tickets()
    held = tickets.number(Identity("anna", purpose="a visit"))
    assert tickets.number(Identity("anna", purpose="a visit")) == held
    tickets.hold(held)
    spare = tickets.number(Identity("bo", purpose="a visit"))
    for number in range(SPARE):
        tickets.number(Identity(f"user{number}"))
    assert tickets.identity(held) == Identity("anna", purpose="a visit")
    assert tickets.identity(spare) is None
    assert len(tickets) <= SPARE + 1
    tickets.release(held)
    for number in range(SPARE):
        tickets.number(Identity(f"other{number}"))
    assert tickets.identity(held) is None
    assert len(tickets) == SPARE


@pytest.fixture
async def relay(tmp_path: Path) -> AsyncIterator[Relay]:
    settings: dict[str, Any] = {
        "state_folder": str(tmp_path),
        "ledger": LedgerSettings(enabled=True, synchronous="normal"),
        "users": [ANNA],
        "paths": {"own": PathSettings(read=["anna"], purpose="safety of the door")},
    }
    async with Relay(port=0, **settings) as relay:
        for path in ("own", "other"):
            await relay.add_camera(path, camera="pattern", size="160x120", fps=25, microphone="none")
        yield relay


async def known(relay: Relay) -> list[ShareLink]:
    """The links, once the relay has heard of one."""
    async with asyncio.timeout(20):
        while not (links := relay.shares()):  # noqa: ASYNC110 (nothing tells of it)
            await asyncio.sleep(0.01)
    return links


async def closed(client: Client) -> None:
    """Wait until the server has closed the connection, whatever comes before."""
    with contextlib.suppress(EOFError):
        while True:
            await client.packet()


async def status(url: str, **headers: str) -> int:
    async with await Client.connect(url) as client:
        client.headers = headers
        return (await client.request("DESCRIBE")).status


async def test_a_link_plays_its_path_and_nothing_else(relay: Relay) -> None:
    token = relay.share_token(await relay.share("own", "a visit", seconds=60))
    async with await Client.connect(f"{relay.urls('own')[0]}?share={token}") as client:
        await client.start(udp=False)
        await client.packet()
        (session,) = relay.sessions()
        assert session.user is not None
        assert session.user.startswith("share:")
    assert await status(relay.urls("own")[0]) == 401
    assert await status(f"{relay.urls('other')[0]}?share={token}") == 403
    async with await Client.connect(f"{relay.urls('new')[0]}?share={token}") as client:
        sdp = b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=video 0 RTP/AVP 26\r\n"
        answer = await client.request("ANNOUNCE", headers={"Content-Type": "application/sdp"}, body=sdp)
        assert answer.status == 403


async def test_it_is_a_user_and_a_password_too(relay: Relay) -> None:
    link = await relay.share("own", "a visit", seconds=60)
    host, port = relay.address

    async def look(password: str) -> int:
        login = HttpDigest(link.login, password)
        async with (
            aiohttp.ClientSession(middlewares=[login]) as http,
            http.get(f"http://{host}:{port}/api/v1/paths") as answer,
        ):
            return answer.status

    assert await look(relay.users.links.signature(link)) == 403, "it is for the stream only"
    assert await look("guess") == 401


async def test_the_purpose_and_the_link_are_on_record(relay: Relay) -> None:
    link = await relay.share("own", "the builder looks at the door", seconds=60)
    assert relay._running.records.ledger is not None
    records: list[Record] = []
    relay._running.records.ledger.on_record = records.append
    async with await Client.connect(f"{relay.urls('own')[0]}?share={relay.share_token(link)}") as client:
        await client.start(udp=False)
    opening = records[0]
    assert isinstance(opening, Opening)
    told = [
        finding.subject
        for number in range(3)
        for finding in ALERT.take(msgspec.structs.replace(opening, network=f"192.0.{number}.0/24"))
    ]
    assert told == [link.name], "a link that is used from many places is told of"
    assert (opening.subject, opening.role, opening.purpose) == (
        link.name,
        "viewer",
        "the builder looks at the door",
    )


async def test_revoking_it_ends_what_is_open(relay: Relay) -> None:
    link = await relay.share("own", "a visit", seconds=60)
    url = f"{relay.urls('own')[0]}?share={relay.share_token(link)}"
    events = relay.events()
    async with await Client.connect(url) as client, await Client.connect(url) as described:
        await client.start(udp=False)
        await described.describe()
        assert await relay.revoke_share(link.id)
        ended = await of_kind(events, SessionEnded)
        assert ended.session.user == link.name
        await closed(described)
    assert await status(url) == 403
    assert not await relay.revoke_share(link.id)


async def test_a_command_beside_the_relay_makes_and_revokes_links(
    relay: Relay, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    host, port = relay.address
    folder = ["--state-folder", str(tmp_path)]
    share = ["share", "own", "--for", "2h", "--purpose", "a visit", "--at", f"{host}:{port}", *folder]
    assert await asyncio.to_thread(main, share) == 0
    url = next(word for word in capsys.readouterr().out.split() if word.startswith("rtsp://"))
    (link,) = await known(relay)
    assert 7100 < link.ends - time.time() <= 7201
    events = relay.events()
    async with await Client.connect(url) as client:
        await client.start(udp=False)
        assert await asyncio.to_thread(main, ["share", "--revoke", link.id, *folder]) == 0
        await of_kind(events, SessionEnded)
    assert await asyncio.to_thread(main, ["share", "--list", *folder]) == 0
    assert "revoked" in capsys.readouterr().out


async def test_so_many_use_it_at_a_time_and_its_end_ends_them(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = await relay.share("own", "a visit", seconds=3600, sessions=1)
    url = f"{relay.urls('own')[0]}?share={relay.share_token(link)}"
    events = relay.events()
    async with await Client.connect(url) as first, await Client.connect(url) as second:
        await first.start(udp=False)
        with pytest.raises(AssertionError):
            await second.start(udp=False)
        now = time.time
        monkeypatch.setattr("relaycore.access.decisions.wallclock", lambda: now() + 3600)
        assert relay._running.admission._leases is not None
        relay._running.admission._leases.revoke()
        await of_kind(events, SessionEnded)


async def test_rules_hold_for_links_too(tmp_path: Path) -> None:
    deny = AccessRule(effect="deny", actions=["read"], paths=["own"])
    async with Relay(port=0, users=[ANNA], access=AccessSettings(rules=[deny])) as relay:
        link = await relay.share("own", "a visit", seconds=60)
        assert await status(f"{relay.urls('own')[0]}?share={relay.share_token(link)}") == 403
        assert await status(f"{relay.urls('own')[0]}?share={'a' * 8}.{'b' * 22}") == 401
        assert await status(f"{relay.urls('own')[0]}?share=x") == 400


async def test_a_link_is_in_no_log(relay: Relay, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    link = await relay.share("own", "a visit", seconds=60)
    token = relay.share_token(link)
    host, port = relay.address
    async with await Client.connect(f"{relay.urls('own')[0]}?share={token}") as client:
        await client.start(udp=False)
    for wrong in (token, token[:-1], token[:-1] + "_"):
        await status(f"{relay.urls('other')[0]}?share={wrong}")
        async with (
            aiohttp.ClientSession() as http,
            http.get(f"http://{host}:{port}/own/notice?share={wrong}") as answer,
        ):
            assert wrong not in await answer.text()
    await relay.revoke_share(link.id)
    assert caplog.records
    assert relay.users.links.signature(link)[:-1] not in caplog.text


async def test_a_browser_gets_a_cookie_and_the_url_without_the_link(relay: Relay) -> None:
    link = await relay.share("own", "a visit", seconds=60)
    token = relay.share_token(link)

    async def get(target: str, *headers: str) -> Any:
        connection = await Raw.connect(relay.address)
        lines = "".join(f"{line}\r\n" for line in ("Host: localhost", *headers))
        connection.send(f"GET {target} HTTP/1.1\r\n{lines}\r\n".encode())
        answer = await connection.answer()
        await connection.close()
        return answer

    html = "Accept: text/html"
    answer = await get(f"/own/notice?a=b&share={token}", html)
    assert (answer.status, answer.headers["location"]) == (303, "/own/notice?a=b")
    cookie = answer.headers["set-cookie"]
    for part in (f"relaycore_share={token}", "HttpOnly", "Path=/own", "SameSite=Lax", "Max-Age="):
        assert part in cookie
    assert answer.headers["referrer-policy"] == "no-referrer"
    with_cookie = f"Cookie: a=b; relaycore_share={token}"
    assert (await get("/own/notice")).status == 401
    assert (await get("/own/notice", html, with_cookie)).status == 200
    assert (await get("/other/notice", with_cookie)).status == 401
    assert (await get("/api/v1/paths", with_cookie)).status == 401
    program = await get(f"/own/notice?share={token}")
    assert program.status == 200
    assert program.headers["set-cookie"].startswith(f"relaycore_share={token};")
    await relay.revoke_share(link.id)
    assert (await get("/own/notice", with_cookie)).status == 401
    assert (await get(f"/own/notice?share={token}", html)).status == 403
    for elsewhere in (f"/other/notice?share={token}", "/own/notice?share=x", f"/owner?share={token}"):
        assert (await get(elsewhere, html)).status in (401, 403, 404, 400)
    assert (await get(f"//evil/own?share={token}", html)).headers.get("location", "/") != "//evil/own"


async def test_the_api_makes_lists_and_revokes_links(relay: Relay) -> None:
    host, port = relay.address
    base = f"http://{host}:{port}/api/v1/shares"
    login = HttpDigest(ANNA.name, ANNA.password)
    wish = {"path": "own", "purpose": "a visit", "seconds": 60}
    async with aiohttp.ClientSession(middlewares=[login]) as http:
        async with http.post(base, json=wish) as answer:
            assert answer.status == 201
            made = await answer.json()
        assert await status(made["urls"][0]) == 200
        async with http.get(base) as answer:
            listed = await answer.json()
        assert listed == {"shares": [made["share"]]}
        assert made["share"]["made_by"] == "anna"
        async with http.post(base, json={**wish, "seconds": 0}) as answer:
            assert answer.status == 422
        async with http.delete(f"{base}/{made['share']['id']}") as answer:
            assert answer.status == 204
        async with http.delete(f"{base}/{made['share']['id']}") as answer:
            assert answer.status == 404
        assert await status(made["urls"][0]) == 403
    async with aiohttp.ClientSession() as http, http.post(base, json=wish) as answer:
        assert answer.status == 401
