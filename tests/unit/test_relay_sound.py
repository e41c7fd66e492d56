"""The sound of a path by itself: PATH/opus and PATH/aac, on the clock of what they are made of."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from fractions import Fraction

import av
import numpy as np
import pytest

from relaycore import AccessUnitReader, PathSettings, Publisher, Relay, Track
from relaycore._relaycore import now_ns
from relaycore.capture.tone import tone
from relaycore.encode.audio import AacEncoder, OpusEncoder
from relaycore.errors import PathError, SourceError
from relaycore.events import StreamRemoved
from relaycore.paths import on_demand
from tests.support.events import of_kind
from tests.support.http import TIMEOUT

SECOND = 1_000_000_000
PIP_AT = 0.5
"""Seconds from the first sample to the pip."""

PARAMETERS = bytes.fromhex("0000000167420015da087e2e02200000000168ce3c80")


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    async with Relay(port=0) as made:
        yield made


def block(number: int, rate: int = 48_000) -> av.AudioFrame:
    """Ten milliseconds, the first half second of which are silence."""
    samples = rate // 100
    sound = tone(rate // 2 + number * samples, samples, rate)
    frame = av.AudioFrame.from_ndarray(sound[np.newaxis], format="fltp", layout="mono")
    frame.sample_rate = rate
    return frame


async def speak(
    publisher: Publisher, encoder: AacEncoder | OpusEncoder, start_ns: int, track: int = 0
) -> None:
    """A second of sound, given as fast as it is taken."""
    for number in range(100):
        for frame in encoder.encode(block(number)):
            heard_ns = start_ns + frame.first_sample * SECOND // 48_000
            publisher.write(0, frame.data, captured_ns=max(0, heard_ns))
        await asyncio.sleep(0)


async def heard_pip(reader: AccessUnitReader, codec: str) -> float:
    """Seconds of the clock at which the pip begins."""
    decoder = av.CodecContext.create({"opus": "libopus", "aac": "aac"}[codec], "r")
    assert isinstance(decoder, av.AudioCodecContext)
    (track,) = reader.tracks
    decoder.sample_rate, decoder.layout = 48_000, "mono"
    if track.parameters:
        decoder.extradata = track.parameters
    async with asyncio.timeout(TIMEOUT):
        async for unit in reader:
            packet = av.Packet(unit.data)
            packet.pts, packet.time_base = unit.pts, Fraction(1, track.clock_rate)
            for frame in decoder.decode(packet):
                samples = frame.to_ndarray()[0].astype(np.float64)
                samples /= 32_768 if frame.format.name.startswith("s16") else 1
                loud = np.flatnonzero(np.abs(samples) > 0.1)
                if loud.size:
                    return unit.pts / track.clock_rate + int(loud[0]) / 48_000
    raise AssertionError("no pip")


@pytest.mark.parametrize(("source", "made"), [("aac", "opus"), ("opus", "aac")])
async def test_sound_is_made_to_what_is_wanted_at_the_same_time(relay: Relay, source: str, made: str) -> None:
    encoder = AacEncoder(1) if source == "aac" else OpusEncoder(1)
    track = Track.aac(encoder.config) if isinstance(encoder, AacEncoder) else Track.of("opus", channels=1)
    with relay.publish("cam", [track]) as publisher:
        await relay.prepare(f"cam/{made}")
        async with relay.read(f"cam/{made}") as reader:
            assert [track.codec for track in reader.tracks] == [made]
            start_ns = now_ns()
            speaking = asyncio.create_task(speak(publisher, encoder, start_ns))
            at = await heard_pip(reader, made)
            await speaking
        assert at == pytest.approx(start_ns / SECOND + PIP_AT, abs=0.01)


async def test_the_sound_that_a_protocol_plays_is_found(relay: Relay) -> None:
    aac = Track.aac(AacEncoder(1).config)
    web, fmp4 = ("opus", "pcmu", "pcma"), ("aac",)
    with relay.publish("cam", [Track.h264(PARAMETERS), aac]):
        assert await relay.playable_sound("cam", fmp4) is None
        assert await relay.playable_sound("cam", web) == "cam/opus"
        assert await relay.playable_sound("/cam/", web) == "cam/opus"
        # The pictures of a rendition are on the same clock.
        with relay.publish("cam/h264", [Track.h264(PARAMETERS)]):
            assert await relay.playable_sound("cam/h264", fmp4) == "cam"
            assert await relay.playable_sound("cam/h264", web) == "cam/opus"
    with relay.publish("phone", [Track.of("pcmu"), Track.h264(PARAMETERS)]):
        assert await relay.playable_sound("phone", web) is None
        assert await relay.playable_sound("phone", fmp4) == "phone/aac"
        assert await relay.playable_sound("phone", ("mpegaudio",)) is None
    with relay.publish("silent", [Track.h264(PARAMETERS)]):
        assert await relay.playable_sound("silent", web) is None
    with relay.publish("odd", [Track.of("other", clock_rate=8000)]):
        assert await relay.playable_sound("odd", web) is None
    with pytest.raises(PathError):
        await relay.playable_sound("nowhere", web)


async def test_it_is_made_once_and_while_somebody_reads_it(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(on_demand, "LOOK_S", 0.02)
    monkeypatch.setattr(on_demand, "ARRIVAL_S", 0.3)
    await relay.set_path("cam", PathSettings(on_demand_close_after=0.1))
    events = relay.events()
    with relay.publish("cam", [Track.of("pcmu")]) as publisher:
        await asyncio.gather(*(relay.prepare("cam/aac") for _ in range(5)))
        assert [stream.path for stream in relay.streams()] == ["cam", "cam/aac"]
        async with relay.read("cam/aac") as one, relay.read("cam/aac") as two:
            for number in range(20):
                publisher.write(0, bytes(160), pts=number * 160)
            await anext(one)
            await anext(two)
            assert publisher.readers == 1
        assert (await of_kind(events, StreamRemoved)).path == "cam/aac"
        await relay.prepare("cam/aac")
    assert {(await of_kind(events, StreamRemoved)).path for _ in range(2)} == {"cam", "cam/aac"}


async def test_why_there_is_none_is_said(relay: Relay) -> None:
    with relay.publish("cam", [Track.h264(PARAMETERS)]), relay.publish("phone", [Track.of("opus")]):
        with pytest.raises(SourceError, match="no sound"):
            await relay.prepare("cam/opus")
        with pytest.raises(SourceError, match="already"):
            await relay.prepare("phone/opus")
    await relay.prepare("nowhere/opus")
    with pytest.raises(PathError):
        relay.read("nowhere/opus")


async def test_a_path_with_settings_is_its_own(relay: Relay) -> None:
    await relay.set_path("cam/opus", PathSettings())
    with relay.publish("cam", [Track.of("pcmu")]), relay.publish("cam/opus", [Track.h264(PARAMETERS)]):
        await relay.prepare("cam/opus")
        assert await relay.playable_sound("cam/opus", ("opus",)) is None


async def test_broken_sound_ends_nothing(relay: Relay) -> None:
    encoder = AacEncoder(1)
    with relay.publish("cam", [Track.aac(encoder.config)]) as publisher:
        await relay.prepare("cam/opus")
        async with relay.read("cam/opus") as reader:
            start_ns = now_ns()
            for number in range(5):
                publisher.write(0, b"\xff\x00garbage" * 5, captured_ns=start_ns - SECOND + number)
            speaking = asyncio.create_task(speak(publisher, encoder, start_ns))
            await heard_pip(reader, "opus")
            await speaking
