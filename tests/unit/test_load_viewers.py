"""Viewers by WebRTC of the load generator, against a relay: what they count of what was published."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import aiohttp
import msgspec

from relaycore import Relay
from relaycore._relaycore import LoadRun, LoadViewers, Session
from relaycore.bench.plan import Plan, Source, encode

TIMEOUT_S = 30

VIEWERS, CHECK_ONE_IN = 3, 2

PACKETS = 100
"""That each viewer is to get."""


async def test_viewers_get_every_packet_and_some_look_at_what_is_in_them() -> None:
    async with Relay(port=0, publish="any", anonymous=True) as relay:
        host, port = relay.address
        url = f"rtsp://{host}:{port}/live"
        source = Source(kind="publish", url=url, bitrate=1_000_000, gop_ms=500)
        run = LoadRun(encode(Plan(duration_ms=10 * TIMEOUT_S * 1000, sources=[source])))
        run.start()
        viewers = LoadViewers(run, VIEWERS, check_one_in=CHECK_ONE_IN)
        async with asyncio.timeout(TIMEOUT_S):
            await _connect(viewers, f"http://{host}:{port}/live/whep")
            assert len(_watching(relay)) == VIEWERS
            await _until(lambda: all(one.packets >= PACKETS for one in _watching(relay)))
            report: dict[str, Any] = msgspec.json.decode(await asyncio.to_thread(viewers.stop))
            await _until(lambda: not _watching(relay))
        await asyncio.to_thread(run.stop)
    assert report["findings"] == []
    assert (report["asked"], report["connected"], report["playing"]) == (VIEWERS, VIEWERS, VIEWERS)
    packets, checked = report["packets"], report["checked"]
    assert packets["received"] > 0
    assert (packets["lost"], packets["duplicate"], packets["malformed"]) == (0, 0, 0)
    assert report["access_units"] > 0
    assert report["bytes"] > packets["received"] * 12
    assert report["checking"] == 2
    assert checked["content_checked"] == checked["complete"] > 0
    assert (checked["corrupt"], checked["missing"]) == (0, 0)
    assert 0 < report["latency_ms"]["p50"] <= report["latency_ms"]["max"]
    # What was found is told once.
    assert msgspec.json.decode(viewers.stop())["asked"] == 0


async def test_an_answer_that_is_none_is_a_finding() -> None:
    run = LoadRun(encode(Plan(duration_ms=TIMEOUT_S * 1000)))
    run.start()
    viewers = LoadViewers(run, 1, check_one_in=1)
    viewers.answer(0, "v=0")
    viewers.answer(1, "nobody has asked for this")
    assert viewers.connected() == 0
    report = msgspec.json.decode(await asyncio.to_thread(viewers.stop))
    assert [finding["kind"] for finding in report["findings"]] == ["unusable_answer"]
    await asyncio.to_thread(run.stop)


async def _connect(viewers: LoadViewers, address: str) -> None:
    headers = {"Content-Type": "application/sdp"}
    async with aiohttp.ClientSession() as client:
        for number, offer in enumerate(viewers.offers()):
            while True:
                async with client.post(address, data=offer, headers=headers) as response:
                    if response.status == 201:
                        viewers.answer(number, await response.text())
                        break
                    # The publisher is on its way.
                    assert response.status == 404
                await asyncio.sleep(0.01)
    await _until(lambda: viewers.connected() == VIEWERS)


def _watching(relay: Relay) -> list[Session]:
    return [session for session in relay.sessions() if session.protocol == "webrtc"]


async def _until(condition: Callable[[], bool]) -> None:
    while True:
        if condition():
            return
        await asyncio.sleep(0.01)
