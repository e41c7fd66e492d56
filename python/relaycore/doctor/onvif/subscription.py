"""A pull point: made, asked and ended as a recorder does, with WS-Addressing."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final

from lxml import etree

from relaycore.doctor.findings import Broken
from relaycore.doctor.onvif.asking import answer_to, ask, need_here, need_text, service
from relaycore.doctor.onvif.client import Soap
from relaycore.doctor.onvif.demands import content
from relaycore.doctor.visit import Visit
from relaycore.onvif.soap.names import WSA, local_name

__all__ = ["END", "WAIT_S", "Pulled", "Subscription", "create", "pull", "subscription"]

WAIT_S: Final = 2
"""Seconds that a question for messages waits."""

END: Final = "<wsnt:Unsubscribe/>"

_ONVIF: Final = "http://www.onvif.org/ver10/events/wsdl/PullPointSubscription"
_OASIS: Final = "http://docs.oasis-open.org/wsn/bw-2/SubscriptionManager"

_ACTIONS: Final = {
    "PullMessages": f"{_ONVIF}/PullMessagesRequest",
    "SetSynchronizationPoint": f"{_ONVIF}/SetSynchronizationPointRequest",
    "Renew": f"{_OASIS}/RenewRequest",
    "Unsubscribe": f"{_OASIS}/UnsubscribeRequest",
}
"""What WS-Addressing calls operations (their WSDL, and WS-BaseNotification)."""


def create(until: str = "PT60S", topics: str = "") -> str:
    """What is asked for a pull point, until a time, and of an expression of topics alone."""
    filtered = (
        '<tev:Filter><wsnt:TopicExpression Dialect="http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet">'
        f"{topics}</wsnt:TopicExpression></tev:Filter>"
        if topics
        else ""
    )
    return (
        f"<tev:CreatePullPointSubscription>{filtered}"
        f"<tev:InitialTerminationTime>{until}</tev:InitialTerminationTime>"
        "</tev:CreatePullPointSubscription>"
    )


def pull(seconds: int = WAIT_S, limit: int = 100) -> str:
    """What is asked for messages."""
    return (
        f"<tev:PullMessages><tev:Timeout>PT{seconds}S</tev:Timeout>"
        f"<tev:MessageLimit>{limit}</tev:MessageLimit></tev:PullMessages>"
    )


@dataclass(frozen=True, slots=True)
class Pulled:
    """The answer to a question for messages, the messages in it, and how many seconds it took."""

    answer: Soap
    messages: tuple[etree._Element, ...]
    seconds: float


class Subscription:
    """One that was made. ``answer`` is the one that made it.

    What its reference has beside an address is sent back in headers (WS-Addressing 1.0 section 2.2).
    """

    def __init__(self, visit: Visit, answer: Soap) -> None:
        self.answer = answer
        self.address = need_here(visit, need_text(answer, ".//tev:SubscriptionReference/wsa:Address"))
        self._visit = visit
        self._parameters = answer.all(".//tev:SubscriptionReference/wsa:ReferenceParameters/*")
        self._has_ended = False

    @property
    def reference(self) -> tuple[object, ...]:
        """What tells it apart from others."""
        return (self.address, *(content(one) for one in self._parameters))

    async def ask(self, body: str, *, wait_s: float = 0.0) -> Soap:
        """The answer to an operation. Broken where it is a fault or no XML."""
        return await ask(self._visit, body, self.address, headers=self._headers(body), wait_s=wait_s)

    async def answer_to(self, body: str, *, wait_s: float = 0.0) -> Soap:
        """Whatever is answered."""
        return await answer_to(self._visit, body, self.address, headers=self._headers(body), wait_s=wait_s)

    async def pull(self, seconds: int = WAIT_S, limit: int = 100) -> Pulled:
        """Messages that wait, or come in so many seconds."""
        begin = time.monotonic()
        answer = await self.ask(pull(seconds, limit), wait_s=seconds)
        return Pulled(answer, tuple(answer.all(".//wsnt:NotificationMessage")), time.monotonic() - begin)

    async def end(self) -> None:
        """Ends it. Broken where that is not possible."""
        self._has_ended = True
        await self.ask(END)

    async def leave(self) -> None:
        """Ends it unless that was done, whatever comes back."""
        if not self._has_ended:
            with contextlib.suppress(Broken):
                await self.answer_to(END)

    def _headers(self, body: str) -> Sequence[etree._Element]:
        name = local_name(body.strip("</>").partition(">")[0].replace(":", "}"))
        to = etree.Element(f"{{{WSA}}}To", nsmap={"wsa": WSA})
        to.text = self.address
        action = etree.Element(f"{{{WSA}}}Action", nsmap={"wsa": WSA})
        action.text = _ACTIONS[name]
        return (to, action, *self._parameters)


@contextlib.asynccontextmanager
async def subscription(visit: Visit, question: str | None = None) -> AsyncIterator[Subscription]:
    """A pull point, ended at the end. Broken where none is made, Untried without the service."""
    made = Subscription(visit, await ask(visit, question or create(), await service(visit, "tev")))
    try:
        yield made
    finally:
        await made.leave()
