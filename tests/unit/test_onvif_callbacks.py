"""Whom the relay calls back, and whom it never does."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import AsyncIterator

import msgspec
import pytest
from aiohttp import web
from lxml import etree

from relaycore.addresses import url_host
from relaycore.events import CameraLost
from relaycore.onvif.services.events import callbacks, hub, notifier
from relaycore.onvif.services.events.callbacks import Callback, resolve_callback
from relaycore.onvif.services.events.errors import (
    BadCallback,
    NotSubscribed,
)
from relaycore.onvif.services.events.filters import Filter
from relaycore.onvif.soap.names import TT
from relaycore.settings import OnvifSettings
from tests.support.onvif_events import (
    everything,
    filter_of,
    hub_of,
)


@pytest.mark.parametrize(
    ("url", "subscriber"),
    [
        ("http://127.0.0.1/", "127.0.0.1"),
        ("http://127.9.9.9:80/x", "127.9.9.9"),
        ("http://[::1]/", "::1"),
        ("http://[::ffff:127.0.0.1]/", "127.0.0.1"),
        ("http://localhost:8080/", "127.0.0.1"),
        ("http://2130706433/", "127.0.0.1"),
        ("http://0x7f.1/", "127.0.0.1"),
        ("http://0.0.0.0/", "0.0.0.0"),
        ("http://[::]/", "::"),
        ("http://169.254.169.254/latest/meta-data", "169.254.169.254"),
        ("http://169.254.1.1/", "169.254.1.1"),
        ("http://[fe80::1]/", "fe80::1"),
        ("http://[fd00:ec2::254]/", "fd00:ec2::254"),
        ("http://100.100.100.200/", "100.100.100.200"),
        ("http://224.0.0.1/", "224.0.0.1"),
        ("http://255.255.255.255/", "255.255.255.255"),
        ("http://[ff02::1]/", "ff02::1"),
        ("http://[64:ff9b::7f00:1]/", "64:ff9b::7f00:1"),
        ("http://[2002:7f00:1::]/", "2002:7f00:1::"),
        # What somebody else listens at.
        ("http://192.168.1.9/", "192.168.1.5"),
        # What is no address to call at.
        ("ftp://192.168.1.5/", "192.168.1.5"),
        ("file:///etc/passwd", "192.168.1.5"),
        ("http://user:word@192.168.1.5/", "192.168.1.5"),
        ("http://192.168.1.5:0/", "192.168.1.5"),
        ("http://192.168.1.5:99999/", "192.168.1.5"),
        ("http://192.168.1.5/\r\nX: y", "192.168.1.5"),
        ("http://192.168.1.5/" + "x" * 600, "192.168.1.5"),
        ("http:///", "192.168.1.5"),
        ("", "192.168.1.5"),
    ],
)
async def test_nobody_is_called_back_there(url: str, subscriber: str) -> None:
    everywhere = ["0.0.0.0/0", "::/0"]
    networks = [] if subscriber == "192.168.1.5" else everywhere
    with pytest.raises(BadCallback):
        await resolve_callback(url, subscriber, networks)


async def test_the_relay_does_not_call_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callbacks, "reachable_addresses", lambda _: ["192.168.1.2", "fe80::1%eth0"])
    with pytest.raises(BadCallback):
        await resolve_callback("http://192.168.1.2/", "192.168.1.2")


async def test_who_subscribes_is_called_back_and_networks_that_are_named() -> None:
    found = await resolve_callback("http://192.168.1.5:8080/x", "192.168.1.5")
    assert found == Callback("http://192.168.1.5:8080/x", "192.168.1.5", "192.168.1.5")
    assert (await resolve_callback("http://192.168.1.5/", "::ffff:192.168.1.5")).address == "192.168.1.5"
    named = ["2001:db8::/32", "192.168.1.0/24"]
    elsewhere = await resolve_callback("https://192.168.1.9/", "192.168.1.5", named)
    assert elsewhere == Callback("https://192.168.1.9/", "192.168.1.9", "192.168.1.9", is_elsewhere=True)
    assert (await resolve_callback("http://[2001:db8::9]/", "192.168.1.5", named)).is_elsewhere
    assert not (await resolve_callback("http://192.168.1.5/", "192.168.1.5", named)).is_elsewhere
    with pytest.raises(BadCallback):
        await resolve_callback("http://192.168.2.9/", "192.168.1.5", named)


@pytest.mark.parametrize("address", ["10.1.2.3", "2001:db8::7"])
async def test_no_address_of_the_machine_is_called_whatever_the_settings_name(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    own = ("eth7", 7, ipaddress.ip_address(address), 64)
    monkeypatch.setattr(callbacks, "interface_addresses", lambda: [own])
    with pytest.raises(BadCallback):
        await resolve_callback(f"http://{url_host(address)}/", "192.168.1.5", ["0.0.0.0/0", "::/0"])


async def test_a_name_is_called_only_where_all_that_it_means_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    async def resolve(*_: object) -> list[str]:
        return ["192.168.1.9", "127.0.0.1"]

    monkeypatch.setattr(callbacks, "_resolve", resolve)
    with pytest.raises(BadCallback):
        await resolve_callback("http://nvr.example/", "192.168.1.5", ["192.168.1.0/24"])


@pytest.mark.parametrize(
    ("networks", "ends"), [(["192.168.1.0/24"], False), ([], True), (["192.168.2.0/24"], True)]
)
async def test_calls_end_that_the_settings_do_not_allow_any_more(
    monkeypatch: pytest.MonkeyPatch, networks: list[str], ends: bool
) -> None:
    monkeypatch.setattr(hub, "SWEEP_S", 0.01)
    async with hub_of() as (relay, found):
        config = msgspec.structs.replace(relay.config, onvif=OnvifSettings(callbacks=["192.168.1.0/24"]))
        await relay.reload(config)
        callbacks_of = [
            Callback("http://192.168.1.9/", "192.168.1.9", "192.168.1.9", is_elsewhere=True),
            Callback("http://192.168.3.9/", "192.168.3.9", "192.168.3.9"),
        ]
        elsewhere, own = (found.subscribe("anna", Filter(), everything, 60, each) for each in callbacks_of)
        await relay.reload(msgspec.structs.replace(config, onvif=OnvifSettings(callbacks=networks)))
        if ends:
            with pytest.raises(NotSubscribed):
                await elsewhere.take(1)
        assert found.find(own.name, "anna") is own
        assert elsewhere.ended is ends


class Consumer:
    """A subscriber's server. It has a name, so that what the name means is what the relay has pinned."""

    def __init__(self) -> None:
        self.bodies: asyncio.Queue[bytes] = asyncio.Queue()
        self.status = 200
        self.asked: list[str] = []
        self.port = 0

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        self.bodies.put_nowait(await request.read())
        headers = {"Location": f"http://nvr.invalid:{self.port}/elsewhere"} if self.status == 302 else {}
        return web.Response(status=self.status, headers=headers)

    @property
    def callback(self) -> Callback:
        return Callback(f"http://nvr.invalid:{self.port}/notify", "nvr.invalid", "127.0.0.1")


@pytest.fixture
async def consumer() -> AsyncIterator[Consumer]:
    found = Consumer()
    app = web.Application()
    app.router.add_post("/{path:.*}", found.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    found.port = runner.addresses[0][1]
    yield found
    await runner.cleanup()


async def test_subscribers_are_told_where_they_said(consumer: Consumer) -> None:
    async with hub_of("cam") as (relay, found):
        found.subscribe("anna", filter_of("tns1:VideoSource/SignalLoss"), everything, 60, consumer.callback)
        for expected in ("Initialized", "Changed"):
            envelope = etree.fromstring(await consumer.bodies.get())
            (message,) = envelope.iter(f"{{{TT}}}Message")
            assert message.get("PropertyOperation") == expected
            relay._events.emit(CameraLost(path="cam", reason="unplugged"))
        assert set(consumer.asked) == {"/notify"}


@pytest.mark.parametrize("status", [500, 302])
async def test_who_takes_nothing_is_called_no_more_and_is_not_followed(
    consumer: Consumer, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setattr(notifier, "PAUSE_S", 0.0)
    consumer.status = status
    async with hub_of("cam") as (_, found):
        one = found.subscribe("anna", Filter(), everything, 60, consumer.callback)
        await found._notifiers[one.name].task
        assert one.ended
        assert len(found) == 0
        assert consumer.asked == ["/notify"] * notifier.FAILURES
