"""Cameras that freeze or go dark, from their pictures to the alert and its end."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

from relaycore import Relay
from relaycore._relaycore import FramePool
from relaycore.alerts import alerts as alerts_module
from relaycore.alerts.from_events import happening_of
from relaycore.alerts.model import Alert, Gone, Happening, Removed, There
from relaycore.events import (
    AlertRaised,
    CameraBack,
    CameraFailed,
    CameraLost,
    Event,
    SourceFailed,
    SourceSwitched,
    StreamRemoved,
    StreamResumed,
    StreamVacant,
)
from relaycore.pipeline import thumbnail
from relaycore.pipeline.thumbnail import HEIGHT, WIDTH, Thumbnails, thumbnail_of
from relaycore.settings import AlertSettings, DarkRule, FrozenRule
from tests.support.events import of_kind

TIMEOUT = 30.0
SETTINGS = AlertSettings(camera_frozen=FrozenRule(seconds=1), camera_dark=DarkRule(seconds=1))


@pytest.mark.parametrize(("size", "points"), [((640, 360), WIDTH * HEIGHT), ((16, 8), 16 * 8)])
def test_a_thumbnail_is_made_of_pixels_of_the_whole_picture(size: tuple[int, int], points: int) -> None:
    width, height = size
    buffer = FramePool(width, height, 1).acquire()
    assert buffer is not None
    luma = np.tile(np.linspace(0, 255, width).astype(np.uint8), (height, 1))
    np.frombuffer(memoryview(buffer), np.uint8)[: width * height] = luma.ravel()
    small, brightness = thumbnail_of(buffer, full_range=True)
    assert len(small) == points
    assert (small[0], small[-1]) == (0, 255)
    assert brightness == pytest.approx(127, abs=1)


@pytest.mark.parametrize(("luma", "brightness"), [(16, 0), (235, 255), (0, 0), (255, 255)])
def test_brightness_is_the_same_in_either_range(luma: int, brightness: float) -> None:
    buffer = FramePool(64, 48, 1).acquire()
    assert buffer is not None
    np.frombuffer(memoryview(buffer), np.uint8)[:] = luma
    assert thumbnail_of(buffer, full_range=False)[1] == brightness
    assert thumbnail_of(buffer, full_range=True)[1] == luma


def test_a_thumbnail_is_due_each_second() -> None:
    looks = Thumbnails()
    due = [at for at in range(0, 4_000, 33) if looks.is_due(at * 1_000_000)]
    assert len(due) == 4


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures are looked at ten times a second."""
    monkeypatch.setattr(thumbnail, "EVERY_NS", 100_000_000)


async def alerts_of(graph: str, count: int) -> list[Alert]:
    """The first alerts of a camera that shows a filter graph."""
    relay = Relay(port=0, alerts=SETTINGS)
    events = relay.events()
    async with relay, asyncio.timeout(TIMEOUT):
        await relay.add_camera("cam", camera=f"lavfi:{graph}", encoder="libx264", microphone="none")
        return [(await of_kind(events, AlertRaised)).alert for _ in range(count)]


@pytest.mark.parametrize(
    ("event", "happening"),
    [
        (CameraLost(path="a", reason="unplugged"), Gone(7, "a", "unplugged")),
        (CameraFailed(path="a", reason="no encoder"), Gone(7, "a", "no encoder")),
        (SourceFailed(path="a", source="x", reason="no answer"), Gone(7, "a", "no answer")),
        (SourceSwitched(path="a", source="x", before="y"), There(7, "a")),
        (CameraBack(path="a"), There(7, "a")),
        (StreamResumed(path="a"), There(7, "a")),
        (StreamRemoved(path="a"), Removed(7, "a")),
        (StreamRemoved(path="a", reason="the source is gone"), None),
        (StreamVacant(path="a"), None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_events_are_what_they_mean_to_the_rules(event: Event, happening: Happening | None) -> None:
    assert happening_of(event, 7) == happening


@pytest.mark.usefixtures("quick")
async def test_a_camera_that_stands_still_is_told_of_until_it_moves() -> None:
    # Noise that stops after a second and comes again after four.
    still = "loop=loop=90:size=1:start=30"
    told = await alerts_of(f"testsrc2=size=64x48:rate=30,noise=alls=40:allf=t,{still}", 2)
    assert [(alert.rule, alert.subject, alert.over) for alert in told] == [
        ("camera_frozen", "cam", False),
        ("camera_frozen", "cam", True),
    ]


@pytest.mark.usefixtures("quick")
async def test_a_camera_that_is_covered_is_told_of_until_it_is_bright() -> None:
    shown = (("gray", 1), ("black", 3), ("gray", 60))
    parts = [f"color={colour}:size=64x48:rate=30:duration={seconds}" for colour, seconds in shown]
    graph = f"{parts[0]}[a];{parts[1]}[b];{parts[2]}[c];[a][b][c]concat=n=3,noise=alls=8:allf=t"
    told = await alerts_of(graph, 2)
    assert [(alert.rule, alert.subject, alert.over) for alert in told] == [
        ("camera_dark", "cam", False),
        ("camera_dark", "cam", True),
    ]


@pytest.mark.usefixtures("quick")
async def test_a_camera_that_works_is_not_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = asyncio.Event()
    taken: list[Any] = []
    take = alerts_module.Alerts.take

    def count(self: alerts_module.Alerts, happening: Any) -> None:
        take(self, happening)
        taken.append(happening)
        if len(taken) == 25:
            seen.set()

    monkeypatch.setattr(alerts_module.Alerts, "take", count)
    async with Relay(port=0, alerts=SETTINGS) as relay, asyncio.timeout(TIMEOUT):
        await relay.add_camera("cam", camera="pattern", size="320x180", microphone="none")
        await seen.wait()
        assert relay.alerts() == []
