"""What an operation is, and what it knows of its request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from aiohttp import web
from lxml import etree

from relaycore.access.answers import host_of
from relaycore.settings import Role
from relaycore.web.keys import CONNECTIONS, RELAY

if TYPE_CHECKING:
    from relaycore.onvif.device import OnvifDevice
    from relaycore.relay import Relay

__all__ = ["Call", "Handler", "Needs", "Operation", "Service"]

Needs = Literal["anyone", "view", "operate", "admin"]
"""Who may: anybody, whoever may look, whoever may control, or administrators only."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request for one operation, from somebody who may."""

    request: web.Request
    device: OnvifDevice
    """The device that was asked."""

    body: etree._Element
    """The element of the operation. :meth:`getroottree` leads to its envelope."""

    user: str | None
    role: Role | None
    base: str
    """Scheme, host and port by which the client has reached the relay, like ``http://192.0.2.1:8554``."""

    @property
    def relay(self) -> Relay:
        """The relay."""
        return self.request.app[RELAY]

    @property
    def peer(self) -> str:
        """The address that asks, without its port."""
        return host_of(self.request.app[CONNECTIONS].client_of(self.request)[0])

    @property
    def secure(self) -> bool:
        """Whether the client came by an encrypted connection."""
        return self.request.app[CONNECTIONS].client_of(self.request)[1]

    @property
    def path(self) -> str:
        """The path of the request."""
        return self.request.path

    @property
    def listens_on(self) -> str:
        """The address that the relay listens on."""
        return self.relay.address[0]

    @property
    def host(self) -> str:
        """Host and port by which the client has reached the relay."""
        return self.base.partition("://")[2]

    @property
    def keeps(self) -> bool:
        """Whether what is set holds after a restart, too: where ``ForcePersistence`` does not say no."""
        return (self.body.findtext("{*}ForcePersistence") or "").strip() not in ("false", "0")

    def covers(self, path: str) -> bool:
        """Whether a camera belongs to the device that was asked."""
        return path in self.device.cameras

    def address(self, service: str) -> str:
        """The URL of a service of this device, like ``media_service``."""
        return f"{self.base}{self.device.address}{service}"


Handler = Callable[[Call], Awaitable[etree._Element]]


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation of a web service: its name, who may ask for it, and what gives the answer.

    The handler gives the element of the answer, and raises :class:`relaycore.onvif.soap.faults.Fault`.
    """

    namespace: str
    name: str
    needs: Needs
    handler: Handler


@dataclass(frozen=True, slots=True)
class Service:
    """A web service."""

    namespace: str
    address: str
    """Where it is, behind the address of its device, like ``media_service``."""

    version: tuple[int, int]
    """That of the WSDL, major and minor."""

    operations: Sequence[Operation]
    capabilities: Callable[[Call], etree._Element]
    """What it can do, as GetServiceCapabilities says it."""
