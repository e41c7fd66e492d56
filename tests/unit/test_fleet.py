"""The cameras of a fleet: what they show, and who is thrown out."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import av
import pytest

from relaycore import Config, Faults, Relay
from relaycore.events import SessionEnded
from relaycore.fleet import Fleet, scenes


def watch(url: str) -> None:
    """Plays until it ends, by whoever ends it."""
    try:
        with av.open(url, options={"rtsp_transport": "tcp"}, timeout=20) as container:
            for _ in container.demux():
                pass
    except av.FFmpegError:
        return


def config(tmp_path: Path) -> Config:
    return scenes(Config(port=0, state_folder=str(tmp_path)), ["pattern", "pattern"], "160x90", 10)


async def test_the_scenes_are_shown_by_turns_and_things_go_wrong_with_the_first(tmp_path: Path) -> None:
    relay = Relay(config(tmp_path))
    fleet = Fleet(relay, 3, faults=Faults(loss=0.5), faulty=1)
    async with relay:
        fleet.begin()
        assert relay.mirrors() == {"cam1": "scene1", "cam2": "scene2", "cam3": "scene1"}
        assert [relay.faults(path).loss for path in fleet.paths] == [0.5, 0.0, 0.0]
        assert relay.devices.cameras == ("cam1", "cam2", "cam3")


async def test_somebody_who_watches_a_faulty_camera_is_thrown_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    relay = Relay(config(tmp_path))
    fleet = Fleet(relay, 2, faults=Faults(), faulty=1, disconnect=0.05)
    async with relay:
        fleet.begin()
        events = relay.events()
        running = asyncio.create_task(fleet.run())
        viewer = asyncio.create_task(asyncio.to_thread(watch, relay.urls("cam1")[0]))
        async with asyncio.timeout(20):
            async for event in events:
                if isinstance(event, SessionEnded):
                    break
            await viewer
        assert event.path == "cam1"
        assert "cam1: one of those who watch was thrown out" in caplog.messages
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_camera_of_a_file_tells_the_size_and_the_rate_of_what_it_shows(tmp_path: Path) -> None:
    file = tmp_path / "yard.mp4"
    with av.open(str(file), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height = 320, 180
        for _ in range(10):
            container.mux(stream.encode(av.VideoFrame(320, 180, "yuv420p")))
        container.mux(stream.encode(None))
    relay = Relay(scenes(Config(port=0, state_folder=str(tmp_path)), [str(file)], None, None))
    fleet = Fleet(relay, 1, faults=Faults(), faulty=0)
    async with relay:
        fleet.begin()
        told = relay.encoder("cam1")
        assert (told.encoding, told.width, told.height, told.fps) == ("h264", 320, 180, 10.0)
        assert told == relay.encoder("scene1")
