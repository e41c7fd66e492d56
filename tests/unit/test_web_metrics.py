"""What ``/metrics`` tells of a relay while sessions come, report and go."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator, Mapping

import aiohttp
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from relaycore import Relay
from relaycore.events import SessionEnded, SessionStarted
from relaycore.settings import PathSettings
from relaycore.web.metrics import collect
from tests.support.events import of_kind
from tests.support.rtsp import Client

Samples = dict[str, list[tuple[Mapping[str, str], float]]]

OPENMETRICS = "application/openmetrics-text; version=1.0.0"


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    async with Relay(port=0) as relay:
        await relay.add_camera("cam", camera="pattern", size="320x240", fps=30, microphone="none")
        yield relay


async def scrape(relay: Relay) -> Samples:
    """All samples by name, as Prometheus reads them."""
    host, port = relay.address
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"http://{host}:{port}/metrics", headers={"Accept": OPENMETRICS}) as response,
    ):
        assert response.status == 200
        assert response.content_type == "application/openmetrics-text"
        text = await response.text()
    found: Samples = {}
    for family in text_string_to_metric_families(text):  # type: ignore[no-untyped-call]
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


async def test_the_older_format_is_for_who_does_not_ask(relay: Relay) -> None:
    host, port = relay.address
    async with aiohttp.ClientSession() as http, http.get(f"http://{host}:{port}/metrics") as response:
        assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert "# EOF" not in await response.text()


async def test_what_a_session_moved_stays_counted_at_its_path(relay: Relay) -> None:
    events = relay.events()
    async with await Client.connect(relay.urls("cam")[0]) as client:
        await client.start(udp=False)
        await client.packet()
        found = await scrape(relay)
        ((labels, sent),) = found["relaycore_session_packets_total"]
        assert (labels["path"], labels["action"], labels["transport"]) == ("cam", "read", "tcp")
        assert client.session not in labels.values()
        assert sent >= 1
        assert found["relaycore_path_open_sessions"] == [({"path": "cam", "action": "read"}, 1)]
        await client.tear_down()
    ended = await of_kind(events, SessionEnded)
    found = await scrape(relay)
    assert "relaycore_session_packets_total" not in found
    of_path = {"path": "cam", "action": "read"}
    assert found["relaycore_path_session_packets_total"] == [(of_path, ended.session.packets)]
    assert found["relaycore_path_sessions_total"] == [(of_path, 1)]
    assert found["relaycore_path_open_sessions"] == [(of_path, 0)]


async def test_paths_tell_what_feeds_them_and_where_they_go(relay: Relay) -> None:
    source = PathSettings(source="rtsp://bo:secret@127.0.0.1:9/x", source_on_demand=True)
    await relay.set_path("door", source)
    targets = [f"rtsp://{user}:secret@127.0.0.1:9/y" for user in ("bo", "jo")]
    await relay.set_path("cam", PathSettings(forward=targets))
    found = await scrape(relay)
    assert ({"path": "door"}, 0) in found["relaycore_path_ready"]
    assert found["relaycore_path_source_live"] == [({"path": "door"}, 0)]
    assert [labels for labels, _ in found["relaycore_path_forward_live"]] == [
        {"path": "cam", "number": number, "target": "rtsp://***@127.0.0.1:9/y"} for number in "01"
    ]


async def test_what_a_receiver_reports_is_told_in_seconds(relay: Relay) -> None:
    async with await Client.connect(relay.urls("cam")[0]) as client:
        await client.start(udp=False)
        report = (await client.rtcp()).data
        ssrc, ntp = struct.unpack_from("!4xIQ", report)
        assert "relaycore_session_round_trip_seconds" not in await scrape(relay)
        # RFC 3550 section 6.4.2: 5 packets lost, a jitter of 900 ticks of 90 kHz, kept for no time.
        block = struct.pack("!IIIIII", ssrc, 5, 0, 900, ntp >> 16 & 0xFFFF_FFFF, 0)
        client.send_rtcp(0, struct.pack("!BBHI", 0x81, 201, 7, 1) + block)
        await client.request("OPTIONS")
        found = await scrape(relay)
    assert [value for _, value in found["relaycore_session_lost_packets"]] == [5]
    assert [value for _, value in found["relaycore_session_jitter_seconds"]] == [0.01]
    ((_, round_trip),) = found["relaycore_session_round_trip_seconds"]
    assert round_trip > 0


async def test_sessions_that_are_shown_are_bounded_and_none_is_forgotten(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collect, "MOST_SESSIONS", 1)
    events = relay.events()
    async with await Client.connect(relay.urls("cam")[0]) as first:
        await first.start(udp=False)
        await of_kind(events, SessionStarted)
        async with await Client.connect(relay.urls("cam")[0]) as second:
            await second.start(udp=False)
            found = await scrape(relay)
    assert len(found["relaycore_session_lag_seconds"]) == 1
    assert found["relaycore_hidden_sessions"] == [({}, 1)]
    assert found["relaycore_path_open_sessions"] == [({"path": "cam", "action": "read"}, 2)]
