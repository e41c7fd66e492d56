"""Attempts to view that end at each stage give exactly their counts."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections import Counter
from pathlib import Path

import pytest

from relaycore import Relay, Track, User
from relaycore.errors import StateError
from relaycore.events import SessionEnded
from relaycore.journeys import journeys as running
from relaycore.journeys.clients import FAMILIES, family_of
from relaycore.journeys.counts import Counts, Group, Name
from relaycore.journeys.histogram import bucket_of, median_ms
from relaycore.journeys.report import Funnel, Question, ask
from relaycore.journeys.store import Store
from relaycore.settings import JourneySettings, PathSettings, TlsSettings
from tests.support.events import of_kind
from tests.support.rtsp import Client

PARAMETERS = bytes.fromhex("0000000167420015da087e2e02200000000168ce3c80")
IDR = bytes.fromhex("0000000165888040")
ANNA = User(name="anna", password="open sesame", role="viewer")


@pytest.mark.parametrize(
    ("user_agent", "family"),
    [
        ("LibVLC/3.0.20 (LIVE555 Streaming Media v2016.11.28)", "VLC"),
        ("libmpv", "mpv"),
        ("Lavf60.16.100", "FFmpeg"),
        ("GStreamer/1.22.0", "GStreamer"),
        ("go2rtc/1.9.9", "go2rtc"),
        ("gortsplib", "gortsplib"),
        ("openRTSP (LIVE555 Streaming Media v2023.11.30)", "live555"),
        ("QuickTime/7.6.9 (qtver=7.6.9;os=Windows NT 6.1)", "QuickTime"),
        ("AndroidXMedia3/1.3.1", "ExoPlayer"),
        ("stagefright/1.2 (Linux;Android 9)", "Android"),
        ("NKPlayer-1.00.00.081112", "Hikvision"),
        ("Rtsp Client/2.0", "Dahua"),
        ("curl/8.5.0", "curl"),
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/120.0.0.0 Safari/537.36",
            "Chrome",
        ),
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
            "HeadlessChrome/120.0.0.0 Safari/537.36",
            "Chrome",
        ),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox"),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "Version/17.1 Safari/605.1.15",
            "Safari",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/120.0.0.0 Safari/537.36 Edg/120.0.0.0",
            "Edge",
        ),
        ("my own program", "other"),
        (None, "unknown"),
    ],
)
def test_families_of_clients(user_agent: str | None, family: str) -> None:
    assert family_of(user_agent) == family
    assert family in {"other", "unknown"} | {name for name, _ in FAMILIES}


def test_a_median_is_right_to_a_few_percent() -> None:
    for milliseconds in (0.5, 3.0, 40.0, 1700.0, 86_400_000.0):
        buckets = Counter(bucket_of(int(milliseconds * factor * 1e6)) for factor in (0.1, 1, 1, 20))
        assert median_ms(buckets) == pytest.approx(milliseconds, rel=0.06)
    assert median_ms({}) is None


def test_counts_add_up_and_are_forgotten(tmp_path: Path) -> None:
    store = Store(tmp_path / "new")

    def add(day: str, *details: str) -> None:
        counts = Counts()
        for detail in details:
            counts[Group(day, "cam", "VLC", "rtsp", "tcp")][Name("connected", "passed", detail)] += 1
        store.add(counts)

    for day in ("2026-01-01", "2026-01-02") * 2:
        add(day, "")
    store.forget("2026-01-02")
    assert store.read("SELECT day, attempts FROM groups", ()) == [("2026-01-02", 2)]
    add("2026-01-03", *"123456789")
    store.forget("", most=9)
    assert [store.entries_of(day) for day in ("2026-01-02", "2026-01-03")] == [0, 9]
    store.forget("", most=3)  # never the day that is counted
    assert store.entries_of("2026-01-03") == 9
    store.read("UPDATE counts SET body = x'00'", ())
    with pytest.raises(StateError, match="damaged"):
        ask(store.path.parent, Question())
    with pytest.raises(StateError, match="cannot be used"):
        add("2026-01-03", "")
    store.close()
    store.path.write_bytes(b"no database at all, however long it may be" * 9)
    with pytest.raises(StateError, match="cannot be used"):
        add("2026-01-03", "")


def authorization(password: str) -> dict[str, str]:
    text = base64.b64encode(f"anna:{password}".encode()).decode()
    return {"Authorization": f"Basic {text}"}


RIGHT = authorization("open sesame")


class Viewers:
    """Clients that go as far as they are told."""

    def __init__(self, relay: Relay, secure: bool) -> None:
        self.relay = relay
        self.secure = secure
        self.events = relay.events()

    async def connect(self, path: str = "own", headers: dict[str, str] | None = None) -> Client:
        host, port = self.relay.address
        url = f"rtsp://{host}:{port}/{path}"
        if self.secure:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            reader, writer = await asyncio.open_connection(host, port, ssl=context)
            client = Client(url, reader, writer)
            await client.__aenter__()
        else:
            client = await Client.connect(url)
            await client.__aenter__()
        client.headers = {"User-Agent": "GStreamer/1.22.0", **(RIGHT if headers is None else headers)}
        return client

    async def ended(self) -> None:
        await of_kind(self.events, SessionEnded)


async def set_up(client: Client, udp: bool) -> None:
    await client.describe()
    transport = "RTP/AVP;unicast;client_port=40000-40001" if udp else "RTP/AVP/TCP;unicast;interleaved=0-1"
    response = await client.request("SETUP", client.tracks[0].control, {"Transport": transport})
    assert response.status == 200
    client.session = response.headers["session"].split(";")[0]


def kept(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.glob("journeys.sqlite*"))


def ended(found: Funnel) -> dict[tuple[str, str], int]:
    return {(stage.stage, cause.cause): cause.count for stage in found.stages for cause in stage.ended}


@pytest.mark.parametrize(("udp", "secure"), [(False, False), (True, False), (False, True)])
async def test_clients_that_end_at_each_stage_are_counted_exactly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, udp: bool, secure: bool
) -> None:
    watched_ns = 50_000_000
    monkeypatch.setattr(running, "WATCHED_NS", watched_ns)
    async with Relay(
        port=0, users=[ANNA], basic=True, state_folder=str(tmp_path), tls=TlsSettings(enabled=secure)
    ) as relay:
        viewers = Viewers(relay, secure)
        with relay.publish("own", [Track.h264(PARAMETERS)], can_force_key_frames=False) as own:
            client = await viewers.connect()
            await client.close()  # connected
            for headers in ({}, authorization("guess")):
                client = await viewers.connect(headers=headers)
                await client.request("DESCRIBE")
                await client.close()
            client = await viewers.connect("nowhere")
            await client.request("DESCRIBE")
            await client.close()  # authorised
            client = await viewers.connect()
            await client.describe()
            await client.close()  # described
            client = await viewers.connect()
            await set_up(client, udp)
            await client.close()
            await viewers.ended()
            client = await viewers.connect()
            await client.start(udp=udp)  # playing, and nothing is sent
            await client.tear_down()
            await client.close()
            await viewers.ended()
            own.write(0, IDR, random_access=True)
            for ends_well in (False, True):
                client = await viewers.connect()
                await client.start(udp=udp)
                await client.packet()
                (session,) = relay.sessions()
                # What was received is noted as sent an instant later.
                while (first := session.first_picture_ns) is None:
                    own.write(0, IDR, random_access=True)
                    await client.packet()
                while ends_well and session.journey().served_until_ns - first < watched_ns:
                    own.write(0, IDR, random_access=True)
                    await client.packet()
                await client.tear_down()
                await client.close()
                await viewers.ended()
    begun = "secured" if secure else "connected"
    found = ask(tmp_path, Question()).all
    assert ended(found) == {
        (begun, "client closed the connection"): 1,
        (begun, "no credentials"): 1,
        (begun, "wrong credentials"): 1,
        ("authorised", "not found"): 1,
        ("described", "client closed the connection"): 1,
        ("set_up", "client closed the connection"): 1,
        ("playing", "client ended it"): 1,
        ("first_key_frame", "client ended it"): 1,
    }
    passed = [9, 9 if secure else 6, 6, 5, 4, 3, 2, 2, 1, 1]
    assert [stage.passed for stage in found.stages] == passed
    assert [stage.skipped for stage in found.stages] == [0, 0 if secure else 6, *[0] * 8]
    about_somebody = (b"anna", b"127.0.0.1", b"1.22.0", b"nowhere")
    assert not [text for text in about_somebody if text in kept(tmp_path)]


async def test_names_that_strangers_make_up_fill_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "MOST_PATHS", 3)
    monkeypatch.setattr(running, "MOST_ENTRIES_OF_A_DAY", 15)
    paths = {f"a{number}": PathSettings() for number in range(9)}
    found: list[set[tuple[str, ...]]] = []
    for _ in range(2):  # what was counted before a start is known after it
        async with Relay(port=0, state_folder=str(tmp_path), paths=paths) as relay:
            host, port = relay.address
            for number in range(9):
                for path in (f"a{number}", f"made/up/{number}"):
                    client = await Client.connect(f"rtsp://{host}:{port}/{path}")
                    client.headers = {"User-Agent": f"my own program {number}"}
                    assert (await client.request("DESCRIBE")).status == 404
                    await client.close()
        store = Store(tmp_path)
        found.append(set(store.read("SELECT DISTINCT path, client FROM groups", ())))
        passed = store.read("SELECT sum(attempts) FROM groups", ())
        store.close()
    assert passed == [(36,)]
    assert len(found[0] - {("*", "other"), ("*", "*")}) == 3
    assert ("", "other") in found[0]
    assert found[1] == found[0] | {("*", "*")}


async def test_without_a_state_folder_or_where_it_is_not_wished_nothing_is_kept(tmp_path: Path) -> None:
    async with Relay(port=0, state_folder=str(tmp_path), journeys=JourneySettings(enabled=False)) as relay:
        host, port = relay.address
        await (await Client.connect(f"rtsp://{host}:{port}/x")).close()
    assert not (tmp_path / "journeys.sqlite").exists()
