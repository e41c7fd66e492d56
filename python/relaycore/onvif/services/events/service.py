"""The event service, as the core of SOAP knows it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from lxml import etree

from relaycore.onvif.device import ROOT
from relaycore.onvif.services.events import answers
from relaycore.onvif.services.events.errors import (
    BadFilter,
    BadTermination,
    EventError,
    TooManySubscriptions,
)
from relaycore.onvif.services.events.hub import Hub
from relaycore.onvif.services.events.operations import HANDLERS
from relaycore.onvif.services.events.operations import Handler as EventHandler
from relaycore.onvif.soap.build import node
from relaycore.onvif.soap.faults import Fault
from relaycore.onvif.soap.names import TEV
from relaycore.onvif.soap.operations import Call, Handler, Operation, Service
from relaycore.web.keys import EVENT_HUB, GUARD

__all__ = ["SERVICE"]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request, with what events need to know of it."""

    call: Call

    @property
    def hub(self) -> Hub:
        return self.call.request.app[EVENT_HUB]

    @property
    def body(self) -> etree._Element:
        return self.call.body

    @property
    def user(self) -> str | None:
        return self.call.user

    @property
    def peer(self) -> str:
        return self.call.peer

    @property
    def base(self) -> str:
        return self.call.base

    @property
    def path(self) -> str:
        return self.call.path

    @property
    def listens_on(self) -> str:
        return self.call.listens_on

    @property
    def callbacks(self) -> Collection[str]:
        return self.call.relay.config.onvif.callbacks

    @property
    def covers(self) -> Callable[[str], bool]:
        # It is asked as long as the subscription lasts: the request must not be kept for it.
        may, device = self.call.request.app[GUARD].lasting_right(self.call.request), self.call.device
        # The device of all cameras has those that come later, too.
        has_all = device.address == ROOT

        def covers(path: str) -> bool:
            if not path:
                return may("audit", None)
            return (has_all or path in device.cameras) and may("read", path)

        return covers


def _handled(handler: EventHandler) -> Handler:
    async def handle(call: Call) -> etree._Element:
        try:
            return await handler(_Asked(call))
        except EventError as error:
            raise _fault_of(error) from None

    return handle


def _fault_of(error: EventError) -> Fault:
    """What stands in WS-BaseNotification for it, and what ONVIF has beside that."""
    detail = node(f"wsnt:{error.fault}")
    subcodes = ["ter:InvalidArgVal"]
    match error:
        case BadFilter():
            subcodes.append("ter:InvalidFilterFault")
        case BadTermination():
            pass
        case TooManySubscriptions():
            subcodes = ["ter:Action", "ter:MaxSubscriptions"]
    return Fault("Sender", subcodes, str(error), detail=detail)


SERVICE: Final = Service(
    TEV,
    "event_service",
    (2, 60),
    [Operation(namespace, name, needs, _handled(handler)) for namespace, name, needs, handler in HANDLERS],
    lambda _: answers.capabilities(),
)
