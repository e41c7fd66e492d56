"""What a relay makes of what its cameras tell, with a pipeline that does as the test says."""

import logging
import threading
from collections.abc import Callable, Sequence

import pytest

from relaycore import Relay, Track, cameras
from relaycore._relaycore import Stream
from relaycore.control.watch import log_events, status_text
from relaycore.errors import ConfigurationError, DeviceBusy, PathError
from relaycore.events import (
    CameraBack,
    CameraFailed,
    CameraLost,
    CameraNotice,
    CameraReady,
    Event,
    StreamAdded,
    StreamRemoved,
)
from relaycore.pipeline.camera import Description, PipelineEvent, PipelineStats
from relaycore.settings import CameraSettings, Config, MaskSettings, PathSettings

STORY = (
    PipelineEvent("ready", "made up camera"),
    PipelineEvent("notice", "the encoder is slow"),
    PipelineEvent("lost", "unplugged"),
    PipelineEvent("back", ""),
    PipelineEvent("failed", "the encoder broke"),
)


class Pipeline:
    """Tells a story from a thread of its own, and fails where the camera is called ``busy``."""

    made: list["Pipeline"] = []  # noqa: RUF012 (cleared by the fixture)

    def __init__(
        self,
        settings: CameraSettings,
        stream_factory: Callable[[Sequence[Track], bool], Stream],
        on_event: Callable[[PipelineEvent], None],
        on_picture: Callable[[bytes, float], None],
        watch: object,
        prepare: object,
    ) -> None:
        self.settings, self.make_stream, self.on_event = settings, stream_factory, on_event
        self.description: Description | None = None
        self.stopped = False
        self.made.append(self)

    def start(self) -> None:
        self.make_stream([Track.h264()], True)
        if self.settings.camera == "busy":
            raise DeviceBusy("The camera 'busy' is used by another program: close it.")
        self.description = Description("made up", "none", "raw", 64, 48, "libx264", "", 100_000, None)
        telling = threading.Thread(target=lambda: [self.on_event(event) for event in STORY])
        telling.start()
        telling.join()

    def set_masks(self, masks: Sequence[MaskSettings]) -> bool:
        """As where the camera's own H.264 is sent on."""
        return False

    decodes = False

    def end_sub(self) -> bool:
        """As where there is no second rendition."""
        return False

    def stop(self, timeout: float) -> None:
        self.stopped = True

    def stats(self) -> PipelineStats:
        return PipelineStats("running", 29.97, 2_140_000, 100, 2, 3, 95, 4)


@pytest.fixture(autouse=True)
def made(monkeypatch: pytest.MonkeyPatch) -> list[Pipeline]:
    monkeypatch.setattr(cameras, "CameraPipeline", Pipeline)
    monkeypatch.setattr(Pipeline, "made", [])
    return Pipeline.made


async def told(relay: Relay) -> list[Event]:
    """The events of a camera's life."""
    events = relay.events()
    async with relay:
        await relay.add_camera("cam")
        await relay.remove_camera("cam")
    return [event async for event in events]


async def test_what_a_camera_tells_becomes_events() -> None:
    events = await told(Relay(port=0))
    assert [type(event) for event in events] == [
        StreamAdded,
        CameraReady,
        CameraNotice,
        CameraLost,
        CameraBack,
        CameraFailed,
        StreamRemoved,
    ]
    assert {event.path for event in events} == {"cam"}
    assert [event.at_ns for event in events] == sorted(event.at_ns for event in events)


async def test_what_a_camera_tells_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "relaycore")
    relay = Relay(port=0)
    events = relay.events()
    async with relay:
        await relay.add_camera("cam")
    await log_events(events)
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("INFO", "camera ready: made up camera"),
        ("WARNING", "the encoder is slow"),
        ("WARNING", "camera lost: unplugged"),
        ("INFO", "camera is back"),
        ("ERROR", "camera failed: the encoder broke"),
    ]


async def test_what_was_said_at_the_start_is_not_logged_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "relaycore")
    relay = Relay(port=0)
    events = relay.events()
    async with relay:
        await relay.add_camera("cam")
    await log_events(events, {"made up camera", "the encoder is slow"})
    assert [record.getMessage() for record in caplog.records] == [
        "camera lost: unplugged",
        "camera is back",
        "camera failed: the encoder broke",
    ]


async def test_a_camera_that_fails_to_start_leaves_its_path_free(made: list[Pipeline]) -> None:
    async with Relay(port=0) as relay:
        with pytest.raises(DeviceBusy):
            await relay.add_camera("cam", camera="busy")
        assert made[0].stopped
        assert relay.streams() == []
        await relay.add_camera("cam")


async def test_one_camera_that_fails_closes_the_others(made: list[Pipeline]) -> None:
    wishes = {"good": CameraSettings(), "bad": CameraSettings(camera="busy")}
    with pytest.raises(DeviceBusy):
        async with Relay(port=0, cameras=wishes):
            pass
    assert len(made) == 2
    assert all(pipeline.stopped for pipeline in made)


async def test_the_wishes_reach_the_pipeline(made: list[Pipeline]) -> None:
    async with Relay(port=0) as relay:
        await relay.add_camera("cam", CameraSettings(size="1x1", fps=5), fps=10, bitrate="1M")
    assert made[0].settings == CameraSettings(size="1x1", fps=10, bitrate="1M")
    assert made[0].stopped


async def test_the_status_line_has_readers_rates_and_drops() -> None:
    async with Relay(port=0) as relay:
        await relay.add_camera("cam")
        assert status_text(relay.streams()) == "0 readers · cam 30.0 fps, 2.1 Mbit/s · 5 dropped"
        with relay.publish("own"):
            reader = relay.read("own")
            assert (
                status_text(relay.streams()) == "1 reader · cam 30.0 fps, 2.1 Mbit/s · own h264 · 5 dropped"
            )
            await reader.aclose()


async def test_what_cannot_take_masks_while_it_runs_is_opened_anew_with_them(made: list[Pipeline]) -> None:
    mask = MaskSettings(rectangle=[0, 0, 1, 1])
    async with Relay(port=0, cameras={"cam": CameraSettings()}) as relay:
        await relay.reload(Config(port=0, cameras={"cam": CameraSettings(masks=[mask])}))
        assert [pipeline.stopped for pipeline in made] == [True, False]
        assert made[1].settings.masks == [mask]
        assert relay.config.cameras["cam"].masks == [mask]


async def test_a_stopped_camera_starts_only_when_it_is_told_to(made: list[Pipeline]) -> None:
    async with Relay(port=0, cameras={"cam": CameraSettings()}) as relay:
        await relay.stop_source("cam")
        assert relay.stopped == frozenset({"cam"})
        assert relay.streams() == []
        await relay.reload(Config(port=0, cameras={"cam": CameraSettings(fps=5)}))
        await relay.set_path("other", PathSettings())
        assert [pipeline.stopped for pipeline in made] == [True]
        with pytest.raises(PathError, match="is taken"):
            relay.publish("cam")
        await relay.start_source("cam")
        assert relay.stopped == frozenset()
        assert [stream.path for stream in relay.streams()] == ["cam"]
        assert made[1].settings.fps == 5
        await relay.start_source("cam")
        assert len(made) == 2


async def test_a_stopped_camera_that_does_not_open_stays_stopped(made: list[Pipeline]) -> None:
    async with Relay(port=0, cameras={"cam": CameraSettings()}) as relay:
        await relay.stop_source("cam")
        await relay.reload(Config(port=0, cameras={"cam": CameraSettings(camera="busy")}))
        with pytest.raises(DeviceBusy):
            await relay.start_source("cam")
        assert relay.stopped == frozenset({"cam"})
        assert relay.streams() == []
        await relay.remove_camera("cam")
        assert relay.stopped == frozenset()


async def test_what_no_camera_and_no_source_feeds_cannot_be_stopped() -> None:
    async with Relay(port=0) as relay:
        with relay.publish("own"):
            for path in ("own", "none"):
                with pytest.raises(PathError, match="has no source"):
                    await relay.stop_source(path)
                with pytest.raises(PathError, match="has no source"):
                    await relay.start_source(path)


async def test_masks_are_not_for_what_a_program_publishes() -> None:
    async with Relay(port=0) as relay:
        with pytest.raises(ConfigurationError, match="draw on those that you publish"):
            relay.publish("own", masks=[MaskSettings(rectangle=[0, 0, 1, 1])])
        assert relay.streams() == []
