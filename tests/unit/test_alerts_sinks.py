"""Where alerts go: what arrives there, what is tried again, and what is said when that fails."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web

from relaycore.alerts.model import Alert
from relaycore.alerts.sinks import delivery as delivery_module
from relaycore.alerts.sinks.delivery import MOST_WAITING, Delivery
from relaycore.alerts.sinks.mail import Mail, message_of
from relaycore.alerts.sinks.webhook import Webhook
from relaycore.errors import HookError
from relaycore.settings import MailSettings
from relaycore.tls import self_signed
from tests.support.alerts import NOON
from tests.support.smtp import MailServer

TIMEOUT = 20.0
"""Seconds until something that does not happen fails a test."""


def an_alert(subject: str = "anna") -> Alert:
    return Alert(
        id="00ff",
        at=NOON,
        rule="networks",
        severity="warning",
        subject=subject,
        path=None,
        text="Somebody watches.",
        records=["aa", "bb"],
    )


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts follow each other without a pause."""
    monkeypatch.setattr(delivery_module, "PAUSES_S", (0.0, 0.0, 0.0))


class Listener:
    """A web server that answers with these statuses, one after another, and 200 then."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.bodies: asyncio.Queue[Any] = asyncio.Queue()
        self.port = 0

    async def answer(self, request: web.Request) -> web.Response:
        assert request.content_type == "application/json"
        self.bodies.put_nowait(await request.json())
        status = self.statuses.pop(0) if self.statuses else 200
        return web.Response(status=status, headers={"Location": "/elsewhere"})

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        app = web.Application()
        app.router.add_post("/hook/SECRET", self.answer)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.port = runner.addresses[0][1]
        try:
            yield f"http://127.0.0.1:{self.port}/hook/SECRET"
        finally:
            await runner.cleanup()


async def test_a_webhook_gets_the_alert_as_json() -> None:
    listener = Listener()
    async with listener.listening() as url:
        delivery = Delivery(Webhook(url))
        delivery.put(an_alert())
        async with asyncio.timeout(TIMEOUT):
            body = await listener.bodies.get()
        await delivery.close(TIMEOUT)
    assert msgspec.convert(body, Alert) == an_alert()
    assert (delivery.delivered, delivery.failed) == (1, 0)


@pytest.mark.usefixtures("at_once")
async def test_a_failure_is_tried_again_and_then_counted_and_told_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    listener = Listener(500, 302, *[503] * 8)
    async with listener.listening() as url:
        delivery = Delivery(Webhook(url))
        for _ in range(3):
            delivery.put(an_alert())
        async with asyncio.timeout(TIMEOUT):
            for _ in range(11):
                await listener.bodies.get()
        await delivery.close(TIMEOUT)
    assert (delivery.delivered, delivery.failed) == (1, 2)
    said = [record.getMessage() for record in caplog.records]
    assert said == [
        f"alerts cannot be sent: http://127.0.0.1:{listener.port} answered with status 503.",
        "alerts are sent again",
    ]
    assert "SECRET" not in caplog.text
    assert "SECRET" not in delivery.sink.name


async def test_nobody_waits_for_a_sink_that_hangs() -> None:
    class Hanging:
        name = "hanging"

        async def send(self, alert: Alert) -> None:
            begun.set()
            await asyncio.Event().wait()

        async def close(self) -> None:
            closed.set()

    begun, closed = asyncio.Event(), asyncio.Event()
    delivery = Delivery(Hanging())
    delivery.put(an_alert())
    async with asyncio.timeout(TIMEOUT):
        await begun.wait()
        for _ in range(MOST_WAITING + 3):
            delivery.put(an_alert())
        await delivery.close(0.0)
    assert closed.is_set()
    assert (delivery.delivered, delivery.failed) == (0, 3)


@pytest.mark.usefixtures("at_once")
async def test_a_sink_with_a_mistake_goes_on_with_the_next_alert() -> None:
    class Wrong:
        name = "wrong"

        async def send(self, alert: Alert) -> None:
            if alert.subject == "first":
                raise ZeroDivisionError
            sent.set()

        async def close(self) -> None:
            pass

    sent = asyncio.Event()
    delivery = Delivery(Wrong())
    delivery.put(an_alert("first"))
    delivery.put(an_alert())
    async with asyncio.timeout(TIMEOUT):
        await sent.wait()
    await delivery.close(TIMEOUT)
    assert (delivery.delivered, delivery.failed) == (1, 1)


def mail(to: MailServer, **fields: Any) -> MailSettings:
    people = ["a@example.org", "b@example.org"]
    fields = {"security": "none", "server": "127.0.0.1", **fields}
    return MailSettings(port=to.port, to=people, sender="r@example.org", **fields)


async def test_a_mail_tells_all_of_an_alert() -> None:
    async with MailServer() as server, asyncio.timeout(TIMEOUT):
        await Mail(mail(server)).send(an_alert())
        text = await server.mails.get()
    assert "To: a@example.org, b@example.org" in text
    assert "Subject: [relaycore] warning: networks anna" in text
    for part in ("Somebody watches.", "aa\r\nbb", "Rule: networks", "Alert: 00ff"):
        assert part in text


async def test_a_name_with_a_line_end_begins_no_header() -> None:
    async with MailServer() as server:
        message = message_of(an_alert("x\r\nBcc: evil@example.org\x00"), mail(server))
    assert message["Bcc"] is None
    assert message["Subject"] == "[relaycore] warning: networks x  Bcc: evil@example.org "


@pytest.mark.parametrize("where", ["file", "variable"])
async def test_a_password_is_sent_encrypted_only(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain, key = self_signed(tmp_path / "tls", ["localhost"])
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(chain, key)
    fields: dict[str, Any] = {"security": "starttls", "server": "localhost", "user": "guard"}
    if where == "file":
        (tmp_path / "password").write_text("open sesame\nsecond line\n")
        fields["password_file"] = str(tmp_path / "password")
    else:
        monkeypatch.setenv("MAIL_PASSWORD", "open sesame")
        fields["password_variable"] = "MAIL_PASSWORD"
    async with MailServer(context) as server, asyncio.timeout(TIMEOUT):
        with pytest.raises(HookError, match="took no mail"):  # nobody vouches for the certificate
            await Mail(mail(server, **fields)).send(an_alert())
        assert server.logins == []
        monkeypatch.setenv("SSL_CERT_FILE", str(chain))
        await Mail(mail(server, **fields)).send(an_alert())
        await server.mails.get()
    assert server.logins == ["guard open sesame"]
    async with MailServer() as plain, asyncio.timeout(TIMEOUT):
        with pytest.raises(HookError):  # no STARTTLS
            await Mail(mail(plain, **fields)).send(an_alert())
    assert (plain.connections, plain.logins) == (1, [])


async def test_what_a_mail_server_refuses_is_said_without_secrets(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with MailServer() as server, asyncio.timeout(TIMEOUT):
        server.refuses = True
        settings = mail(server)
        with pytest.raises(HookError, match=f"smtp://127.0.0.1:{server.port} answered with 554"):
            await Mail(settings).send(an_alert())
        missing = mail(server, security="starttls", user="guard", password_file=str(tmp_path / "none"))
        with pytest.raises(HookError, match="cannot be read"):
            await Mail(missing).send(an_alert())
    with pytest.raises(HookError, match="ConnectionRefusedError"):
        await Mail(settings).send(an_alert())
