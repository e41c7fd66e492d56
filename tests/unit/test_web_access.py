"""Who may ask for what over HTTP, and what pages of other sites cannot do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import aiohttp
import pytest

from relaycore import AccessRequest, Relay, User
from relaycore.http_digest import HttpDigest

ANNA = User(name="anna", password="open sesame")
GUEST = User(name="guest", password="guest", role="publisher")

LOOK = ("GET", "/api/v1/paths")
CONTROL = ("DELETE", "/api/v1/sessions/none")


async def status(
    relay: Relay,
    request: tuple[str, str],
    user: User | None = None,
    headers: Mapping[str, str] | None = None,
) -> int:
    """The status of the answer to a request, with Digest where there is a ``user``."""
    host, port = relay.address
    logins = () if user is None else (HttpDigest(user.name, user.password),)
    method, path = request
    async with (
        aiohttp.ClientSession(middlewares=logins) as http,
        http.request(method, f"http://{host}:{port}{path}", headers=headers) as response,
    ):
        return response.status


@pytest.fixture
async def guarded() -> AsyncIterator[Relay]:
    async with Relay(port=0, users=[ANNA, GUEST]) as relay:
        yield relay


@pytest.fixture
async def without_users() -> AsyncIterator[Relay]:
    async with Relay(port=0) as relay:
        yield relay


async def test_without_users_programs_of_this_machine_may_look_and_change_nothing(
    without_users: Relay,
) -> None:
    assert await status(without_users, LOOK) == 200
    assert await status(without_users, ("GET", "/metrics")) == 200
    assert await status(without_users, CONTROL) == 403


async def test_users_are_asked_for_and_let_in(guarded: Relay) -> None:
    for path in ("/", "/metrics", "/api/v1/paths", "/api/v1/openapi.json"):
        assert await status(guarded, ("GET", path)) == 401
        assert await status(guarded, ("GET", path), GUEST) == 200
    assert await status(guarded, ("HEAD", "/api/v1/paths"), GUEST) == 200
    assert await status(guarded, LOOK, User(name="anna", password="guess")) == 401


async def test_who_may_not_control_may_look(guarded: Relay) -> None:
    assert await status(guarded, CONTROL, GUEST) == 403
    assert await status(guarded, CONTROL, ANNA) == 404


async def test_health_needs_no_user(guarded: Relay) -> None:
    assert await status(guarded, ("GET", "/healthz")) == 200


async def test_everybody_who_may_read_may_not_see_who_else_does() -> None:
    async with Relay(port=0, users=[ANNA], anonymous=True) as relay:
        assert await status(relay, LOOK) == 401


async def test_a_password_in_the_clear_is_refused_unless_it_is_wished() -> None:
    basic = {"Authorization": aiohttp.encode_basic_auth(ANNA.name, ANNA.password)}
    for wished, expected in ((False, 401), (True, 200)):
        async with Relay(port=0, users=[ANNA], basic=wished) as relay:
            assert await status(relay, LOOK, headers=basic) == expected


async def test_an_authorization_is_worth_something_for_its_own_uri_only(guarded: Relay) -> None:
    host, port = guarded.address
    base = f"http://{host}:{port}"
    async with aiohttp.ClientSession() as http:
        login = HttpDigest(ANNA.name, ANNA.password)
        async with http.get(base + "/api/v1/paths", middlewares=(login,)) as response:
            assert response.status == 200
            header = response.request_info.headers["Authorization"]
        # The count of the nonce is used up, too, so a new one is taken: only the URI is another.
        again = header.replace("nc=00000001", "nc=00000002")
        async with http.get(base + "/api/v1/streams", headers={"Authorization": again}) as response:
            assert response.status == 401


async def test_wrong_passwords_over_http_count_for_rtsp_too(guarded: Relay) -> None:
    wrong = User(name="anna", password="guess")
    seen = [await status(guarded, LOOK, wrong) for _ in range(12)]
    assert seen[0] == 401
    assert seen[-1] == 403
    assert await status(guarded, LOOK, ANNA) == 403


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1:8554", 200),
        ("[::1]", 200),
        ("localhost", 200),
        ("LOCALHOST.:1", 200),
        ("cam.localhost", 200),
        ("evil.example", 421),
        ("127.0.0.1.evil.example:8554", 421),
        ("localhost.evil.example", 421),
        ("", 421),
        ("[::1", 421),
    ],
)
async def test_a_name_that_was_made_to_mean_this_machine_is_not_answered(
    without_users: Relay, host: str, expected: int
) -> None:
    assert await status(without_users, LOOK, headers={"Host": host}) == expected


@pytest.mark.parametrize(
    "headers",
    [{"X-Forwarded-For": "192.0.2.1"}, {"Forwarded": "for=192.0.2.1"}, {"Via": "1.1 proxy"}],
)
async def test_what_a_proxy_passes_on_is_not_of_this_machine(
    without_users: Relay, guarded: Relay, headers: Mapping[str, str]
) -> None:
    assert await status(without_users, LOOK, headers=headers) == 403
    assert await status(guarded, LOOK, ANNA, headers=headers) == 200


async def test_a_user_may_call_the_relay_by_any_name(guarded: Relay) -> None:
    assert await status(guarded, LOOK, ANNA, headers={"Host": "relay.example"}) == 200


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://["}, 403),
        ({"Origin": "http://relay.example", "Host": "relay.example"}, 404),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 404),
    ],
)
async def test_pages_of_other_sites_change_nothing(
    guarded: Relay, headers: Mapping[str, str], expected: int
) -> None:
    assert await status(guarded, CONTROL, ANNA, headers=headers) == expected


async def test_the_program_has_the_last_word() -> None:
    asked: list[AccessRequest] = []

    async def authorise(request: AccessRequest) -> bool:
        asked.append(request)
        return request.action == "look"

    async with Relay(port=0, users=[ANNA], authorise=authorise) as relay:
        assert await status(relay, LOOK, ANNA) == 200
        assert await status(relay, CONTROL, ANNA) == 403
    assert [(request.action, request.path, request.user) for request in asked] == [
        ("look", "api/v1/paths", "anna"),
        ("control", "api/v1/sessions/none", "anna"),
    ]


async def test_without_api_the_port_speaks_rtsp_only() -> None:
    async with Relay(port=0, api=False) as relay:
        assert await status(relay, LOOK) == 400
