"""What is found in pictures: motion by cells, another scene, darkness."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from relaycore import Relay
from relaycore._relaycore import FramePool
from relaycore.events import (
    DarknessChanged,
    Event,
    MotionChanged,
    SceneChanged,
)
from relaycore.onvif.analysis.motion import threshold
from relaycore.onvif.analysis.plane import HEIGHT, WIDTH, Plane, Sampler
from relaycore.onvif.analysis.watch import EVERY_NS, PictureWatch
from relaycore.settings import CameraSettings, Config, MotionSettings
from tests.support.events import of_kind

TIMEOUT = 30.0
PER_SECOND = 1_000_000_000 // EVERY_NS


class Seen:
    """A watch with a clock of its own, which is shown one picture after the other."""

    def __init__(self, settings: MotionSettings | None = None, seed: int = 1) -> None:
        self.events: list[Event] = []
        self.watch = PictureWatch("cam", settings or MotionSettings(), self.events.append)
        self._random = np.random.default_rng(seed)
        self._now = 0

    def show(self, seconds: float, picture: Callable[[int], NDArray[np.float32]], noise: float = 2.0) -> None:
        """Pictures for so many seconds, with this deviation of noise."""
        for number in range(round(seconds * PER_SECOND)):
            self._now += EVERY_NS
            plane = picture(number) + self._random.normal(0, noise, (HEIGHT, WIDTH))
            self.watch.take(np.clip(plane, 0, 255).astype(np.float32), self._now)

    @property
    def told(self) -> list[str]:
        """The events in words."""
        return [_words(event) for event in self.events]


def _words(event: Event) -> str:
    match event:
        case MotionChanged(moving=moving):
            return "motion" if moving else "still"
        case SceneChanged(change=change):
            return change or "same scene"
        case DarknessChanged(dark=dark):
            return "dark" if dark else "bright"
    return type(event).__name__


def room(brightness: float = 1.0, shift: int = 0) -> Plane:
    """A scene with edges all over: rectangles of several greys."""
    random = np.random.default_rng(7)
    wide = np.full((HEIGHT, WIDTH + 40), 110, np.float32)
    for _ in range(60):
        top, left = random.integers(0, HEIGHT - 5), random.integers(0, WIDTH + 30)
        wide[top : top + random.integers(4, 14), left : left + random.integers(4, 14)] = random.uniform(
            40, 200
        )
    shown: Plane = np.clip(wide[:, shift : shift + WIDTH] * np.float32(brightness), 0, 255)
    return shown


def still(picture: Plane) -> Callable[[int], Plane]:
    return lambda _: picture


def with_square(number: int, *, top: int = 20, speed: float = 1.0, side: int = 5) -> Plane:
    """A bright square on its way across the room."""
    picture = room().copy()
    left = int(number * speed) % (WIDTH - side)
    picture[top : top + side, left : left + side] = 250
    return picture


def test_a_square_that_moves_is_motion_where_it_is() -> None:
    seen = Seen()
    seen.show(3, still(room()))
    assert seen.told == []
    seen.show(3, with_square)
    assert seen.told == ["motion"]
    (event,) = seen.events
    assert isinstance(event, MotionChanged)
    # Rows 20 to 24 of 45 are in the rows 4 of 9, and it has begun on the left.
    assert {cell // 16 for cell in event.cells} == {4}
    assert max(cell % 16 for cell in event.cells) <= 3
    seen.show(4, still(with_square(15)))
    assert seen.told == ["motion", "still"]


@pytest.mark.parametrize("speed", [0.25, 1, 4])
def test_slow_and_fast_are_both_motion(speed: float) -> None:
    seen = Seen()
    seen.show(2, still(room()))
    seen.show(4, lambda number: with_square(number, speed=speed))
    assert seen.told == ["motion"]


def test_motion_goes_on_through_pauses_that_are_shorter_than_the_hold() -> None:
    seen = Seen(MotionSettings(hold_seconds=3))
    seen.show(2, still(room()))
    for _ in range(3):
        seen.show(1, with_square)
        seen.show(2, still(with_square(PER_SECOND - 1)))
    assert seen.told == ["motion"]
    seen.show(2, still(with_square(PER_SECOND - 1)))
    assert seen.told == ["motion", "still"]


@pytest.mark.parametrize("noise", [0, 3, 10, 20])
def test_noise_is_nothing(noise: float) -> None:
    seen = Seen(MotionSettings(sensitivity=100))
    seen.show(300, still(room()), noise)
    assert seen.told == []


def test_one_picture_that_flashes_is_nothing() -> None:
    seen = Seen()
    seen.show(2, still(room()))
    seen.show(0.2, with_square)
    seen.show(2, still(room()))
    assert seen.told == []


def test_the_light_of_a_day_is_nothing() -> None:
    seen = Seen()
    seen.show(60, lambda number: room(1.0 - 0.6 * number / (60 * PER_SECOND)))
    seen.show(60, lambda number: room(0.4 + 0.8 * number / (60 * PER_SECOND)))
    assert seen.told == []


@pytest.mark.parametrize(("before", "after"), [(1.0, 0.4), (0.4, 1.0), (0.7, 1.3)])
def test_a_light_that_is_switched_is_nothing(before: float, after: float) -> None:
    seen = Seen()
    for brightness in (before, after, before):
        seen.show(8, still(room(brightness)))
    assert seen.told == []


def test_motion_is_seen_again_soon_after_a_light_is_switched() -> None:
    seen = Seen()
    seen.show(3, still(room(0.5)))
    seen.show(1, still(room()))
    seen.show(1, with_square)
    assert seen.told == ["motion"]


def test_a_camera_that_is_covered_is_told_of_until_it_is_not() -> None:
    seen = Seen()
    seen.show(10, still(room()))
    seen.show(60, still(np.full((HEIGHT, WIDTH), 90, np.float32)))
    assert seen.told == ["covered"]
    assert seen.watch.state is not None
    assert seen.watch.state.scene == "covered"
    seen.show(10, still(room()))
    assert seen.told == ["covered", "same scene"]


def test_a_camera_that_is_turned_is_told_of_until_what_it_shows_is_usual() -> None:
    seen = Seen()
    seen.show(10, still(room()))
    seen.show(10, still(room(shift=20)))
    assert [word for word in seen.told if word not in ("motion", "still")] == ["moved"]
    seen.show(25, still(room(shift=20)))
    assert seen.told[-1] == "same scene"
    seen.events.clear()
    seen.show(10, still(room()))
    assert "moved" in seen.told


def test_who_walks_past_the_camera_is_no_other_scene() -> None:
    def passing(number: int) -> Plane:
        picture = room().copy()
        left = number * 8 - 40
        picture[:, max(0, left) : max(0, left + 40)] = 30
        return picture

    seen = Seen()
    seen.show(10, still(room()))
    seen.show(3, passing)
    seen.show(10, still(room()))
    assert seen.told == ["motion", "still"]


def test_darkness_has_two_levels() -> None:
    seen = Seen(MotionSettings(dark_level=20))
    for brightness, seconds in ((60.0, 5), (18.0, 5), (25.0, 5), (18.0, 5), (35.0, 5)):
        seen.show(seconds, still(np.full((HEIGHT, WIDTH), brightness, np.float32)))
    assert seen.told == ["dark", "bright"]


def test_a_hand_on_the_camera_hides_the_scene_and_nightfall_does_not() -> None:
    covered = Seen()
    covered.show(10, still(room()))
    covered.show(10, still(np.full((HEIGHT, WIDTH), 4, np.float32)))
    assert sorted(covered.told) == ["covered", "dark"]
    night = Seen()
    night.show(10, still(room()))
    night.show(60, lambda number: room(max(0.02, 1.0 - number / (60 * PER_SECOND))))
    night.show(120, still(room(0.02)))
    assert night.told == ["dark"]


def test_pictures_that_end_end_what_was_in_them() -> None:
    seen = Seen()
    seen.show(2, still(room()))
    seen.show(1, with_square)
    seen.watch.end()
    assert seen.told == ["motion", "still"]
    assert seen.watch.state is None


def test_the_grid_is_as_the_settings_say() -> None:
    seen = Seen(MotionSettings(columns=4, rows=2))
    seen.show(2, still(room()))
    seen.show(1, with_square)
    assert seen.watch.state is not None
    assert (seen.watch.state.columns, seen.watch.state.rows) == (4, 2)
    # Of 20 x 22 points a square of 5 x 5 and where it was are too few, so that fewer cells see less.
    assert seen.told == []
    seen.show(1, lambda number: with_square(number, side=16, top=2))
    assert seen.told == ["motion"]


def test_cells_that_have_to_move_at_once_may_be_more() -> None:
    seen = Seen(MotionSettings(cells=12))
    seen.show(2, still(room()))
    seen.show(2, with_square)
    assert seen.told == []
    seen.show(2, lambda number: with_square(number, side=20, top=10))
    assert seen.told == ["motion"]


def test_sensitivity_is_what_has_to_change() -> None:
    assert [round(threshold(sensitivity)) for sensitivity in (1, 50, 100)] == [60, 16, 4]


def test_who_is_not_wanted_does_not_look_and_other_settings_begin_anew() -> None:
    events: list[Event] = []
    watch = PictureWatch("cam", None, events.append)
    buffer = FramePool(64, 48, 1).acquire()
    assert buffer is not None
    watch.look(buffer, True, 1)
    assert watch.state is None
    watch.wanted = 1
    watch.look(buffer, True, 2)
    assert watch.state is not None
    watch.set(MotionSettings(columns=3))
    watch.look(buffer, True, 2 + EVERY_NS)
    assert watch.state is not None
    assert watch.state.columns == 3
    watch.set(MotionSettings(enabled=False))
    watch.look(buffer, True, 2 + 2 * EVERY_NS)
    assert watch.state is None


def test_five_pictures_a_second_are_looked_at() -> None:
    taken: list[int] = []

    class Counting(PictureWatch):
        def take(self, plane: Plane, at_ns: int) -> None:
            taken.append(at_ns)

    watch = Counting("cam", MotionSettings(), lambda _: None)
    buffer = FramePool(64, 48, 1).acquire()
    assert buffer is not None
    for number in range(300):
        watch.look(buffer, True, number * 1_000_000_000 // 30)
    assert 48 <= len(taken) <= 51


@pytest.mark.parametrize("size", [(1920, 1080), (640, 480), (64, 48), (180, 320)])
def test_a_plane_has_the_means_of_the_whole_picture_in_either_range(size: tuple[int, int]) -> None:
    width, height = size
    buffer = FramePool(width, height, 1).acquire()
    assert buffer is not None
    ramp = np.tile(np.linspace(16, 235, width), (height, 1)).astype(np.uint8)
    np.frombuffer(memoryview(buffer), np.uint8)[: width * height] = ramp.ravel()
    plane = Sampler(width, height, full_range=True).plane(buffer)
    assert plane.shape == (min(HEIGHT, height), min(WIDTH, width))
    assert plane[0, 0] == pytest.approx(16, abs=4)
    assert plane[-1, -1] == pytest.approx(235, abs=4)
    assert plane.mean() == pytest.approx(125.5, abs=2)
    limited = Sampler(width, height, full_range=False).plane(buffer)
    assert limited[0, 0] == pytest.approx(0, abs=5)
    assert limited[-1, -1] == pytest.approx(255, abs=5)


BOX = "color=gray:size=320x180:rate=25,noise=alls=6:allf=t"
MOVING = f"{BOX}[a];color=white:size=40x40:rate=25[b];[a][b]overlay=x='mod(t*60,280)':y=60"


def camera(motion: MotionSettings | None) -> CameraSettings:
    """A camera before which a white square moves."""
    return CameraSettings(camera=f"lavfi:{MOVING}", encoder="libx264", microphone="none", motion=motion)


async def test_a_camera_with_the_table_tells_of_motion() -> None:
    relay = Relay(port=0)
    events = relay.events()
    async with relay, asyncio.timeout(TIMEOUT):
        await relay.add_camera("cam", camera(MotionSettings()))
        told = await of_kind(events, MotionChanged)
        assert (told.path, told.moving) == ("cam", True)
        state = relay.picture_state("cam")
        assert state is not None
        assert state.moving
        await relay.stop_source("cam")
        assert not (await of_kind(events, MotionChanged)).moving
        assert relay.picture_state("cam") is None


async def test_a_camera_without_it_is_looked_at_while_somebody_wants_to_know() -> None:
    relay = Relay(port=0)
    events = relay.events()
    async with relay, asyncio.timeout(TIMEOUT):
        await relay.add_camera("first", camera(None))
        with relay.watching():
            # Those that come later are among them.
            await relay.add_camera("second", camera(None))
            found = {(await of_kind(events, MotionChanged)).path for _ in range(2)}
            assert found == {"first", "second"}
        ended = [await of_kind(events, MotionChanged) for _ in range(2)]
        assert [event.moving for event in ended] == [False, False]
        assert relay.picture_state("first") is None
        with relay.watching("second"):
            assert (await of_kind(events, MotionChanged)).path == "second"


async def test_the_table_changes_while_it_runs() -> None:
    never = Config(port=0, cameras={"cam": camera(MotionSettings(enabled=False))})
    always = Config(port=0, cameras={"cam": camera(MotionSettings())})
    relay = Relay(never)
    events = relay.events()
    async with relay, asyncio.timeout(TIMEOUT):
        with relay.watching():
            done = await relay.reload(always)
        assert [str(change) for change in done.changes] == ["cameras.cam.motion changed"]
        assert (await of_kind(events, MotionChanged)).moving
        await relay.reload(never)
        assert not (await of_kind(events, MotionChanged)).moving


async def test_the_pattern_shows_no_other_scene_and_is_not_dark() -> None:
    relay = Relay(port=0)
    events = relay.events()
    async with relay, asyncio.timeout(TIMEOUT):
        await relay.add_camera("cam", camera="pattern", size="320x180", motion=MotionSettings())
        async for event in events:
            assert not isinstance(event, SceneChanged | DarknessChanged)
            if isinstance(event, MotionChanged):
                break
