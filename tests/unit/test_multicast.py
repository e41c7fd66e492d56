"""Groups of multicast that are sent to without a session of RTSP, on the loopback interface."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path

import msgspec
import pytest

from relaycore import MulticastSettings, PathSettings, Relay, User, kept_file
from relaycore.errors import PathError, SourceError, StateError
from relaycore.events import SettingsChanged, StreamRemoved
from relaycore.http_digest import HttpDigest
from relaycore.kept_file import KeptFile
from relaycore.paths import backoff, on_demand
from relaycore.paths.groups import SentGroups
from relaycore.paths.kept_groups import GROUP_FILE, KeptGroups
from tests.support.events import of_kind
from tests.support.media import make_media
from tests.support.onvif import Client, logged_in

TIMEOUT = 30.0
GROUP = "239.255.81.1"
OTHER = "239.255.81.2"


def free_port() -> int:
    """An even port that was free just now, with a free one behind it."""
    while True:
        with socket.socket(type=socket.SOCK_DGRAM) as first, socket.socket(type=socket.SOCK_DGRAM) as second:
            first.bind(("", 0))
            port: int = first.getsockname()[1]
            if port % 2 or port > 60_000:
                continue
            try:
                second.bind(("", port + 1))
            except OSError:
                continue
            return port


@contextmanager
def listening(group: str, port: int) -> Iterator[socket.socket]:
    """Hears a port of a group."""
    with socket.socket(type=socket.SOCK_DGRAM) as heard:
        heard.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        heard.bind(("", port))
        membership = struct.pack("4s4s", socket.inet_aton(group), socket.inet_aton("127.0.0.1"))
        heard.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
        heard.setblocking(False)
        yield heard


async def packet(heard: socket.socket) -> bytes:
    """The next one."""
    async with asyncio.timeout(TIMEOUT):
        return await asyncio.get_running_loop().sock_recv(heard, 2048)


async def goodbye(reports: socket.socket) -> None:
    """Waits for a BYE (RFC 3550 section 6.6) among the reports."""
    while True:
        rest = await packet(reports)
        while rest:
            if rest[1] == 203:
                return
            rest = rest[4 * (int.from_bytes(rest[2:4], "big") + 1) :]


def settings(group: str, port: int) -> PathSettings:
    return PathSettings(multicast=MulticastSettings(group=group, port=port, interface="127.0.0.1"))


@pytest.fixture
def port() -> int:
    return free_port()


@asynccontextmanager
async def running(port: int, folder: Path | None = None) -> AsyncIterator[Relay]:
    """A relay with a camera that has a group."""
    users = [
        User(name="anna", password="secret", role="operator"),
        User(name="otto", password="secret", role="viewer"),
    ]
    state = "" if folder is None else str(folder)
    paths = {"yard": settings(GROUP, port)}
    async with Relay(port=0, users=users, paths=paths, state_folder=state) as relay:
        await relay.add_camera("yard", camera="pattern", size="320x240", fps=10, microphone="none")
        yield relay


@pytest.fixture
async def relay(port: int) -> AsyncIterator[Relay]:
    async with running(port) as relay:
        yield relay


PREFIXES = {"trt": "/onvif/media_service", "tr2": "/onvif/media2_service"}


def body_of(prefix: str, name: str, profile: str = "main") -> str:
    """A request to begin or end the streaming of a profile."""
    token = f"<{prefix}:ProfileToken>yard/{profile}</{prefix}:ProfileToken>"
    return f"<{prefix}:{name}MulticastStreaming>{token}</{prefix}:{name}MulticastStreaming>"


async def told(client: Client, prefix: str) -> list[str | None]:
    """What is said of each profile: whether it is sent by itself."""
    answer = await client.call(f"<{prefix}:GetVideoEncoderConfigurations/>", PREFIXES[prefix])
    return [one.text for one in answer.all(".//tt:AutoStart")]


@pytest.mark.parametrize(("prefix", "address"), PREFIXES.items())
async def test_a_client_of_onvif_begins_and_ends_it(
    relay: Relay, port: int, prefix: str, address: str
) -> None:
    body = partial(body_of, prefix)
    viewer = (HttpDigest("otto", "secret"),)
    async with logged_in(relay) as client:
        assert (await client.call(body("Start"), address, middlewares=())).status == 401
        assert (await client.call(body("Start"), address, middlewares=viewer)).subcodes == [
            "ter:NotAuthorized"
        ]
        assert not relay.sends_multicast("yard")
        started = await client.call(body("Start", "sub"), address)
        assert started.subcodes == ["ter:Action", "ter:IncompleteConfiguration"]
        started = await client.call(body("Start", "none"), address)
        assert started.subcodes == ["ter:InvalidArgVal", "ter:NoProfile"]
        with listening(GROUP, port) as media, listening(GROUP, port + 1) as reports:
            for _ in range(2):
                assert (await client.call(body("Start"), address)).status == 200
            assert (await packet(media))[0] >> 6 == 2
            assert await told(client, prefix) == ["true", "false"]
            assert relay.sessions() == []
            for _ in range(2):
                assert (await client.call(body("Stop"), address)).status == 200
            await goodbye(reports)
        assert not relay.sends_multicast("yard")
        assert await told(client, prefix) == ["false", "false"]


@pytest.mark.parametrize(("prefix", "address"), PREFIXES.items())
async def test_what_a_client_of_onvif_has_begun_goes_on_after_a_restart(
    port: int, tmp_path: Path, prefix: str, address: str
) -> None:
    async with running(port, tmp_path) as relay, logged_in(relay) as client:
        assert (await client.call(body_of(prefix, "Start"), address)).status == 200
    with listening(GROUP, port) as media, listening(GROUP, port + 1) as reports:
        async with running(port, tmp_path) as relay, logged_in(relay) as client:
            await packet(media)
            assert await told(client, prefix) == ["true", "false"]
            assert relay.sends_multicast("yard")
            assert (await client.call(body_of(prefix, "Stop"), address)).status == 200
            await goodbye(reports)
    async with running(port, tmp_path) as relay, logged_in(relay) as client:
        assert await told(client, prefix) == ["false", "false"]
        assert not relay.sends_multicast("yard")


async def test_what_a_program_has_begun_ends_with_the_relay_unless_it_is_to_be_kept(
    port: int, tmp_path: Path
) -> None:
    for keep in (False, True):
        async with running(port, tmp_path) as relay, logged_in(relay) as client:
            assert not relay.sends_multicast("yard")
            await relay.start_multicast("yard", keep=keep)
            # What ends with the relay does not start by itself.
            assert await told(client, "tr2") == [str(keep).lower(), "false"]
    with listening(GROUP, port) as media:
        async with running(port, tmp_path) as relay:
            await packet(media)
            assert relay.keeps_multicast("yard")
            # Beginning once more for as long as the relay runs takes nothing back.
            await relay.start_multicast("yard")
            assert relay.keeps_multicast("yard")


async def test_a_full_disk_is_told_each_time_and_it_is_sent_or_not_as_was_asked(
    port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_self: object, _value: object) -> None:
        raise OSError(28, "No space left on device")

    async with running(port, tmp_path) as relay, logged_in(relay) as client:
        with monkeypatch.context() as disk:
            disk.setattr(KeptFile, "write", full)
            for _ in range(2):
                answer = await client.call(body_of("trt", "Start"), PREFIXES["trt"])
                assert answer.subcodes == ["ter:Action"]
                assert "No space left on device" in "".join(answer.root.itertext())
                assert relay.sends_multicast("yard")
        # Asked once more, when there is room again, it is kept.
        await relay.start_multicast("yard", keep=True)
        assert (tmp_path / GROUP_FILE).read_text().split() == ["[", '"yard"', "]"]
        with monkeypatch.context() as disk:
            disk.setattr(KeptFile, "write", full)
            for _ in range(2):
                with pytest.raises(StateError, match="No space left"):
                    await relay.stop_multicast("yard")
                assert not relay.sends_multicast("yard")
                assert not relay.keeps_multicast("yard")
        await relay.stop_multicast("yard")
        assert (tmp_path / GROUP_FILE).read_text() == "[]"


async def test_who_starts_it_while_it_is_being_forgotten_is_not_stopped(
    port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, writing, may_write = KeptFile.write, threading.Event(), threading.Event()

    def slow(self: KeptFile[list[str]], value: list[str]) -> None:
        writing.set()
        assert may_write.wait(TIMEOUT)
        write(self, value)

    async with running(port, tmp_path) as relay:
        await relay.start_multicast("yard", keep=True)
        monkeypatch.setattr(KeptFile, "write", slow)
        stopping = asyncio.create_task(relay.stop_multicast("yard"))
        assert await asyncio.to_thread(writing.wait, TIMEOUT)
        starting = asyncio.create_task(relay.start_multicast("yard", keep=True))
        await asyncio.sleep(0)
        assert relay.sends_multicast("yard"), "it begins, and waits until that can be kept"
        may_write.set()
        async with asyncio.timeout(TIMEOUT):
            await asyncio.gather(stopping, starting)
        assert relay.sends_multicast("yard")
        assert relay.keeps_multicast("yard")
    assert (tmp_path / GROUP_FILE).read_text().split() == ["[", '"yard"', "]"]


async def test_what_is_kept_follows_the_settings(port: int, tmp_path: Path) -> None:
    async with running(port, tmp_path) as relay:
        before = relay.config
        await relay.start_multicast("yard", keep=True)
        with listening(GROUP, port + 1) as reports:
            await relay.reload(msgspec.structs.replace(before, paths={}))
            await goodbye(reports)
        assert not relay.sends_multicast("yard")
        with listening(GROUP, port) as media:
            await relay.reload(before)
            await packet(media)


async def test_a_source_on_demand_is_started_after_a_restart(port: int, tmp_path: Path) -> None:
    (tmp_path / GROUP_FILE).write_text('["film", "elsewhere"]')
    make_media(tmp_path / "film.mp4", options={"tune": "zerolatency"})
    film = msgspec.structs.replace(
        settings(GROUP, port), source=str(tmp_path / "film.mp4"), source_on_demand=True
    )
    with listening(GROUP, port) as media:
        async with Relay(port=0, paths={"film": film}, state_folder=str(tmp_path)) as relay:
            await packet(media)
            assert not relay.sends_multicast("elsewhere")


class LateEngine:
    """An engine whose network comes late: the first question is answered by an error."""

    def __init__(self) -> None:
        self.errors: list[Exception] = [OSError("no network")]
        self.held: list[str] = []

    def hold_group(self, path: str) -> None:
        """See :class:`GroupEngine`."""
        if self.errors:
            raise self.errors.pop()
        self.held.append(path)

    def release_group(self, path: str) -> bool:
        """See :class:`GroupEngine`."""
        self.held.remove(path)
        return True


async def test_what_is_kept_is_tried_until_network_and_source_have_come(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(backoff, "FIRST_S", 0.0)
    asked, came = 0, asyncio.Event()

    async def prepare(path: str) -> None:
        nonlocal asked
        asked += 1
        if asked < 3:
            raise SourceError(f"no film at {path}")
        came.set()

    engine = LateEngine()
    groups = SentGroups(engine, {"film"}, prepare)
    for path in ("film", "elsewhere"):
        groups.changed(path, has_group=True)
    async with asyncio.timeout(TIMEOUT):
        await came.wait()
    await groups.close()
    assert set(engine.held) == {"film"}
    assert ("film" in groups, "elsewhere" in groups) == (True, False)
    # Each reason once, however often it is tried.
    assert [record.getMessage().partition(": ")[2] for record in caplog.records] == [
        "The group of 'film' cannot be sent to: no network",
        "no film at film",
    ]


@pytest.mark.parametrize("end", ["end", "changed", "close"])
async def test_what_is_not_to_be_sent_any_more_is_tried_no_more(end: str) -> None:
    began = asyncio.Event()

    async def prepare(_path: str) -> None:
        began.set()
        await asyncio.Event().wait()

    engine = LateEngine()
    engine.errors = []
    groups = SentGroups(engine, {"film"}, prepare)
    groups.changed("film", has_group=True)
    await began.wait()
    (task,) = groups._resuming.values()
    if end == "end":
        groups.end("film")
    elif end == "changed":
        engine.errors = [ValueError("no group")]
        groups.changed("film", has_group=False)
    else:
        await groups.close()
    async with asyncio.timeout(TIMEOUT):
        await asyncio.wait([task])
    assert task.cancelled()
    assert groups._resuming == {}
    assert ("film" in groups) is (end == "close")


async def test_of_too_many_paths_those_without_settings_are_forgotten_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_file, "MOST_NAMES", 2)
    kept = KeptGroups(tmp_path, lambda: {"yard"})
    for path in ("yard", "hall", "shed"):
        await kept.add(path)
    again = KeptGroups(tmp_path, lambda: {"yard"})
    await again.open()
    assert [path for path in ("yard", "hall", "shed") if path in again] == ["yard", "shed"]


async def test_it_goes_on_when_the_camera_comes_back(relay: Relay, port: int) -> None:
    events = relay.events()
    await relay.start_multicast("yard")
    assert (await of_kind(events, SettingsChanged)).path == "yard"
    with listening(GROUP, port) as media, listening(GROUP, port + 1) as reports:
        await packet(media)
        await relay.stop_source("yard")
        await goodbye(reports)
        assert relay.sends_multicast("yard")
        await relay.start_source("yard")
    # What is heard from here on was sent after that.
    with listening(GROUP, port) as media:
        await packet(media)
    await relay.stop_multicast("yard")
    await relay.stop_source("yard")
    await relay.start_source("yard")
    assert not relay.sends_multicast("yard")
    assert [status.readers for status in relay.path_status()] == [0]


async def test_it_follows_the_settings(relay: Relay, port: int) -> None:
    await relay.start_multicast("yard")
    other = free_port()
    moved = msgspec.structs.replace(relay.config, paths={"yard": settings(OTHER, other)})
    with listening(GROUP, port + 1) as reports, listening(OTHER, other) as media:
        await relay.reload(moved)
        await goodbye(reports)
        await packet(media)
    with listening(OTHER, other + 1) as reports:
        await relay.reload(msgspec.structs.replace(relay.config, paths={}))
        await goodbye(reports)
    assert not relay.sends_multicast("yard")
    with pytest.raises(PathError, match="multicast"):
        await relay.start_multicast("yard")


async def test_a_group_that_cannot_be_sent_to_is_told(relay: Relay, port: int) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as taken:
        taken.bind(("", port + 1))
        with pytest.raises(PathError, match="cannot be sent to"):
            await relay.start_multicast("yard")
    assert not relay.sends_multicast("yard")
    with pytest.raises(PathError, match="no group"):
        await relay.start_multicast("elsewhere")
    await relay.stop_multicast("elsewhere")


async def test_a_path_that_has_no_stream_yet_is_sent_when_it_has(port: int) -> None:
    async with Relay(port=0, paths={"late": settings(GROUP, port)}) as relay:
        await relay.start_multicast("late")
        with listening(GROUP, port) as media:
            await relay.add_camera("late", camera="pattern", size="320x240", fps=10, microphone="none")
            await packet(media)


async def test_a_source_on_demand_comes_and_stays_until_it_is_stopped(
    port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(on_demand, "LOOK_S", 0.01)
    monkeypatch.setattr(on_demand, "ARRIVAL_S", 0.02)
    make_media(tmp_path / "film.mp4", options={"tune": "zerolatency"})
    film = msgspec.structs.replace(
        settings(GROUP, port),
        source=str(tmp_path / "film.mp4"),
        source_on_demand=True,
        on_demand_close_after=0.01,
    )
    async with Relay(port=0, paths={"film": film}) as relay:
        events = relay.events()
        with listening(GROUP, port) as media, listening(GROUP, port + 1) as reports:
            await relay.start_multicast("film")
            # A source that nobody reads would have gone by then.
            for _ in range(100):
                await packet(media)
            assert [status.readers for status in relay.path_status()] == [1]
            await relay.stop_multicast("film")
            await goodbye(reports)
            async with asyncio.timeout(TIMEOUT):
                assert (await of_kind(events, StreamRemoved)).path == "film"
