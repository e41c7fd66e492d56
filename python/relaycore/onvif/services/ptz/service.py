"""The PTZ service, as the core of SOAP knows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lxml import etree

from relaycore.errors import PathError
from relaycore.onvif.services.events.errors import BadTermination
from relaycore.onvif.services.ptz import elements
from relaycore.onvif.services.ptz.errors import PtzError
from relaycore.onvif.services.ptz.operations import HANDLERS
from relaycore.onvif.services.ptz.operations import Handler as PtzHandler
from relaycore.onvif.services.ptz.presets import Presets
from relaycore.onvif.soap.faults import Fault
from relaycore.onvif.soap.names import TPTZ
from relaycore.onvif.soap.operations import Call, Handler, Operation, Service
from relaycore.web.keys import PRESETS

if TYPE_CHECKING:
    from relaycore.relay import Relay

__all__ = ["SERVICE", "can_move"]


RENDITIONS: Final = ("main", "sub")
"""What stands behind the path of a camera and a slash in the token of a profile."""


def can_move(relay: Relay, path: str) -> bool:
    """Whether a camera shows a part of its scene that can be chosen."""
    try:
        relay.view(path)
    except PathError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request, with what PTZ needs to know of it."""

    call: Call

    @property
    def views(self) -> Relay:
        return self.call.relay

    @property
    def presets(self) -> Presets:
        return self.call.request.app[PRESETS]

    @property
    def body(self) -> etree._Element:
        return self.call.body

    @property
    def cameras(self) -> Sequence[str]:
        return [path for path in self.call.device.cameras if can_move(self.call.relay, path)]

    def camera_of_profile(self, token: str) -> str | None:
        camera, _, rendition = token.rpartition("/")
        return camera if rendition in RENDITIONS and camera in self.call.device.cameras else None

    def profiles_of(self, path: str) -> int:  # noqa: ARG002
        return len(RENDITIONS)


def _handled(handler: PtzHandler) -> Handler:
    async def handle(call: Call) -> etree._Element:
        try:
            return await handler(_Asked(call))
        except PtzError as error:
            subcodes = [f"ter:{name}" for name in error.subcodes]
            if error.subcodes[0] == "Action":
                raise Fault("Receiver", subcodes, str(error)) from None
            raise Fault("Sender", subcodes, str(error)) from None
        except BadTermination as error:
            raise Fault("Sender", ["ter:InvalidArgVal"], str(error)) from None

    return handle


SERVICE: Final = Service(
    TPTZ,
    "ptz_service",
    (2, 60),
    [Operation(namespace, name, needs, _handled(handler)) for namespace, name, needs, handler in HANDLERS],
    lambda _: elements.capabilities(),
)
