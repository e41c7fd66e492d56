"""What goes wrong on purpose with a mirror, as a client of ONVIF meets it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest

from relaycore import Faults, Relay, User
from relaycore.http_digest import HttpDigest
from tests.support.onvif import Answer, Client, client_of, security

NVR = User(name="nvr", password="a long secret", role="operator")
HOUR = 3600.0
NEAR = timedelta(minutes=2)
CLOCK, WHO = "<tds:GetSystemDateAndTime/>", "<tds:GetDeviceInformation/>"


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    async with Relay(port=0, users=[NVR]) as made:
        await made.add_camera("scene", camera="pattern", size="320x180", microphone="none")
        made.mirror("one", "scene")
        made.mirror("two", "scene")
        yield made


@pytest.fixture
async def client(relay: Relay) -> AsyncIterator[Client]:
    async with client_of(relay) as client:
        yield client


async def ask(client: Client, path: str, *, at: datetime | None = None, nonce: bytes = b"") -> Answer:
    """Asks a device who it is, with a token of this moment."""
    created = "" if at is None else at.isoformat().replace("+00:00", "Z")
    token = security(NVR.name, NVR.password, created=created, nonce=nonce)
    return await client.call(WHO, f"/onvif/{path}/device_service", header=token)


def moment(answer: Answer, name: str = "UTCDateTime") -> datetime:
    date, time = (f".//tt:{name}/tt:{part}/tt:" for part in ("Date", "Time"))
    names = [f"{date}Year", f"{date}Month", f"{date}Day", f"{time}Hour", f"{time}Minute", f"{time}Second"]
    year, month, day, hour, minute, second = (int(answer.text(found) or "") for found in names)
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC)


@pytest.mark.parametrize("offset", [HOUR, -HOUR, 3.2e9, -3.2e9])
async def test_a_wrong_clock_is_told_by_its_device_alone(relay: Relay, client: Client, offset: float) -> None:
    relay.set_faults("one", Faults(clock_offset=offset))
    wrong, right = [await client.call(CLOCK, f"/onvif/{path}/device_service") for path in ("one", "two")]
    now = datetime.now(UTC)
    ahead = timedelta(seconds=offset)
    assert abs(moment(wrong) - ahead - now) < NEAR
    assert abs(parsedate_to_datetime(wrong.headers["Date"]) - ahead - now) < NEAR
    assert abs(moment(right) - now) < NEAR
    assert abs(parsedate_to_datetime(right.headers["Date"]) - now) < NEAR
    local = [moment(answer, "LocalDateTime") - moment(answer) for answer in (wrong, right)]
    assert abs(local[0] - local[1]) <= timedelta(seconds=1)


async def test_a_camera_with_a_wrong_clock_takes_tokens_by_its_own_time(relay: Relay, client: Client) -> None:
    relay.set_faults("one", Faults(clock_offset=HOUR))
    now = datetime.now(UTC)
    refused = await ask(client, "one", at=now)
    assert (refused.status, refused.subcodes) == (400, ["ter:NotAuthorized"])
    theirs = now + timedelta(seconds=HOUR)
    assert (await ask(client, "one", at=theirs)).status == 200
    assert (await ask(client, "two", at=now)).status == 200
    assert (await ask(client, "two", at=theirs)).status == 400
    relay.set_faults("one", Faults())
    assert (await ask(client, "one", at=now)).status == 200


async def test_a_token_comes_in_once_whatever_the_clock(relay: Relay, client: Client) -> None:
    relay.set_faults("one", Faults(clock_offset=100.0))
    now, nonce = datetime.now(UTC), b"0123456789abcdef"
    assert (await ask(client, "one", at=now, nonce=nonce)).status == 200
    assert (await ask(client, "one", at=now, nonce=nonce)).status == 400
    assert (await ask(client, "two", at=now, nonce=nonce)).status == 400


async def test_a_camera_that_refuses_logins_refuses_each_kind_of_them(relay: Relay, client: Client) -> None:
    relay.set_faults("one", Faults(refused=True))
    token = await ask(client, "one")
    assert (token.status, token.subcodes) == (400, ["ter:NotAuthorized"])
    digest = [HttpDigest(NVR.name, NVR.password)]
    for middlewares in ([], digest):
        answer = await client.call(WHO, "/onvif/one/device_service", middlewares)
        assert (answer.status, answer.subcodes) == (401, ["ter:NotAuthorized"])
        assert answer.headers["WWW-Authenticate"].startswith("Digest")
    assert (await client.call(CLOCK, "/onvif/one/device_service")).status == 200
    assert (await client.call(WHO, "/onvif/two/device_service", digest)).status == 200
    for page in ("snapshot.jpg", "index.m3u8"):
        async with client.http.get(f"{client.base}/one/{page}", middlewares=digest) as response:
            assert response.status == 401
            assert response.headers["WWW-Authenticate"].startswith("Digest")
    relay.set_faults("one", Faults())
    assert (await client.call(WHO, "/onvif/one/device_service", digest)).status == 200


async def test_a_mirror_is_a_device_with_one_profile_a_picture_and_no_view_of_its_own(
    relay: Relay, client: Client
) -> None:
    async def ask(body: str, service: str) -> Answer:
        token = security(NVR.name, NVR.password)
        return await client.call(body, f"/onvif/one/{service}", header=token)

    profiles = await ask("<trt:GetProfiles/>", "media_service")
    assert [found.get("token") for found in profiles.all(".//trt:Profiles")] == ["one/main"]
    assert not profiles.all(".//tt:PTZConfiguration")
    assert not (await ask("<tptz:GetNodes/>", "ptz_service")).all(".//tptz:PTZNode")
    preset = "<tptz:ProfileToken>one/main</tptz:ProfileToken>"
    moved = await ask(f"<tptz:Stop>{preset}</tptz:Stop>", "ptz_service")
    assert moved.status >= 400
    uri = await ask(
        "<trt:GetSnapshotUri><trt:ProfileToken>one/main</trt:ProfileToken></trt:GetSnapshotUri>",
        "media_service",
    )
    address = uri.text(".//tt:Uri") or ""
    assert address.startswith(f"{client.base}/one/")
    digest = [HttpDigest(NVR.name, NVR.password)]
    async with client.http.get(address, middlewares=digest) as response:
        assert response.status == 200
        assert response.content_type == "image/jpeg"
    async with client.http.get(f"{client.base}/one/sub/index.m3u8", middlewares=digest) as response:
        assert response.status == 404
