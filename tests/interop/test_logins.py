"""Programs of others log in by each scheme that they know, over plain and encrypted connections."""

from __future__ import annotations

import asyncio
import base64
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from relaycore import AccessSettings, Config, Relay, TlsSettings, TokenSettings, User
from relaycore._relaycore import Session
from relaycore.access import recognition
from relaycore.access.accounts import AccountFile, make_account
from relaycore.access.credentials import (
    BasicCredentials,
    BearerCredentials,
    Credentials,
    DigestCredentials,
    parse_authorization,
)
from relaycore.access.share_links import ShareLink
from relaycore.events import SessionEnded, SessionStarted
from tests.support.events import of_kind
from tests.support.processes import first_bytes, run

ANNA = User(name="anna", password="open-sesame", role="viewer")

FEW = 20_000
"""Bytes of what a player gives after which it is taken to play: some pictures of the small stream."""

GORTSPLIB = Path(__file__).parent / "clients" / "gortsplib"

Play = Callable[[str, Path], None]
"""Plays the beginning of a URL, and has a folder for its files."""


def ffmpeg(url: str, _folder: Path) -> None:
    source = ["ffmpeg", "-v", "error", "-nostdin", "-rtsp_transport", "tcp", "-i", url]
    run([*source, "-frames:v", "5", *NOWHERE])


NOWHERE = ("-f", "null", "-")
"""Where ffmpeg writes nothing to."""


def mpv(url: str, _folder: Path) -> None:
    quiet = ["--no-config", "--msg-level=all=error", "--rtsp-transport=tcp", "--vo=null", "--ao=null"]
    run(["mpv", *quiet, "--untimed", "--frames=5", url])


def gstreamer(url: str, folder: Path) -> None:
    source = f"rtspsrc location={url} protocols=tcp latency=0"
    if url.startswith("rtsps:"):
        source += " tls-validation-flags=0"
    pipeline = f"{source} ! application/x-rtp,media=video ! rtph264depay ! h264parse ! fdsink"
    first_bytes(["gst-launch-1.0", "--quiet", *pipeline.split()], FEW, folder, 45)


PLAY: dict[str, Play] = {"ffmpeg": ffmpeg, "mpv": mpv, "gstreamer": gstreamer}


@dataclass
class House:
    """A relay with a small stream, and what has been sent to it to log in."""

    relay: Relay
    private: Ed25519PrivateKey
    sent: list[Credentials] = field(default_factory=list)

    def url(self, *, encrypted: bool, login: str = "", query: str = "") -> str:
        """The URL of the stream."""
        scheme = "rtsps" if encrypted else "rtsp"
        address = self.relay.urls("own")[0].removeprefix("rtsp://")
        return f"{scheme}://{login}{address}{query}"

    def http(self, path: str, *, encrypted: bool) -> str:
        """A URL of HTTP."""
        host, port = self.relay.address
        return f"http{'s' if encrypted else ''}://{host}:{port}{path}"

    def token(self) -> str:
        """A token for anna's sister, who is no user here."""
        claims = {"sub": "ada", "exp": time.time() + 600, "purpose": "a visit"}
        return jwt.encode(claims, self.private, "EdDSA")

    async def link(self) -> tuple[ShareLink, str]:
        """A share link, and what stands in a URL."""
        link = await self.relay.share("own", "a visit", seconds=600)
        return link, self.relay.share_token(link)


@pytest.fixture
async def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    private = Ed25519PrivateKey.generate()
    keys = tmp_path / "tokens.pem"
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    keys.write_bytes(private.public_key().public_bytes(serialization.Encoding.PEM, form))
    config = Config(
        port=0,
        basic=True,
        users=[ANNA],
        state_folder=str(tmp_path / "state"),
        tls=TlsSettings(enabled=True),
        access=AccessSettings(tokens=TokenSettings(key_file=str(keys), algorithms=["EdDSA"])),
    )
    async with Relay(config) as relay:
        await relay.add_camera("own", camera="pattern", size="320x240", fps=25, microphone="none")
        house = House(relay, private)
        understood = parse_authorization

        def note(header: str) -> Credentials | None:
            credentials = understood(header)
            if credentials is not None:
                house.sent.append(credentials)
            return credentials

        monkeypatch.setattr(recognition, "parse_authorization", note)
        yield house


@pytest.fixture(scope="module")
def go_client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The client on gortsplib, which takes Go and its modules."""
    if shutil.which("go") is None:
        pytest.skip("Go is not installed")
    built = tmp_path_factory.mktemp("go") / "play"
    command = ["go", "build", "-C", str(GORTSPLIB), "-o", str(built), "."]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=170)
    if "dial tcp" in done.stderr or "lookup" in done.stderr:
        pytest.skip("the modules of gortsplib are not here")
    assert done.returncode == 0, done.stderr
    return built


ways = pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "tls"])
players = pytest.mark.parametrize("player", PLAY)


async def session_of(house: House, play: Callable[[], object]) -> Session:
    """What is known of who played."""
    events = house.relay.events()
    await asyncio.to_thread(play)
    return (await of_kind(events, SessionStarted)).session


async def user_of(house: House, play: Callable[[], object]) -> str | None:
    """Who it was that played."""
    return (await session_of(house, play)).user


@ways
@players
async def test_players_log_in_by_digest(house: House, player: str, encrypted: bool, tmp_path: Path) -> None:
    url = house.url(encrypted=encrypted, login=f"{ANNA.name}:{ANNA.password}@")
    assert await user_of(house, lambda: PLAY[player](url, tmp_path)) == "anna"
    assert all(isinstance(credentials, DigestCredentials) for credentials in house.sent)
    assert house.sent


@ways
@players
async def test_players_come_by_a_share_link(
    house: House, player: str, encrypted: bool, tmp_path: Path
) -> None:
    link, token = await house.link()
    url = house.url(encrypted=encrypted, query=f"?share={token}")
    assert await user_of(house, lambda: PLAY[player](url, tmp_path)) == link.name
    assert house.sent == []


@ways
@players
async def test_players_use_a_link_as_user_and_password(
    house: House, player: str, encrypted: bool, tmp_path: Path
) -> None:
    link, token = await house.link()
    url = house.url(encrypted=encrypted, login=f"{link.login}:{token.partition('.')[2]}@")
    assert await user_of(house, lambda: PLAY[player](url, tmp_path)) == link.name
    assert all(isinstance(credentials, DigestCredentials) for credentials in house.sent)


@ways
@players
async def test_players_bring_a_token(house: House, player: str, encrypted: bool, tmp_path: Path) -> None:
    url = house.url(encrypted=encrypted, query=f"?token={house.token()}")
    assert await user_of(house, lambda: PLAY[player](url, tmp_path)) == "ada"


@players
async def test_players_with_a_wrong_password_get_nothing(house: House, player: str, tmp_path: Path) -> None:
    url = house.url(encrypted=False, login=f"{ANNA.name}:guess@")
    with pytest.raises(AssertionError, match="ended"):
        await asyncio.to_thread(PLAY[player], url, tmp_path)
    assert house.relay.sessions() == []


@ways
@pytest.mark.parametrize("within", ["", "websocket"])
async def test_gortsplib_logs_in_by_each_scheme(
    house: House, go_client: Path, encrypted: bool, within: str
) -> None:
    link, token = await house.link()
    basic = "Basic " + base64.b64encode(f"{ANNA.name}:{ANNA.password}".encode()).decode()
    as_anna = house.url(encrypted=encrypted, login=f"{ANNA.name}:{ANNA.password}@")
    plain = house.url(encrypted=encrypted)
    schemes: list[tuple[str, str, str, str | None]] = [
        (as_anna, "", "anna", "SHA-256"),
        (plain, basic, "anna", "basic"),
        (plain, f"Bearer {house.token()}", "ada", "bearer"),
        (house.url(encrypted=encrypted, query=f"?share={token}"), "", link.name, None),
    ]
    for url, header, user, kind in schemes:
        house.sent.clear()
        play = partial(run, [go_client, url, header, within])
        session = await session_of(house, play)
        assert session.user == user
        assert session.protocol == ("rtsp-over-websocket" if within else "rtsp")
        assert {kind_of(credentials) for credentials in house.sent} == ({kind} if kind else set())


def kind_of(credentials: Credentials) -> str:
    match credentials:
        case BasicCredentials():
            return "basic"
        case BearerCredentials():
            return "bearer"
        case DigestCredentials(algorithm=algorithm):
            return algorithm.value


async def curl(url: str, *options: str) -> str:
    """What curl gets: the status, and the kind of the body."""
    quiet = ["curl", "--silent", "--show-error", "--insecure", "--output", "/dev/null"]
    said = "%{response_code} %{content_type}"
    return (await asyncio.to_thread(run, [*quiet, "--write-out", said, *options, url])).strip()


@ways
async def test_curl_gets_a_picture_by_each_scheme(house: House, encrypted: bool, tmp_path: Path) -> None:
    link, token = await house.link()
    picture = house.http("/own/snapshot.jpg", encrypted=encrypted)
    anna = ("--user", f"{ANNA.name}:{ANNA.password}")
    signature = token.partition(".")[2]
    right: list[tuple[str, tuple[str, ...]]] = [
        (picture, ("--basic", *anna)),
        (picture, ("--digest", *anna)),
        (picture, ("--oauth2-bearer", house.token())),
        (picture, ("--digest", "--user", f"{link.login}:{signature}")),
        (f"{picture}?share={token}", ()),
        (f"{picture}?token={house.token()}", ()),
    ]
    for url, options in right:
        assert await curl(url, *options) == "200 image/jpeg", options
    for options in ((), ("--digest", "--user", "anna:guess"), ("--oauth2-bearer", "eyJ.a.b")):
        assert (await curl(picture, *options)).split()[0] in ("400", "401")
    jar = str(tmp_path / "jar")
    form = ("--data", f"user={ANNA.name}&password={ANNA.password}&next=/own/snapshot.jpg")
    login = house.http("/login", encrypted=encrypted)
    assert await curl(login, "--cookie-jar", jar, "--location", *form) == "200 image/jpeg"
    assert await curl(picture, "--cookie", jar) == "200 image/jpeg"
    logout = house.http("/logout", encrypted=encrypted)
    origin = house.http("", encrypted=encrypted)
    await curl(logout, "--cookie", jar, "--request", "POST", "--header", f"Origin: {origin}")
    assert (await curl(picture, "--cookie", jar)).split()[0] == "401"


@ways
@pytest.mark.parametrize("by", ["link", "token"])
async def test_ffmpeg_plays_hls_whose_parts_have_no_query(house: House, by: str, encrypted: bool) -> None:
    _, token = await house.link()
    query = f"?share={token}" if by == "link" else f"?token={house.token()}"
    url = house.http(f"/own/index.m3u8{query}", encrypted=encrypted)
    play = partial(run, ["ffmpeg", "-v", "error", "-nostdin", "-i", url, "-frames:v", "5", *NOWHERE])
    assert await user_of(house, play) in (f"share:{token.partition('.')[0]}", "ada")


async def test_a_user_who_is_removed_is_out_of_rtsp_and_http_at_once(house: House) -> None:
    """Over the account file, as `relaycore user remove` does it."""
    folder = Path(house.relay.config.state_folder)
    file = AccountFile(folder)
    assert await asyncio.to_thread(file.add, make_account("bo", "let-me-in", "viewer"))
    async with asyncio.timeout(20):
        while "bo" not in house.relay.users:  # noqa: ASYNC110 (nothing tells of it)
            await asyncio.sleep(0.01)
    events = house.relay.events()
    watching = await asyncio.create_subprocess_exec(
        *("ffmpeg", "-v", "error", "-nostdin", "-rtsp_transport", "tcp"),
        *("-i", house.url(encrypted=True, login="bo:let-me-in@"), *NOWHERE),
        stderr=asyncio.subprocess.DEVNULL,
    )
    looking = await asyncio.create_subprocess_exec(
        *("curl", "--silent", "--insecure", "--digest", "--user", "bo:let-me-in", "--output", "/dev/null"),
        house.http("/own/mjpeg", encrypted=True),
    )
    try:
        await of_kind(events, SessionStarted)
        async with asyncio.timeout(20):
            while house.relay._running.web is None or "bo" not in house.relay._running.web._presence:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await asyncio.to_thread(file.remove, "bo")
        while (await of_kind(events, SessionEnded)).session.user != "bo":
            pass
        async with asyncio.timeout(20):  # left alone, both go on for ever
            await asyncio.gather(watching.wait(), looking.wait())
    finally:
        file.close()
        for process in (watching, looking):
            if process.returncode is None:
                process.kill()
                await process.wait()
