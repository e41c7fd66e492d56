"""The operations of the event service, as clients ask for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from lxml import etree

from relaycore.events import CameraLost
from relaycore.onvif.services.events import hub, notifier
from relaycore.onvif.services.events.errors import (
    BadCallback,
    BadTermination,
    EventError,
    NotSubscribed,
)
from relaycore.onvif.services.events.hub import Hub
from relaycore.onvif.services.events.operations import HANDLERS
from relaycore.onvif.soap.names import TEV, TT, WSNT, WSTOP
from tests.support.onvif_events import (
    everything,
    hub_of,
)


@dataclass
class Call:
    """A request of somebody."""

    hub: Hub
    body: etree._Element
    path: str = "/onvif/event_service"
    user: str | None = "anna"
    peer: str = "192.168.1.5"
    base: str = "http://192.168.1.2:8554"
    listens_on: str = "192.168.1.2"
    callbacks: Collection[str] = ()

    @property
    def covers(self) -> Callable[[str], bool]:
        """The device has all cameras."""
        return everything


HANDLED = {name: handler for _, name, _, handler in HANDLERS}
ENVELOPE = f'<e xmlns:tev="{TEV}" xmlns:wsnt="{WSNT}" xmlns:wsa="http://www.w3.org/2005/08/addressing">%s</e>'


async def ask(found: Hub, inside: str, **of_call: Any) -> etree._Element:
    """The answer to an operation, as it is read again."""
    body = etree.fromstring(ENVELOPE % inside)[-1]
    answer = await HANDLED[etree.QName(body).localname](Call(found, body, **of_call))
    return etree.fromstring(etree.tostring(answer))


def path_of(answer: etree._Element) -> str:
    """The path of the subscription in an answer."""
    address = answer.find(".//{http://www.w3.org/2005/08/addressing}Address")
    assert address is not None
    assert address.text is not None
    assert address.text.startswith("http://192.168.1.2:8554/onvif/subscription/")
    return address.text.removeprefix("http://192.168.1.2:8554")


def time_of(answer: etree._Element, name: str) -> datetime:
    found = next(answer.iter(f"{{*}}{name}"))
    assert found.text is not None
    return datetime.fromisoformat(found.text)


async def test_a_pull_point_lives_as_clients_use_it() -> None:
    async with hub_of("cam") as (_, found):
        answer = await ask(
            found,
            "<tev:CreatePullPointSubscription><tev:InitialTerminationTime>PT600S</tev:InitialTerminationTime>"
            "</tev:CreatePullPointSubscription>",
        )
        lasts = time_of(answer, "TerminationTime") - time_of(answer, "CurrentTime")
        assert 540 < lasts.total_seconds() <= 600
        path = path_of(answer)
        parts = "<tev:Timeout>%s</tev:Timeout><tev:MessageLimit>%d</tev:MessageLimit>"
        pull = f"<tev:PullMessages>{parts}</tev:PullMessages>"
        first = await ask(found, pull % ("PT60S", 2), path=path)
        assert len(first.findall(f"{{{WSNT}}}NotificationMessage")) == 2
        await ask(found, "<tev:SetSynchronizationPoint/>", path=path)
        all_of_it = await ask(found, pull % ("PT0S", 1000), path=path)
        # Three that waited, and all five anew; motion may have come in between.
        assert len(all_of_it.findall(f"{{{WSNT}}}NotificationMessage")) >= 8
        renew = "<wsnt:Renew><wsnt:TerminationTime>PT1H</wsnt:TerminationTime></wsnt:Renew>"
        renewed = await ask(found, renew, path=path)
        assert (time_of(renewed, "TerminationTime") - time_of(renewed, "CurrentTime")).total_seconds() > 3540
        # Some send all to the service, and say in the header whom they mean.
        to = f"<wsa:To>http://192.168.1.2:8554{path}</wsa:To>"
        await ask(found, to + renew)
        with pytest.raises(NotSubscribed):
            await ask(found, renew)
        with pytest.raises(NotSubscribed):
            await ask(found, renew, path=path, user="bert")
        await ask(found, "<wsnt:Unsubscribe/>", path=path)
        with pytest.raises(NotSubscribed):
            await ask(found, pull % ("PT1S", 1), path=path)


async def test_a_question_for_messages_waits_until_there_is_one() -> None:
    async with hub_of("cam") as (relay, found):
        path = path_of(
            await ask(
                found,
                "<tev:CreatePullPointSubscription><tev:Filter><wsnt:TopicExpression>tns1:VideoSource/SignalLoss"
                "</wsnt:TopicExpression></tev:Filter></tev:CreatePullPointSubscription>",
            )
        )
        pull = "<tev:PullMessages><tev:Timeout>PT60S</tev:Timeout></tev:PullMessages>"
        await ask(found, pull, path=path)
        waiting = asyncio.create_task(ask(found, pull, path=path))
        await asyncio.sleep(0)
        relay._events.emit(CameraLost(path="cam", reason="unplugged"))
        (message,) = (await waiting).iter(f"{{{TT}}}Message")
        (item,) = message.iterfind(f"{{{TT}}}Data/{{{TT}}}SimpleItem")
        assert (item.get("Name"), item.get("Value")) == ("State", "true")


@pytest.mark.parametrize(
    ("inside", "kind"),
    [
        ("<tev:PullMessages><tev:Timeout>soon</tev:Timeout></tev:PullMessages>", BadTermination),
        ("<wsnt:Renew><wsnt:TerminationTime>PT0S</wsnt:TerminationTime></wsnt:Renew>", BadTermination),
        ("<wsnt:Subscribe/>", BadCallback),
        (
            "<wsnt:Subscribe><wsnt:ConsumerReference><wsa:Address>http://127.0.0.1/</wsa:Address>"
            "</wsnt:ConsumerReference></wsnt:Subscribe>",
            BadCallback,
        ),
    ],
)
async def test_what_makes_no_sense_is_refused(inside: str, kind: type[EventError]) -> None:
    async with hub_of() as (_, found):
        path = path_of(await ask(found, "<tev:CreatePullPointSubscription/>"))
        with pytest.raises(kind):
            await ask(found, inside, path=path)


async def test_a_subscriber_is_called_back_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    called: asyncio.Queue[str] = asyncio.Queue()

    async def send(self: notifier.Notifier, client: object, messages: object) -> bool:
        called.put_nowait(self.callback.address)
        return True

    monkeypatch.setattr(notifier.Notifier, "_send", send)
    async with hub_of("cam") as (_, found):
        reference = (
            "<wsnt:ConsumerReference><wsa:Address>http://192.168.1.5/x</wsa:Address></wsnt:ConsumerReference>"
        )
        answer = await ask(found, f"<wsnt:Subscribe>{reference}</wsnt:Subscribe>")
        assert await called.get() == "192.168.1.5"
        await ask(found, "<wsnt:Unsubscribe/>", path=path_of(answer))


async def test_the_service_says_what_it_can() -> None:
    async with hub_of() as (_, found):
        answer = await ask(found, "<tev:GetServiceCapabilities/>")
        assert answer[0].get("MaxPullPoints") == str(hub.MOST)
        assert (await ask(found, "<tev:GetEventProperties/>")).find(f"{{{WSTOP}}}TopicSet") is not None
