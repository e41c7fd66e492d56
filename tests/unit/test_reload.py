"""Reloading: sessions that have nothing to do with what changed go on, on the same sockets."""

import base64
import contextlib
from collections.abc import AsyncIterator

import msgspec
import pytest

from relaycore import CameraSettings, Config, MaskSettings, PathSettings, Relay, Track, User
from relaycore.capture.strip import read_strip
from relaycore.errors import ConfigurationError
from relaycore.events import CameraFailed, SessionEnded, StreamAdded, StreamRemoved
from relaycore.pipeline.masking import Masking
from relaycore.reload.plan import Reload
from tests.support.events import of_kind
from tests.support.rtsp import Client, Gaps

PATTERN = CameraSettings(camera="pattern", size="320x240", fps=30, encoder="libx264", microphone="none")
TWO = Config(port=0, cameras={"front": PATTERN, "back": PATTERN})
ANNA = User(name="anna", password="open sesame")
PARAMETERS = bytes.fromhex("0000000167420015da087e2e02200000000168ce3c80")


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    async with Relay(TWO) as relay:
        yield relay


async def playing(relay: Relay, path: str) -> Client:
    client = await Client.connect(relay.urls(path)[0])
    await client.start(udp=False)
    await client.packet()
    return client


async def end_of(client: Client) -> None:
    """Reads what comes until the server closes the connection."""
    with contextlib.suppress(EOFError):
        while True:
            await client.packet()


def reasons(done: Reload) -> list[tuple[str, str]]:
    return sorted((ending.session.path, ending.reason) for ending in done.sessions)


async def test_a_session_whose_path_did_not_change_plays_through(relay: Relay) -> None:
    front, back = await playing(relay, "front"), await playing(relay, "back")
    events = relay.events()
    gaps = Gaps()
    changed = CameraSettings(camera="pattern", size="160x120", fps=30, encoder="libx264", microphone="none")
    done = await relay.reload(Config(port=0, cameras={"front": PATTERN, "back": changed, "new": PATTERN}))
    assert reasons(done) == [("back", "cameras.back.size changed.")]
    ended = await of_kind(events, SessionEnded)
    assert ended.path == "back"
    await end_of(back)
    # More than a second of pictures: what was on its way when the settings changed is long past.
    for _ in range(60):
        gaps.add(await front.packet())
    assert gaps.jumps == []
    assert [session.path for session in relay.sessions()] == ["front"]
    assert sorted(status.path for status in relay.streams()) == ["back", "front", "new"]
    async with await playing(relay, "back") as again:
        assert (await again.packet()).payload
    for client in (front, back):
        await client.close()


async def test_a_dry_run_tells_the_same_and_changes_nothing(relay: Relay) -> None:
    async with await playing(relay, "front") as client:
        wanted = Config(port=0, cameras={"back": PATTERN}, users=[ANNA])
        would = await relay.reload(wanted, dry_run=True)
        assert reasons(would) == [("front", "cameras.front removed.")]
        await client.packet()
        assert (len(relay.users), set(relay.config.cameras)) == (0, {"front", "back"})
        done = await relay.reload(wanted)
        assert (reasons(done), done.changes) == (reasons(would), would.changes)
        assert set(relay.config.cameras) == {"back"}


async def test_reloading_the_same_changes_nothing(relay: Relay) -> None:
    async with await playing(relay, "front") as client:
        events = relay.events()
        done = await relay.reload(TWO)
        assert not done.changes
        assert done.sessions == ()
        await client.packet()
        await relay.remove_camera("back")
        assert isinstance(await anext(events), StreamRemoved)


async def test_cameras_come_and_go(relay: Relay) -> None:
    events = relay.events()
    await relay.reload(Config(cameras={"front": PATTERN, "/side/door/": PATTERN}))
    assert (await of_kind(events, StreamRemoved)).path == "back"
    assert (await of_kind(events, StreamAdded)).path == "side/door"
    assert sorted(relay.config.cameras) == ["front", "side/door"]


async def test_masks_change_and_sessions_play_on(relay: Relay) -> None:
    masked = msgspec.structs.replace(PATTERN, masks=[MaskSettings(rectangle=[0, 0, 1, 0.2])])
    gaps = Gaps()
    async with await playing(relay, "front") as client, relay.frames("front") as frames:
        assert read_strip((await anext(frames)).to_ndarray()[:240]) is not None
        done = await relay.reload(Config(port=0, cameras={"front": masked, "back": PATTERN}))
        assert [str(change) for change in done.changes] == ["cameras.front.masks changed"]
        assert done.sessions == ()
        async for frame in frames:
            if read_strip(frame.to_ndarray()[:240]) is None:
                break
        # Whoever comes now sees none of what was there before.
        async with relay.frames("front") as late:
            for _ in range(5):
                picture = (await anext(late)).to_ndarray()
                assert picture[:40].max() <= 20
                assert picture[60:240].std() > 20
        for _ in range(30):
            gaps.add(await client.packet())
    assert gaps.jumps == []
    assert relay.config.cameras["front"] == masked


async def test_a_camera_whose_masks_cannot_be_changed_is_closed(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object) -> None:
        raise MemoryError

    events = relay.events()
    masked = msgspec.structs.replace(PATTERN, masks=[MaskSettings(rectangle=[0, 0, 1, 0.2])])
    monkeypatch.setattr(Masking, "replace", breaks)
    await relay.reload(Config(port=0, cameras={"front": masked, "back": PATTERN}))
    assert (await of_kind(events, StreamRemoved)).path == "front"
    async with relay.frames("front") as frames:
        assert read_strip((await anext(frames)).to_ndarray()[:240]) is None


async def test_a_camera_that_does_not_open_is_told_and_tried_again(relay: Relay) -> None:
    events = relay.events()
    wrong = {"front": PATTERN, "back": CameraSettings(camera="lavfi:no_such_filter")}
    async with await playing(relay, "front") as client:
        for _ in range(2):
            await relay.reload(Config(cameras=wrong))
            failed = await of_kind(events, CameraFailed)
            assert failed.path == "back"
            assert "no_such_filter" in failed.reason
        await client.packet()
    await relay.reload(TWO)
    assert sorted(status.path for status in relay.streams()) == ["back", "front"]


async def test_settings_that_need_a_restart_stay(relay: Relay) -> None:
    address = relay.address
    done = await relay.reload(Config(port=9, shards=7, cameras=TWO.cameras))
    assert [str(change) for change in done.changes] == ["port changed", "shards changed"]
    assert relay.address == address
    assert (relay.config.port, relay.config.shards) == (0, 0)


async def test_users_that_lose_their_right_are_ended(relay: Relay) -> None:
    bo = User(name="bo", password="x")
    await relay.reload(Config(cameras=TWO.cameras, users=[ANNA, bo], basic=True))
    clients = {}
    for user in (ANNA, bo):
        url = relay.urls("front")[0]
        clients[user.name] = client = await Client.connect(url)
        pair = base64.b64encode(f"{user.name}:{user.password}".encode()).decode()
        client.headers["Authorization"] = f"Basic {pair}"
        await client.start(udp=True)
    paths = {"front": PathSettings(read=["anna"])}
    done = await relay.reload(Config(cameras=TWO.cameras, users=[ANNA, bo], basic=True, paths=paths))
    assert reasons(done) == [("front", "This user may not.")]
    # The connection of a session over UDP lives; what it was allowed before does not hold any more.
    answer = await clients["bo"].request("DESCRIBE", headers={"Accept": "application/sdp"})
    assert answer.status == 403
    assert (await clients["anna"].request("GET_PARAMETER")).status == 200
    assert [session.user for session in relay.sessions()] == ["anna"]
    done = await relay.reload(Config(cameras=TWO.cameras, users=[bo], basic=True))
    assert reasons(done) == [("front", "users.anna removed.")]
    for client in clients.values():
        await client.close()


async def test_anonymous_sessions_end_when_users_are_asked_for(relay: Relay) -> None:
    async with await playing(relay, "front") as client:
        done = await relay.reload(Config(cameras=TWO.cameras, users=[ANNA]))
        assert reasons(done) == [("front", "This takes a user.")]
        await end_of(client)


async def test_the_network_is_not_opened_by_a_reload() -> None:
    async with Relay(Config(port=0, host="0.0.0.0", users=[ANNA])) as relay:
        with relay.publish("own", [Track.h264(PARAMETERS)]):
            with pytest.raises(ConfigurationError, match="add a user, or set anonymous"):
                await relay.reload(Config(port=0, host="0.0.0.0"))
            assert "anna" in relay.users
