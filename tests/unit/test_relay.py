"""The relay as a program uses it: publishing, reading, events, and what is refused."""

import asyncio
import gc
import socket
from collections.abc import AsyncIterator
from fractions import Fraction

import av
import numpy as np
import pytest

from relaycore import AccessUnit, Config, Relay, Track, User, now_ns
from relaycore.errors import (
    ConfigurationError,
    EncoderError,
    ListenError,
    NoSuchDevice,
    PathError,
    RelayClosed,
)
from relaycore.events import StreamAdded, StreamRemoved

TICKS = 3000
"""Of the 90 kHz clock, for one picture at 30 a second."""


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    async with Relay(port=0) as made:
        yield made


@pytest.fixture(scope="module")
def access_units() -> list[bytes]:
    """Ten pictures of H.264 in Annex B format, with a random access point every five."""
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = 64, 48, "yuv420p"
    encoder.time_base = Fraction(1, 90_000)
    encoder.gop_size = 5
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency"}
    units: list[bytes] = []
    for number in range(10):
        picture = np.full((48, 64, 3), number * 20, np.uint8)
        frame = av.VideoFrame.from_ndarray(picture, format="bgr24").reformat(format="yuv420p")
        frame.pts = number * TICKS
        units += [bytes(packet) for packet in encoder.encode(frame)]
    assert len(units) == 10
    return units


async def take(reader: AsyncIterator[AccessUnit], count: int) -> list[AccessUnit]:
    return [await anext(reader) for _ in range(count)]


async def test_access_units_come_out_as_they_went_in(relay: Relay, access_units: list[bytes]) -> None:
    zero = now_ns() * 9 // 100_000
    with relay.publish("own") as publisher:
        reader = relay.read("own")
        for number, data in enumerate(access_units):
            assert publisher.write(0, data, zero + number * TICKS) >= 1
        found = await take(reader, 10)
    assert [unit.pts - found[0].pts for unit in found] == [number * TICKS for number in range(10)]
    assert [unit.random_access for unit in found] == [number % 5 == 0 for number in range(10)]
    assert b"".join(nals(unit.data)[-1] for unit in found) == b"".join(
        nals(data)[-1] for data in access_units
    )
    with pytest.raises(StopAsyncIteration):
        await anext(reader)


def nals(data: bytes) -> list[bytes]:
    """The NAL units of Annex B data, whichever length of start code stands between them."""
    return [nal.rstrip(b"\0") for nal in data.split(b"\0\0\1") if nal.strip(b"\0")]


async def test_the_iteration_ends_with_the_stream(relay: Relay) -> None:
    publisher = relay.publish("own")
    reader = relay.read("own")
    waiting = asyncio.ensure_future(anext(reader, None))
    await asyncio.sleep(0)
    publisher.close()
    assert await waiting is None
    publisher.close()
    with pytest.raises(PathError, match="has ended"):
        publisher.write(0, b"\0\0\0\1\x65")


async def test_the_iteration_ends_with_the_reader(relay: Relay) -> None:
    async with relay.publish("own"):
        reader = relay.read("own")
        waiting = asyncio.ensure_future(anext(reader, None))
        await asyncio.sleep(0)
        await reader.aclose()
        assert await waiting is None


async def test_the_iteration_ends_with_the_relay() -> None:
    async with Relay(port=0) as relay:
        relay.publish("own")
        reader, events = relay.read("own"), relay.events()
        waiting = asyncio.ensure_future(anext(reader, None))
        await asyncio.sleep(0)
    assert await waiting is None
    assert [type(event) async for event in events] == []


async def test_a_publisher_ends_with_the_relay(access_units: list[bytes]) -> None:
    async with Relay(port=0) as relay:
        publisher = relay.publish("own")
    with pytest.raises(PathError, match="'own' has ended"):
        publisher.write(0, access_units[0])
    with pytest.raises(PathError, match="'own' has ended"):
        publisher.write_frame(np.zeros((48, 64, 3), np.uint8))
    publisher.close()


async def test_a_reader_is_closed_with_its_last_reference(relay: Relay) -> None:
    with relay.publish("own") as publisher:
        reader = relay.read("own")
        assert publisher.readers == 1
        del reader
        gc.collect()
        assert publisher.readers == 0


async def test_pictures_are_encoded_and_decoded_again(relay: Relay) -> None:
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:, :32] = (0, 0, 255)  # red on the left, in BGR
    picture[:, 32:] = (255, 0, 0)
    with relay.publish("own", fps=30, bitrate="1M") as publisher:
        async with relay.frames("own") as frames:
            assert await asyncio.to_thread(publisher.write_frame, picture) >= 1
            frame = await anext(frames)
    assert (frame.width, frame.height) == (64, 48)
    seen = frame.to_ndarray(format="bgr24").astype(int)
    assert np.abs(seen[8:40, 4:28] - (0, 0, 255)).mean() < 12
    assert np.abs(seen[8:40, 36:60] - (255, 0, 0)).mean() < 12


async def test_the_newest_picture_wins(relay: Relay, access_units: list[bytes]) -> None:
    with relay.publish("own") as publisher:
        async with relay.frames("own") as frames:
            for number, data in enumerate(access_units):
                publisher.write(0, data, captured_ns=now_ns() + number)
            seen = [await anext(frames)]
            publisher.close()
            seen += [frame async for frame in frames]
            assert len(seen) + frames.discarded == len(access_units)
    assert [frame.pts for frame in seen] == sorted(frame.pts for frame in seen if frame.pts is not None)
    luma = float(seen[-1].to_ndarray()[:48].mean())
    assert luma == pytest.approx(16 + 180 * 219 / 255, abs=4)


async def test_a_picture_of_another_size_is_refused(relay: Relay) -> None:
    with relay.publish("own") as publisher:
        publisher.write_frame(np.zeros((48, 64, 3), np.uint8))
        with pytest.raises(EncoderError, match="64x64 pixels and the stream 64x48"):
            publisher.write_frame(np.zeros((64, 64), np.uint8))


@pytest.mark.parametrize("shape", [(48, 64, 4), (48,), (1, 48, 64, 3)])
async def test_an_array_that_is_no_picture_is_refused(relay: Relay, shape: tuple[int, ...]) -> None:
    with relay.publish("own") as publisher, pytest.raises(EncoderError, match="is no picture"):
        publisher.write_frame(np.zeros(shape, np.uint8))


async def test_data_of_another_codec_is_refused(relay: Relay) -> None:
    with relay.publish("own") as publisher:
        with pytest.raises(ValueError, match=r"\S"):
            publisher.write(0, b"not H.264")
        with pytest.raises(IndexError, match="track 1 does not exist"):
            publisher.write(1, b"\0\0\0\1\x65")


async def test_a_stream_without_video_has_no_pictures(relay: Relay) -> None:
    with relay.publish("sound", [Track.aac(b"\x11\x88")]) as publisher:
        with pytest.raises(EncoderError, match="no video"):
            relay.frames("sound")
        with pytest.raises(EncoderError, match=r"publish Track\.h264"):
            publisher.write_frame(np.zeros((48, 64), np.uint8))


async def test_a_path_is_published_once(relay: Relay) -> None:
    with relay.publish("own"):
        with pytest.raises(PathError, match="'own' is taken"):
            relay.publish("/own/")
        with pytest.raises(PathError, match="'own' is taken"):
            await relay.add_camera("own", camera="pattern")
    relay.publish("own").close()


async def test_an_unknown_path_is_answered_with_the_known_ones(relay: Relay) -> None:
    with pytest.raises(PathError, match="there is none yet"):
        relay.read("cam")
    with relay.publish("b"), relay.publish("a"):
        for ask in (relay.read, relay.frames, relay.latency):
            with pytest.raises(PathError, match="no stream at 'cam': there are a, b"):
                ask("cam")
    with pytest.raises(PathError, match="no camera at 'cam'"):
        await relay.remove_camera("cam")


async def test_a_relay_works_only_while_it_is_open() -> None:
    relay = Relay(port=0)
    with pytest.raises(RelayClosed, match="async with"):
        relay.publish("own")
    async with relay:
        with pytest.raises(RelayClosed, match="open already"):
            await relay.__aenter__()
    for ask in (relay.sessions, relay.streams, lambda: relay.address, lambda: relay.read("cam")):
        with pytest.raises(RelayClosed):
            ask()
    await relay.aclose()


async def test_several_relays_live_in_one_process(access_units: list[bytes]) -> None:
    async with Relay(port=0) as one, Relay(port=0) as two:
        assert one.address != two.address
        with one.publish("own") as first, two.publish("own") as second:
            readers = one.read("own"), two.read("own")
            first.write(0, access_units[0])
            second.write(0, access_units[0])
            for reader in readers:
                assert (await anext(reader)).random_access


async def test_a_camera_is_served_and_closed(relay: Relay) -> None:
    events = relay.events()
    await relay.add_camera("cam", camera="pattern", size="320x240", fps=10)
    (status,) = relay.streams()
    assert status.path == "cam"
    assert status.camera is not None
    async with relay.frames("cam") as frames:
        frame = await anext(frames)
        assert (frame.width, frame.height) == (320, 240)
    with pytest.raises(PathError, match="taken"):
        relay.publish("cam")
    await relay.remove_camera("cam")
    assert relay.streams() == []
    assert isinstance(await anext(events), StreamAdded)


async def test_a_camera_that_is_not_there_leaves_nothing_behind(relay: Relay) -> None:
    with pytest.raises(NoSuchDevice):
        await relay.add_camera("cam", camera="no such camera anywhere")
    assert relay.streams() == []
    relay.publish("cam").close()


async def test_the_cameras_of_the_settings_are_opened() -> None:
    from relaycore.settings import CameraSettings

    small = CameraSettings(camera="pattern", size="320x240", fps=10)
    async with Relay(Config(port=0), cameras={"a": small, "house/b": small}) as relay:
        assert [status.path for status in relay.streams()] == ["a", "house/b"]
        assert relay.urls("house/b") == [f"rtsp://127.0.0.1:{relay.address[1]}/house/b"]


async def test_streams_are_events(relay: Relay) -> None:
    first, second = relay.events(), relay.events()
    relay.publish("own").close()
    for events in (first, second):
        assert isinstance(await anext(events), StreamAdded)
        assert isinstance(await anext(events), StreamRemoved)


async def test_a_slow_listener_misses_the_oldest_events(relay: Relay) -> None:
    events = relay.events()
    for number in range(600):
        relay.publish(f"path{number}").close()
    assert events.discarded == 1200 - 1024
    assert (await anext(events)).path == "path88"


async def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ListenError, match=f"Port {port} of 127.0.0.1 is in use: stop the program"):
            async with Relay(port=port):
                pass


async def test_an_address_that_is_not_ours_is_named() -> None:
    with pytest.raises(ListenError, match=r"192\.0\.2\.200 is not an address of this machine"):
        async with Relay(host="192.0.2.200", port=0, anonymous=True):
            pass


@pytest.mark.parametrize("overrides", [{"lan": True}, {"host": "0.0.0.0"}, {"host": "::"}])
async def test_the_network_is_not_let_in_without_users(overrides: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match="add a user, or set anonymous = true"):
        async with Relay(Config(port=0), **overrides):  # type: ignore[arg-type]  # the keys are checked above
            pass


async def test_a_limit_that_does_not_exist_is_named() -> None:
    with pytest.raises(ConfigurationError, match="limit"):
        async with Relay(port=0, limits={"no_such_limit": 1}):
            pass


def test_a_relay_keeps_no_password() -> None:
    relay = Relay(users=[User(name="anna", password="hunter2")])
    assert relay.config.users == []
    assert "hunter2" not in str(vars(relay)) + str(vars(relay.users))


def test_a_loop_that_cannot_watch_sockets_is_served_by_a_thread(access_units: list[bytes]) -> None:
    class Loop(asyncio.SelectorEventLoop):
        """As the default loop of Windows."""

        def add_reader(self, *_: object) -> None:
            raise NotImplementedError

    async def program() -> None:
        async with Relay(port=0) as relay:
            with relay.publish("own") as publisher:
                reader = relay.read("own")
                for data in access_units:
                    publisher.write(0, data)
                    assert (await anext(reader)).track == 0

    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(program())
