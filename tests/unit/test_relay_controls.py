"""The controls of cameras as programs set them: kept, and set again when a camera comes back."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from relaycore import Relay, kept_file
from relaycore.camera_controls import CONTROL_FILE
from relaycore.capture import controls
from relaycore.capture.v4l2_controls import Controls
from relaycore.errors import PathError, StateError
from relaycore.events import CameraBack, CameraNotice
from tests.support.controls import BRIGHTNESS, Bench


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench.installed(monkeypatch)


@pytest.fixture
async def relay(bench: Bench, tmp_path: Path) -> AsyncIterator[Relay]:
    async with Relay(port=0, state_folder=str(tmp_path)) as relay:
        await relay.add_camera("yard", camera="made up")
        yield relay


async def test_what_was_set_is_set_again_when_the_camera_comes_back(bench: Bench, relay: Relay) -> None:
    await relay.set_camera_controls("yard", {"brightness": 200}, keep=False)
    events = relay.events()
    bench.driver.knobs[BRIGHTNESS].value = 128
    bench.opened[0].pulled = True
    async for event in events:
        if isinstance(event, CameraBack):
            break
    assert bench.driver.knobs[BRIGHTNESS].value == 200


@pytest.mark.parametrize(
    "data", [b"", b"{", b'{"yard": {}}', b'{"yard": {"camera": "Cam", "values": {"gain": "x"}}}', b"\xff"]
)
async def test_a_file_that_makes_no_sense_is_put_aside(bench: Bench, tmp_path: Path, data: bytes) -> None:
    (tmp_path / CONTROL_FILE).write_bytes(data)
    async with Relay(port=0, state_folder=str(tmp_path)) as relay:
        await relay.add_camera("yard", camera="made up")
        await relay.set_camera_controls("yard", {"brightness": 7})
    assert (tmp_path / f"{CONTROL_FILE}.broken").read_bytes() == data
    assert b"brightness" in (tmp_path / CONTROL_FILE).read_bytes()


async def test_what_a_camera_does_not_take_any_more_is_told_and_it_runs(bench: Bench, tmp_path: Path) -> None:
    values = '{"brightness": 300, "contrast": 5, "magic": 1}'
    (tmp_path / CONTROL_FILE).write_text(f'{{"yard": {{"camera": "Cam", "values": {values}}}}}')
    async with Relay(port=0, state_folder=str(tmp_path)) as relay:
        events = relay.events()
        await relay.add_camera("yard", camera="made up")
        async for event in events:
            if isinstance(event, CameraNotice):
                assert event.message == "Cam does not take what was set of it before: brightness."
                break
        assert (await relay.camera_controls("yard"))["contrast"].value == 5


async def test_what_cannot_be_kept_is_set_and_told(bench: Bench, relay: Relay, tmp_path: Path) -> None:
    (tmp_path / CONTROL_FILE).with_suffix(".new").mkdir()
    with pytest.raises(StateError, match="What was set of Cam cannot be kept"):
        await relay.set_camera_controls("yard", {"brightness": 7})
    assert bench.driver.knobs[BRIGHTNESS].value == 7


async def test_of_too_many_cameras_those_that_are_gone_are_forgotten_first(
    bench: Bench, relay: Relay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_file, "MOST_NAMES", 2)
    await relay.set_camera_controls("yard", {"brightness": 7})
    for path in ("hall", "shed"):
        await relay.add_camera(path, camera="made up")
        await relay.set_camera_controls(path, {"brightness": 8})
        await relay.remove_camera(path)
    assert list(json.loads((tmp_path / CONTROL_FILE).read_bytes())) == ["yard", "shed"]


async def test_a_camera_is_asked_by_one_at_a_time(
    bench: Bench, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = threading.Barrier(2, timeout=0.1)
    met: list[bool] = []

    @contextmanager
    def opened(device: str) -> Iterator[Controls]:
        try:
            together.wait()
            met.append(True)
        except threading.BrokenBarrierError:
            together.reset()
        with bench.driver.opened(device) as found:
            yield found

    monkeypatch.setitem(controls.DRIVERS, "v4l2", opened)
    await asyncio.gather(
        relay.camera_controls("yard"),
        relay.set_camera_controls("yard", {"brightness": 7}),
        relay.camera_controls("yard"),
    )
    assert met == []
    assert bench.driver.knobs[BRIGHTNESS].value == 7


async def test_a_camera_that_is_not_there_has_no_controls(relay: Relay) -> None:
    with pytest.raises(PathError):
        await relay.camera_controls("garage")
    with pytest.raises(PathError):
        await relay.set_camera_controls("garage", {"brightness": 7})
