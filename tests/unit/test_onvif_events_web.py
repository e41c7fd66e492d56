"""Events of ONVIF over HTTP: as recorders ask for them, and what is refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

import aiohttp
import msgspec
import pytest
from lxml import etree

from relaycore import Relay
from relaycore.alerts.model import Alert
from relaycore.events import AlertRaised, CameraLost
from relaycore.http_digest import HttpDigest
from relaycore.onvif.services.events import hub, notifier
from relaycore.onvif.services.events.messages import Message
from relaycore.onvif.services.events.subscription import Subscription
from relaycore.settings import CameraSettings, OnvifSettings, User

TIMEOUT = 30.0
TEV = "http://www.onvif.org/ver10/events/wsdl"
WSNT = "http://docs.oasis-open.org/wsn/b-2"
WSA = "http://www.w3.org/2005/08/addressing"
TT = "http://www.onvif.org/ver10/schema"
SOAP = "http://www.w3.org/2003/05/soap-envelope"
CAMERA = CameraSettings(camera="lavfi:color=gray:size=320x180:rate=10", encoder="libx264", microphone="none")
PASSWORDS = {"anna": "anna's secret", "bert": "bert's secret", "root": "root's secret"}
USERS = [
    User(name="anna", password=PASSWORDS["anna"], role="viewer"),
    User(name="bert", password=PASSWORDS["bert"], role="viewer"),
    User(name="root", password=PASSWORDS["root"], role="administrator"),
]
CREATE = (
    "<tev:CreatePullPointSubscription><tev:InitialTerminationTime>PT600S</tev:InitialTerminationTime>"
    "</tev:CreatePullPointSubscription>"
)
LOSS = (
    "<tev:CreatePullPointSubscription><tev:Filter><wsnt:TopicExpression "
    'Dialect="http://docs.oasis-open.org/wsn/t-1/TopicExpression/Concrete" '
    'xmlns:tns1="http://www.onvif.org/ver10/topics">tns1:VideoSource/SignalLoss</wsnt:TopicExpression>'
    "</tev:Filter></tev:CreatePullPointSubscription>"
)
PULL = (
    "<tev:PullMessages><tev:Timeout>PT30S</tev:Timeout><tev:MessageLimit>100</tev:MessageLimit>"
    "</tev:PullMessages>"
)


def content(expression: str) -> str:
    """A subscription to messages in which this stands."""
    dialect = "http://www.onvif.org/ver10/tev/messageContentFilter/ItemFilter"
    return (
        f'<tev:CreatePullPointSubscription><tev:Filter><wsnt:MessageContent Dialect="{dialect}" '
        f'xmlns:tt="{TT}">{expression}</wsnt:MessageContent></tev:Filter></tev:CreatePullPointSubscription>'
    )


@dataclass
class Client:
    """Asks a relay."""

    relay: Relay
    http: aiohttp.ClientSession

    @property
    def base(self) -> str:
        host, port = self.relay.address
        return f"http://{host}:{port}"

    async def ask(
        self, inside: str, address: str = "/onvif/event_service", user: str | None = "anna"
    ) -> tuple[int, etree._Element]:
        """The status and the element of the answer."""
        envelope = (
            f'<s:Envelope xmlns:s="{SOAP}" xmlns:tev="{TEV}" xmlns:wsnt="{WSNT}" xmlns:wsa="{WSA}">'
            f"<s:Body>{inside}</s:Body></s:Envelope>"
        )
        url = address if address.startswith("http") else self.base + address
        headers = {"Content-Type": "application/soap+xml; charset=utf-8"}
        kept = () if user is None else (HttpDigest(user, PASSWORDS[user]),)
        async with self.http.post(url, data=envelope, headers=headers, middlewares=kept) as response:
            body = etree.fromstring(await response.read()).find(f"{{{SOAP}}}Body")
            assert body is not None
            return response.status, body[0]

    async def subscribe(self, inside: str = CREATE, user: str = "anna") -> str:
        """The address of a new subscription."""
        status, answer = await self.ask(inside, user=user)
        assert status == 200, etree.tostring(answer)
        address = answer.findtext(f".//{{{WSA}}}Address")
        assert address is not None
        return address


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with (
        Relay(port=0, users=USERS, anonymous=False) as relay,
        aiohttp.ClientSession() as http,
        asyncio.timeout(TIMEOUT),
    ):
        await relay.add_camera("yard", CAMERA)
        await relay.add_camera("hall", CAMERA)
        yield Client(relay, http)


def messages(answer: etree._Element) -> list[tuple[str, str, str, str]]:
    """Topic, operation, source and value of each."""
    found = []
    for each in answer.iter(f"{{{WSNT}}}NotificationMessage"):
        message = each.find(f"{{{WSNT}}}Message/{{{TT}}}Message")
        assert message is not None
        items = [item.get("Value", "") for item in message.iter(f"{{{TT}}}SimpleItem")]
        topic = each.findtext(f"{{{WSNT}}}Topic") or ""
        found.append((topic, message.get("PropertyOperation", ""), items[0], items[-1]))
    return found


def fault_of(answer: etree._Element) -> str:
    """All codes of a fault, and the name of its detail."""
    assert answer.tag == f"{{{SOAP}}}Fault"
    codes = [value.text or "" for value in answer.iter(f"{{{SOAP}}}Value")]
    detail = answer.find(f"{{{SOAP}}}Detail")
    return " ".join([*codes, *(() if detail is None else (etree.QName(detail[0]).localname,))])


async def test_a_recorder_subscribes_asks_renews_and_leaves(client: Client) -> None:
    address = await client.subscribe(LOSS)
    assert address.startswith(f"{client.base}/onvif/subscription/")
    status, answer = await client.ask(PULL, address)
    assert status == 200
    assert sorted(messages(answer)) == [
        ("tns1:VideoSource/SignalLoss", "Initialized", "hall", "false"),
        ("tns1:VideoSource/SignalLoss", "Initialized", "yard", "false"),
    ]
    waiting = asyncio.create_task(client.ask(PULL, address))
    client.relay._events.emit(CameraLost(path="yard", reason="unplugged"))
    _, answer = await waiting
    assert messages(answer) == [("tns1:VideoSource/SignalLoss", "Changed", "yard", "true")]
    status, answer = await client.ask("<tev:SetSynchronizationPoint/>", address)
    assert (status, answer.tag) == (200, f"{{{TEV}}}SetSynchronizationPointResponse")
    assert ("tns1:VideoSource/SignalLoss", "Initialized", "yard", "true") in messages(
        (await client.ask(PULL, address))[1]
    )
    renew = "<wsnt:Renew><wsnt:TerminationTime>PT1H</wsnt:TerminationTime></wsnt:Renew>"
    status, answer = await client.ask(renew, address)
    now, until = (
        datetime.fromisoformat(answer.findtext(f"{{{WSNT}}}{name}") or "")
        for name in ("CurrentTime", "TerminationTime")
    )
    assert now.tzinfo is not None
    assert (until - now).total_seconds() > 3540
    assert (await client.ask("<wsnt:Unsubscribe/>", address))[0] == 200
    status, answer = await client.ask(PULL, address)
    assert status == 400
    assert fault_of(answer).endswith("ResourceUnknownFault")


async def test_a_recorder_is_told_of_what_it_wants_to_find_in_messages(client: Client) -> None:
    item = "boolean(//tt:SimpleItem[@Name='{}' and @Value='{}'])"
    address = await client.subscribe(
        content(f"{item.format('Source', 'hall')} and not({item.format('State', 'true')})")
    )
    found = messages((await client.ask(PULL, address))[1])
    assert {topic.rpartition("/")[2] for topic, *_ in found} == {
        *("MotionAlarm", "ImagingService", "SignalLoss"),
    }
    assert {(source, value) for _, _, source, value in found} == {("hall", "false")}


async def test_the_device_of_one_camera_tells_of_that_alone(client: Client) -> None:
    _, answer = await client.ask(LOSS, "/onvif/yard/event_service")
    address = answer.findtext(f".//{{{WSA}}}Address")
    assert address is not None
    found = messages((await client.ask(PULL, address))[1])
    assert [source for _, _, source, _ in found] == ["yard"]


async def test_only_who_made_a_subscription_may_use_it(client: Client) -> None:
    address = await client.subscribe()
    for user, status in (("bert", 400), (None, 401)):
        for inside in (PULL, "<wsnt:Unsubscribe/>", "<wsnt:Renew/>", "<tev:SetSynchronizationPoint/>"):
            assert (await client.ask(inside, address, user=user))[0] == status
    assert (await client.ask(PULL, address))[0] == 200


async def test_without_a_user_there_is_only_what_it_can_do(client: Client) -> None:
    status, answer = await client.ask("<tev:GetServiceCapabilities/>", user=None)
    assert status == 200
    assert answer[0].get("MaxPullPoints") == str(hub.MOST)
    for inside in (CREATE, "<tev:GetEventProperties/>", "<wsnt:Subscribe/>"):
        assert (await client.ask(inside, user=None))[0] == 401


async def test_alerts_are_for_who_may_read_them(client: Client) -> None:
    addresses = {user: await client.subscribe(user=user) for user in ("anna", "root")}
    for user, address in addresses.items():
        await client.ask(PULL, address, user=user)
    alert = Alert(
        id="a",
        at=1,
        rule="spraying",
        severity="critical",
        subject="192.0.2.0/24",
        path=None,
        text="Odd.",
        records=[],
    )
    client.relay._events.emit(AlertRaised(path="", alert=alert))
    client.relay._events.emit(CameraLost(path="yard", reason="unplugged"))
    seen = {
        user: [topic for topic, *_ in messages((await client.ask(PULL, address, user=user))[1])]
        for user, address in addresses.items()
    }
    assert seen["root"] == ["tns1:UserAlarm/rc:BruteForceAttack", "tns1:VideoSource/SignalLoss"]
    assert "tns1:UserAlarm/rc:BruteForceAttack" not in seen["anna"]


async def test_whose_password_changes_is_told_nothing_any_more(client: Client) -> None:
    address = await client.subscribe()
    client.relay.end_sessions("anna")
    status, answer = await client.ask(PULL, address)
    assert (status, fault_of(answer).split()[-1]) == (400, "ResourceUnknownFault")


@pytest.mark.parametrize(
    ("inside", "fault"),
    [
        ("<wsnt:Subscribe/>", "SubscribeCreationFailedFault"),
        (
            "<wsnt:Subscribe><wsnt:ConsumerReference><wsa:Address>http://127.0.0.1:1/</wsa:Address>"
            "</wsnt:ConsumerReference></wsnt:Subscribe>",
            "SubscribeCreationFailedFault",
        ),
        (LOSS.replace("SignalLoss", "Other"), "TopicNotSupportedFault"),
        (CREATE.replace("PT600S", "yesterday"), "UnacceptableInitialTerminationTimeFault"),
        (content("count(//*)"), "InvalidMessageContentExpressionFault"),
        (PULL, "ResourceUnknownFault"),
    ],
)
async def test_what_is_refused_is_the_fault_that_says_so(client: Client, inside: str, fault: str) -> None:
    status, answer = await client.ask(inside)
    assert status == 400
    assert fault_of(answer).split()[-1] == fault


async def test_a_relay_that_closes_lets_nobody_wait(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    address = await client.subscribe(LOSS)
    await client.ask(PULL, address)
    begun = asyncio.Event()
    pull = Subscription.pull

    async def noted(self: Subscription, seconds: float, limit: int) -> list[Message]:
        begun.set()
        return await pull(self, seconds, limit)

    monkeypatch.setattr(Subscription, "pull", noted)
    waiting = asyncio.create_task(client.ask(PULL, address))
    await begun.wait()
    await client.relay.aclose()
    (status, answer) = await waiting
    assert (status, fault_of(answer).split()[-1]) == (400, "ResourceUnknownFault")


async def test_others_are_called_back_in_networks_that_the_settings_name(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: asyncio.Queue[str] = asyncio.Queue()

    async def send(self: notifier.Notifier, *_: object) -> bool:
        called.put_nowait(self.callback.address)
        return True

    monkeypatch.setattr(notifier.Notifier, "_send", send)
    reference = (
        "<wsnt:ConsumerReference><wsa:Address>http://192.0.2.9/x</wsa:Address></wsnt:ConsumerReference>"
    )
    subscribe = f"<wsnt:Subscribe>{reference}</wsnt:Subscribe>"
    status, answer = await client.ask(subscribe)
    assert status == 400
    assert fault_of(answer).endswith("SubscribeCreationFailedFault")
    onvif = OnvifSettings(callbacks=["192.0.2.0/24"])
    changed = msgspec.structs.replace(client.relay.config, onvif=onvif, users=USERS)
    await client.relay.reload(changed)
    assert (await client.ask(subscribe))[0] == 200
    assert await called.get() == "192.0.2.9"
