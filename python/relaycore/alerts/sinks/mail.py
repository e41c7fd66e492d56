"""Sends alerts by e-mail (SMTP, RFC 5321; STARTTLS, RFC 3207)."""

from __future__ import annotations

import asyncio
import contextlib
import os
import smtplib
import ssl
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from pathlib import Path
from typing import Final

from relaycore.alerts.model import Alert
from relaycore.errors import HookError
from relaycore.language import Message
from relaycore.ledger.export import moment
from relaycore.settings.alerts import MailSettings

__all__ = ["Mail", "message_of"]

TIMEOUT_S: Final = 15.0
"""Seconds that each step of the server may take."""

LONGEST_SUBJECT: Final = 150
"""Characters of the subject."""

LONGEST_PASSWORD: Final = 1024
"""Bytes of the file with the password that are read."""


class Mail:
    """A mail server. Each alert is a mail of its own, and a connection."""

    def __init__(self, settings: MailSettings) -> None:
        self._settings = settings
        self.name = f"smtp://{settings.server}:{settings.port}"

    async def send(self, alert: Alert) -> None:
        """Sends one. HookError where the server does not take it."""
        message = message_of(alert, self._settings)
        try:
            await _in_thread(lambda: self._deliver(message))
        except smtplib.SMTPResponseException as error:
            raise HookError(
                Message("{name} answered with {smtp_code}.", name=self.name, smtp_code=error.smtp_code)
            ) from None
        except smtplib.SMTPRecipientsRefused:
            raise HookError(Message("{name} takes mail for none of the addresses.", name=self.name)) from None
        except (OSError, smtplib.SMTPException, ValueError) as error:
            raise HookError(
                Message("{name} took no mail ({kind}).", name=self.name, kind=type(error).__name__)
            ) from None

    async def close(self) -> None:
        """Nothing is kept."""

    def _deliver(self, message: EmailMessage) -> None:
        settings = self._settings
        password = self._password() if settings.user else ""
        if settings.security == "tls":
            client: smtplib.SMTP = smtplib.SMTP_SSL(
                settings.server, settings.port, timeout=TIMEOUT_S, context=ssl.create_default_context()
            )
        else:
            client = smtplib.SMTP(settings.server, settings.port, timeout=TIMEOUT_S)
        with client:
            if settings.security == "starttls":
                client.starttls(context=ssl.create_default_context())
            if settings.user and settings.security != "none":
                client.login(settings.user, password)
            client.send_message(message)

    def _password(self) -> str:
        """The password of now: it may be changed while the relay runs."""
        settings = self._settings
        if settings.password_file:
            try:
                with Path(settings.password_file).open("rb") as file:
                    first = file.read(LONGEST_PASSWORD).split(b"\n", 1)[0]
                return first.rstrip(b"\r").decode()
            except (OSError, UnicodeDecodeError):
                raise HookError(
                    Message("{password_file} cannot be read.", password_file=settings.password_file)
                ) from None
        password = os.environ.get(settings.password_variable)
        if password is None:
            raise HookError(
                Message(
                    "There is no environment variable {password_variable}.",
                    password_variable=settings.password_variable,
                )
            )
        return password


def message_of(alert: Alert, settings: MailSettings) -> EmailMessage:
    """The mail that tells of an alert."""
    message = EmailMessage()
    message["From"] = settings.sender
    message["To"] = ", ".join(settings.to)
    message["Date"] = format_datetime(datetime.fromtimestamp(alert.at / 1000, UTC))
    message["Message-ID"] = make_msgid(domain=settings.sender.rpartition("@")[2])
    # Names are of strangers' choice, and a line end in them would begin a header.
    subject = f"[relaycore] {alert.severity}: {alert.rule} {alert.subject}"
    message["Subject"] = "".join(c if c.isprintable() else " " for c in subject)[:LONGEST_SUBJECT]
    message["Auto-Submitted"] = "auto-generated"
    records = "\n".join(alert.records) or "none"
    message.set_content(
        f"{alert.text}\n\nAt: {moment(alert.at)}\nSeverity: {alert.severity}\nRule: {alert.rule}\n"
        f"About: {alert.subject}\nAlert: {alert.id}\n\nRecords of the ledger:\n{records}\n"
    )
    return message


async def _in_thread(work: Callable[[], None]) -> None:
    """Waits for work in a thread of its own, which does not keep the program from ending."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def settle(error: Exception | None) -> None:
        if done.cancelled():
            return
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)

    def run() -> None:
        failure: Exception | None = None
        try:
            work()
        except Exception as error:
            failure = error
        with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile
            loop.call_soon_threadsafe(settle, failure)

    threading.Thread(target=run, name="relaycore-mail", daemon=True).start()
    await done
