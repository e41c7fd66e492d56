"""The page of a path and its files: who gets them, from where, and for how long they may be kept."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from html import unescape

import aiohttp
import msgspec
import pytest

from relaycore import Relay, User
from relaycore.settings import PathSettings, ProtocolSettings
from relaycore.web.player.describe import PlayerDescription
from relaycore.web.player.static import StaticFiles, static_files

ANNA = User(name="anna", password="open sesame")
HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


async def get(
    relay: Relay, path: str, headers: Mapping[str, str] | None = None, user: User | None = None
) -> tuple[int, Mapping[str, str], str]:
    host, port = relay.address
    logins = () if user is None else (aiohttp.DigestAuthMiddleware(user.name, user.password),)
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
        assert (await get(relay, "/door", HTML, ANNA))[0] == 200
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
