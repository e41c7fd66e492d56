"""The login of browsers: the page, the cookie, what other sites cannot do with it, and its end."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlencode

import aiohttp
import msgspec
import pytest

from relaycore import AccessSettings, LedgerSettings, Relay, User
from relaycore.access.identity import Identity
from relaycore.access.logins import MOST, MOST_OF_ONE, Logins
from relaycore.http_digest import HttpDigest
from tests.support.http import Answer, Raw

ANNA = User(name="anna", password="open sesame")
BO = User(name="bo", password="x", role="viewer")
HTML = "Accept: text/html"
FORM = "Content-Type: application/x-www-form-urlencoded"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_login_lasts_until_its_end_and_is_not_kept_itself() -> None:
    clock = Clock()
    logins = Logins(clock)
    token, ends = logins.begin(Identity("anna"), 60)
    assert ends == 1060
    assert logins.identity(token) == Identity("anna")
    assert token not in repr(vars(logins))
    for wrong in (None, "", token[:-1], token + "A", "ä"):
        assert logins.identity(wrong) is None
    clock.now = 1060
    assert logins.identity(token) is None
    assert len(logins) == 0


def test_logins_end_by_themselves_by_name_and_where_there_are_too_many() -> None:
    logins = Logins()
    anna = [logins.begin(Identity("anna"), 60)[0] for _ in range(MOST_OF_ONE + 1)]
    bo, _ = logins.begin(Identity("bo"), 60)
    assert logins.identity(anna[0]) is None
    assert logins.end(anna[1]) == Identity("anna")
    assert logins.end(anna[1]) is None
    logins.end_of({"anna"})
    assert [logins.identity(token) for token in anna[2:]] == [None] * (len(anna) - 2)
    assert logins.identity(bo) == Identity("bo")
    for number in range(MOST):
        logins.begin(Identity(f"user{number}"), 60)
    assert len(logins) == MOST
    assert logins.identity(bo) is None


@pytest.fixture
async def relay(tmp_path: Path) -> AsyncIterator[Relay]:
    async with Relay(
        port=0,
        users=[ANNA, BO],
        state_folder=str(tmp_path),
        ledger=LedgerSettings(enabled=True, synchronous="normal"),
    ) as relay:
        yield relay


async def send(relay: Relay, request: str, *headers: str, body: str = "") -> Answer:
    """One request, with a host and a length."""
    connection = await Raw.connect(relay.address)
    lines = [f"{request} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}", *headers]
    try:
        connection.send(("\r\n".join(lines) + "\r\n\r\n" + body).encode())
        return await connection.answer()
    finally:
        await connection.close()


async def log_in(relay: Relay, user: User = ANNA, *headers: str, **fields: str) -> Answer:
    body = urlencode({"user": user.name, "password": user.password, **fields})
    return await send(relay, "POST /login", FORM, *headers, body=body)


def cookie_of(answer: Answer) -> str:
    """What a browser sends from then on."""
    return "Cookie: " + answer.headers["set-cookie"].split(";")[0]


async def look(relay: Relay, *headers: str) -> int:
    return (await send(relay, "GET /api/v1/paths", *headers)).status


async def test_the_page_lets_in_and_goes_on(relay: Relay) -> None:
    page = await send(relay, "GET /login?next=/cam%3Fa=b", HTML)
    text = page.body.decode()
    assert page.status == 200
    assert "script" not in text
    assert 'name="next" value="/cam?a=b"' in text
    assert "form-action 'self'" in page.headers["content-security-policy"]
    answer = await log_in(relay, next="/cam?a=b")
    assert (answer.status, answer.headers["location"]) == (303, "/cam?a=b")
    cookie = answer.headers["set-cookie"]
    for part in ("HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43"):
        assert part in cookie
    assert "Secure" not in cookie
    assert await look(relay, cookie_of(answer)) == 200
    assert await look(relay) == 401
    page = await send(relay, "GET /login", HTML, cookie_of(answer))
    assert "You are logged in as anna." in page.body.decode()


@pytest.mark.parametrize(
    "elsewhere",
    ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:x", "/a b", "/\r\nX: y", "x"],
)
async def test_it_goes_on_to_no_other_server(relay: Relay, elsewhere: str) -> None:
    assert (await log_in(relay, next=elsewhere)).headers["location"] == "/"


async def test_what_is_typed_does_not_become_a_part_of_the_page(relay: Relay) -> None:
    nasty = '"><script>alert(1)</script>'
    page = await send(relay, f"GET /login?{urlencode({'next': '/' + nasty})}", HTML)
    assert b"<script>" not in page.body
    page = await log_in(relay, User(name=nasty, password="x"))
    assert page.status == 401
    assert b"<script>" not in page.body


async def test_wrong_passwords_are_told_and_counted_with_all_others(relay: Relay) -> None:
    wrong = User(name="anna", password="guess")
    page = await log_in(relay, wrong)
    assert page.status == 401
    assert 'role="alert"' in page.body.decode()
    assert "www-authenticate" not in page.headers, "the browser would open a window of its own"
    program = {"user": "anna", "password": "guess"}
    answer = await send(
        relay, "POST /login", "Content-Type: application/json", body=msgspec.json.encode(program).decode()
    )
    assert (answer.status, answer.headers["www-authenticate"].split()[0]) == (401, "Cookie")
    for _ in range(3):
        await log_in(relay, wrong)
    page = await log_in(relay)
    assert page.status == 403
    assert "Too many wrong passwords" in page.body.decode()
    basic = "Authorization: Basic " + base64.b64encode(b"anna:open sesame").decode()
    assert await look(relay, basic) == 401, "Basic is not offered here"


async def test_forty_wrong_passwords_at_once_get_five_answers(relay: Relay) -> None:
    wrong = User(name="anna", password="guess")
    answers = await asyncio.gather(*(log_in(relay, wrong) for _ in range(40)))
    assert sorted(answer.status for answer in answers) == [401] * 5 + [403] * 35


@pytest.mark.parametrize(
    ("body", "content"),
    [
        ("", FORM),
        ("user=anna", FORM),
        ("user=anna&password=", FORM),
        ("user=%ff&password=x", FORM),
        ("&".join(f"a{number}=1" for number in range(100)), FORM),
        ("", "Content-Type: application/json"),
        ("[]", "Content-Type: application/json"),
        ('{"user": "anna"}', "Content-Type: application/json"),
        ('{"user": "anna", "password": 7}', "Content-Type: application/json"),
        ('{"user": "anna", "password": "x", "other": 1}', "Content-Type: application/json"),
    ],
)
async def test_what_is_no_login_is_called_so(relay: Relay, body: str, content: str) -> None:
    answer = await send(relay, "POST /login", content, body=body)
    assert answer.status == 400
    assert answer.body
    assert "set-cookie" not in answer.headers


async def test_other_kinds_of_bodies_are_refused(relay: Relay) -> None:
    assert (await send(relay, "POST /login", "Content-Type: text/plain", body="user=a")).status == 415
    assert (await send(relay, "POST /login", FORM, body="a" * 3_000_000)).status == 413


@pytest.mark.parametrize(
    "foreign", ["Origin: http://evil.example", "Origin: null", "Sec-Fetch-Site: cross-site"]
)
async def test_other_sites_log_nobody_in_or_out(relay: Relay, foreign: str) -> None:
    assert (await log_in(relay, ANNA, foreign)).status == 403
    cookie = cookie_of(await log_in(relay))
    assert (await send(relay, "POST /logout", cookie, foreign)).status == 403
    assert await look(relay, cookie) == 200


async def test_a_cookie_changes_something_only_for_pages_of_this_server(relay: Relay) -> None:
    cookie = cookie_of(await log_in(relay))
    change, json = "DELETE /api/v1/sessions/none", "Content-Type: application/json"
    for foreign in ((), ("Origin: http://evil.example",), ("Sec-Fetch-Site: same-site",)):
        assert (await send(relay, change, cookie, *foreign)).status == 403
        reload = await send(relay, "POST /api/v1/reload", cookie, json, *foreign, body="{}")
        assert reload.status == 403
    same = "Sec-Fetch-Site: same-origin"
    for own in (("Origin: http://localhost",), (same,), (same, "Origin: null")):
        assert (await send(relay, change, cookie, *own)).status == 404
    viewer = cookie_of(await log_in(relay, BO))
    assert (await send(relay, change, viewer, "Origin: http://localhost")).status == 403


async def test_logging_out_ends_it(relay: Relay) -> None:
    cookie = cookie_of(await log_in(relay))
    answer = await send(relay, "POST /logout", cookie, HTML)
    assert (answer.status, answer.headers["location"]) == (303, "/login")
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert await look(relay, cookie) == 401
    assert (await send(relay, "POST /logout", cookie)).status == 204


async def test_revocation_ends_it(relay: Relay) -> None:
    anna, bo = cookie_of(await log_in(relay)), cookie_of(await log_in(relay, BO))
    relay.end_sessions("anna")
    assert await look(relay, anna) == 401
    assert await look(relay, bo) == 200
    anna = cookie_of(await log_in(relay))
    await relay.reload(msgspec.structs.replace(relay.config, users=[BO]))
    assert await look(relay, anna) in (401, 403)
    assert await look(relay, bo) == 200


async def test_it_is_on_record_and_a_program_hears_who_it_is(relay: Relay) -> None:
    assert relay._running.records.ledger is not None
    body = msgspec.json.encode({"user": "anna", "password": "open sesame", "purpose": "a visit"}).decode()
    answer = await send(relay, "POST /login", "Content-Type: application/json", body=body)
    found = msgspec.json.decode(answer.body)
    assert (found["user"], found["role"], found["purpose"]) == ("anna", "operator", "a visit")
    assert relay._running.records.ledger.written["act"] == 1
    await send(relay, "POST /logout", cookie_of(answer))
    assert relay._running.records.ledger.written["act"] == 2


async def test_a_purpose_is_asked_for_and_goes_with_all_that_is_watched() -> None:
    access = AccessSettings(ask_purpose=True, login_hours=0.5)
    async with Relay(port=0, users=[ANNA], access=access) as relay:
        assert b'name="purpose"' in (await send(relay, "GET /login", HTML)).body
        assert (await log_in(relay)).status == 400
        answer = await log_in(relay, purpose="a visit")
        assert "Max-Age=1" in answer.headers["set-cookie"]
        assert await look(relay, cookie_of(answer)) == 200
        who = relay.users.identity("anna", 1)
        assert who is not None
        assert (who.name, who.role, who.purpose) == ("anna", "operator", "a visit")


async def test_where_a_password_could_be_read_the_browser_proves_it(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relaycore.access.decisions.is_loopback", lambda host: False)
    page = (await send(relay, "GET /login?next=/cam", HTML)).body.decode()
    assert 'method="get" action="/login/digest"' in page
    assert 'type="password"' not in page
    refused = await log_in(relay)
    assert refused.status == 403
    assert "set-cookie" not in refused.headers
    asked = await send(relay, "GET /login/digest?next=/cam", HTML)
    assert asked.status == 401
    assert asked.headers["www-authenticate"].startswith("Digest")
    host, port = relay.address
    login = HttpDigest(ANNA.name, ANNA.password)
    async with (
        aiohttp.ClientSession(middlewares=[login]) as http,
        http.get(f"http://{host}:{port}/login/digest?next=/cam", allow_redirects=False) as answer,
    ):
        assert (answer.status, answer.headers["Location"]) == (303, "/cam")
        token = answer.cookies["relaycore_login"].value
    assert await look(relay, f"Cookie: relaycore_login={token}") == 200


async def test_persons_are_led_to_the_page_and_scripts_are_not_interrupted(relay: Relay) -> None:
    answer = await send(relay, "GET /?a=b", HTML)
    assert (answer.status, answer.headers["location"]) == (303, "/login?next=%2F%3Fa%3Db")
    answer = await send(relay, "GET /api/v1/me", "Sec-Fetch-Dest: empty")
    assert (answer.status, answer.headers["www-authenticate"].split()[0]) == (401, "Cookie")
    answer = await send(relay, "GET /api/v1/me")
    assert answer.headers["www-authenticate"].startswith("Digest")


async def test_a_broken_cookie_is_nobodys(relay: Relay) -> None:
    for value in ("", "x", "=", ";;", '"', "\x7f", "é", "a" * 5000, "relaycore_login"):
        answer = await send(relay, "GET /api/v1/paths", f"Cookie: relaycore_login={value}")
        assert answer.status in (400, 401), value


async def test_a_password_is_in_no_log(relay: Relay, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    token = re.sub(r"^.*?=", "", cookie_of(await log_in(relay)))
    await log_in(relay, User(name="anna", password="wrong guess"))
    assert "logged in" in caplog.text
    for secret in ("open sesame", "wrong guess", "wrong+guess", token):
        assert secret not in caplog.text
