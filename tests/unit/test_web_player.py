"""The page of a path and its files: who gets them, from where, and for how long they may be kept."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from functools import partial
from html import unescape

import aiohttp
import msgspec
import pytest

from relaycore import Relay, Track, User
from relaycore.errors import ConfigurationError
from relaycore.http_digest import HttpDigest
from relaycore.settings import PathSettings, ProtocolSettings
from relaycore.settings.origins import check_origin
from relaycore.web.player.describe import PlayerDescription
from relaycore.web.player.static import StaticFiles, static_files

ANNA = User(name="anna", password="open sesame")
HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


async def get(
    relay: Relay, path: str, headers: Mapping[str, str] | None = None, user: User | None = None
) -> tuple[int, Mapping[str, str], str]:
    host, port = relay.address
    logins = () if user is None else (HttpDigest(user.name, user.password),)
    async with (
        aiohttp.ClientSession(middlewares=logins) as http,
        http.get(f"http://{host}:{port}{path}", headers=headers, allow_redirects=False) as response,
    ):
        return response.status, response.headers, await response.text()


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    shown = PathSettings(purpose="safety", protocol=ProtocolSettings(responsible="Crane Ltd", notice=True))
    async with Relay(port=0, paths={"house/front": PathSettings(), "yard": shown}) as relay:
        yield relay


async def test_a_known_path_has_a_page_with_the_player(relay: Relay) -> None:
    status, headers, text = await get(relay, "/house/front", HTML)
    assert status == 200
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert '<relaycore-player src="/house/front"' in text
    found = re.search(r'description="([^"]*)"', text)
    assert found is not None
    description = msgspec.json.decode(unescape(found[1]), type=PlayerDescription)
    assert (description.path, description.live, description.notice) == ("house/front", False, None)
    for address in re.findall(r'(?:href|src)="(/static/[^"]+)"', text):
        assert (await get(relay, address))[0] == 200, address


async def test_players_are_told_what_is_live_and_what_carries_its_sound(relay: Relay) -> None:
    async def described() -> PlayerDescription:
        _, _, text = await get(relay, "/api/v1/paths/house/front/player")
        return msgspec.json.decode(text, type=PlayerDescription)

    found = await described()
    assert (found.live, found.codecs, found.silent) == (False, [], found.transports)
    with relay.publish("house/front", [Track.h264()]):
        found = await described()
        assert (found.live, found.codecs, found.silent) == (True, ["H264"], found.transports)
    with relay.publish("house/front", [Track.h264(), Track.aac(bytes([0x11, 0x88]))]):
        assert (await described()).silent == ["mjpeg"]


async def test_nothing_in_a_page_may_run_but_files_of_the_server(relay: Relay) -> None:
    _, headers, text = await get(relay, "/house/front", HTML)
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert "camera=()" in headers["Permissions-Policy"]
    assert re.findall(r"<script(?![^>]* src=)|<style| on\w+=| style=", text) == []


@pytest.mark.parametrize("path", ["/%22%3E%3Cscript%3E", "/a%26b%27c", "/%3C!--"])
async def test_a_path_is_text_in_its_page(relay: Relay, path: str) -> None:
    _, _, text = await get(relay, path, HTML)
    assert "<script>" not in text
    assert "<!--" not in text


async def test_where_nothing_is_people_get_a_page_that_waits_and_programs_a_404(relay: Relay) -> None:
    status, headers, text = await get(relay, "/nobody", HTML)
    assert (status, headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert "<relaycore-player" in text
    status, headers, text = await get(relay, "/nobody")
    assert (status, headers["Content-Type"]) == (404, "application/json")
    assert "openapi.json" in text


async def test_pages_are_for_those_who_may_read_there() -> None:
    async with Relay(port=0, users=[ANNA], paths={"door": PathSettings()}) as relay:
        for path in ("/door", "/nobody", "/api/v1/paths/door/player"):
            status, headers, _ = await get(relay, path)
            assert status == 401
            assert "Digest" in headers["WWW-Authenticate"]
        assert (await get(relay, "/door", None, ANNA))[0] == 200
        assert (await get(relay, "/api/v1/paths/door/player", None, ANNA))[0] == 200
        assert (await get(relay, static_files().address("player/player.js")))[0] == 200


async def test_a_name_that_is_not_of_this_server_gets_no_page(relay: Relay) -> None:
    assert (await get(relay, "/house/front", {**HTML, "Host": "evil.example"}))[0] == 421


async def test_a_notice_is_described_and_stands_in_for_the_picture_without_scripts(relay: Relay) -> None:
    status, _, text = await get(relay, "/api/v1/paths/yard/player")
    assert status == 200
    notice = msgspec.json.decode(text, type=PlayerDescription).notice
    assert notice is not None
    assert (notice.responsible, notice.purpose) == ("Crane Ltd", "safety")
    _, _, page = await get(relay, "/yard", HTML)
    assert '<noscript><a href="/yard/notice">' in page
    _, _, page = await get(relay, "/house/front", HTML)
    assert '<noscript><img src="/house/front/mjpeg"' in page


async def test_files_may_be_kept_for_ever_and_by_all_origins(relay: Relay) -> None:
    address = static_files().address("player/player.js")
    status, headers, text = await get(relay, address)
    assert status == 200
    assert headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert "RelaycorePlayer" in text
    assert (await get(relay, address, {"If-None-Match": headers["ETag"]}))[0] == 304
    assert (await get(relay, address, {"If-None-Match": '"another"'}))[0] == 200


@pytest.mark.parametrize("address", ["/static/player/player.js", "/static/0123456789abcdef/player/player.js"])
async def test_other_versions_lead_to_this_one(relay: Relay, address: str) -> None:
    status, headers, _ = await get(relay, address)
    assert (status, headers["Cache-Control"]) == (302, "no-cache")
    assert headers["Location"] == static_files().address("player/player.js")
    assert headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize(
    "name", ["nothing.js", "../server.py", "player/../../server.py", "%2e%2e/server.py", "player", "player/"]
)
async def test_only_the_files_that_are_there_are_served(relay: Relay, name: str) -> None:
    for address in (f"/static/{name}", f"/static/{static_files().version}/{name}"):
        assert (await get(relay, address))[0] == 404


def test_the_version_is_that_of_the_contents() -> None:
    files = {"a.js": b"1", "b/c.css": b"2"}
    version = StaticFiles(files).version
    assert StaticFiles(dict(reversed(files.items()))).version == version
    assert StaticFiles({**files, "a.js": b"3"}).version != version
    assert StaticFiles({"x.js": b"1", "b/c.css": b"2"}).version != version
    with pytest.raises(KeyError):
        StaticFiles(files).address("z.js")


SHOP = "https://shop.example"


@pytest.fixture
async def embedded() -> AsyncIterator[Relay]:
    async with Relay(port=0, embed_origins=[SHOP], paths={"door": PathSettings()}) as relay:
        yield relay


@pytest.mark.parametrize("path", ["/api/v1/paths/door/player", "/door/mjpeg", "/door/snapshot.jpg"])
async def test_only_pages_of_named_origins_may_read_what_players_ask_for(embedded: Relay, path: str) -> None:
    _, headers, _ = await get(embedded, path, {"Origin": SHOP})
    assert headers["Access-Control-Allow-Origin"] == SHOP
    assert "Access-Control-Allow-Credentials" not in headers
    assert "Origin" in headers["Vary"]
    for origin in ("https://evil.example", "null", f"{SHOP}.evil.example", "http://shop.example"):
        _, headers, _ = await get(embedded, path, {"Origin": origin})
        assert "Access-Control-Allow-Origin" not in headers
    _, headers, _ = await get(embedded, path)
    assert "Access-Control-Allow-Origin" not in headers


@pytest.mark.parametrize(("origin", "status"), [(SHOP, 200), ("https://evil.example", 403)])
async def test_what_browsers_let_every_page_ask_is_for_named_origins(
    embedded: Relay, monkeypatch: pytest.MonkeyPatch, origin: str, status: int
) -> None:
    """As WebSockets are, of which a browser tells the origin and leaves the rest to the server."""
    guard = embedded._running.web._guard  # type: ignore[union-attr]
    monkeypatch.setattr(guard, "enter", partial(guard.enter, same_origin=True))
    assert (await get(embedded, "/api/v1/paths/door/player", {"Origin": origin}))[0] == status


async def test_nothing_else_is_read_by_them(embedded: Relay) -> None:
    for path in ("/", "/door", "/metrics", "/api/v1/paths", "/api/v1/sessions", "/door/notice"):
        _, headers, _ = await get(embedded, path, {"Origin": SHOP})
        assert "Access-Control-Allow-Origin" not in headers, path


async def test_browsers_are_told_what_a_named_origin_may_send(embedded: Relay) -> None:
    host, port = embedded.address
    for origin, status in ((SHOP, 204), ("https://evil.example", 405)):
        headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        async with (
            aiohttp.ClientSession() as http,
            http.options(f"http://{host}:{port}/door/journey", headers=headers) as answer,
        ):
            assert answer.status == status
            assert ("Access-Control-Allow-Methods" in answer.headers) == (status == 204)


async def test_only_named_origins_may_show_the_page_in_a_frame(embedded: Relay, relay: Relay) -> None:
    _, headers, _ = await get(embedded, "/door", HTML)
    assert f"frame-ancestors 'self' {SHOP}" in headers["Content-Security-Policy"]
    _, headers, _ = await get(relay, "/house/front", HTML)
    assert headers["Content-Security-Policy"].endswith("frame-ancestors 'self'")


@pytest.mark.parametrize("origin", ["https://a.example", "http://127.0.0.1:8080", "https://[::1]:8443"])
def test_origins_are_as_browsers_send_them(origin: str) -> None:
    check_origin(origin)


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "null",
        "a.example",
        "https://a.example/",
        "https://A.example",
        "https://a.example:443",
        "ftp://a",
        "https://a b",
        "https://a;b",
        "",
    ],
)
def test_what_is_no_origin_is_a_mistake(origin: str) -> None:
    with pytest.raises(ConfigurationError):
        check_origin(origin)
