"""Leads requests to their operations, and answers."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from email.utils import format_datetime
from typing import Final

from aiohttp import hdrs, web
from lxml import etree

from relaycore.addresses import url_host
from relaycore.errors import RelayClosed, RelaycoreError
from relaycore.onvif.device import OnvifDevice
from relaycore.onvif.services import SERVICES
from relaycore.onvif.soap import envelope, security
from relaycore.onvif.soap.envelope import Envelope
from relaycore.onvif.soap.faults import Fault, not_authorized, not_supported, unreadable
from relaycore.onvif.soap.names import local_name
from relaycore.onvif.soap.operations import Call, Operation
from relaycore.onvif.soap.xml import MOST_BYTES
from relaycore.web.acts import recorded
from relaycore.web.answers import Refused, read_body
from relaycore.web.keys import CONNECTIONS, RELAY
from relaycore.web.routes import USER

__all__ = ["MEDIA_TYPE", "answer"]

MEDIA_TYPE: Final = "application/soap+xml"

_OPERATIONS: Final[Mapping[str, Operation]] = {
    f"{{{operation.namespace}}}{operation.name}": operation
    for service in SERVICES
    for operation in service.operations
}

_HOST: Final = re.compile(r"[A-Za-z0-9._-]{1,253}(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:[0-9]{1,5})?")
"""Host names and addresses, with a port or without."""

_log = logging.getLogger(__name__)


async def answer(request: web.Request, device: OnvifDevice | None) -> web.Response:
    """Answers a request to a device, whatever address of it that came to. ``None`` is no device."""
    response = await _answer(request, device)
    if device is not None and device.clock_offset:
        response.headers[hdrs.DATE] = format_datetime(device.now(), usegmt=True)
    return response


async def _answer(request: web.Request, device: OnvifDevice | None) -> web.Response:
    asked: Envelope | None = None
    try:
        asked = envelope.read(await _body(request))
        content = await _do(request, device, asked)
    except Fault as fault:
        return _refused(fault, asked)
    except Refused as refused:
        return _refused(_fault_of(refused), asked)
    except RelayClosed:
        return _refused(Fault("Receiver", ["ter:Action"], "The relay is closing.", 503), asked)
    except RelaycoreError as error:
        return _refused(Fault("Receiver", ["ter:Action"], str(error)), asked)
    except Exception:
        _log.exception("an operation failed", extra={"path": request.path})
        reason = "The relay made a mistake; its log says more."
        return _refused(Fault("Receiver", ["ter:Action"], reason), asked)
    return _response(envelope.write(content, asked), 200, asked)


async def _do(request: web.Request, device: OnvifDevice | None, asked: Envelope) -> etree._Element:
    operation = _OPERATIONS.get(str(asked.body.tag))
    # What there is, is not told to everybody either.
    needs = "view" if operation is None else operation.needs
    user, role = await security.admit(request, asked, needs, device)
    if operation is None:
        raise not_supported(local_name(str(asked.body.tag))[:64])
    if device is None:
        raise Fault("Sender", ["ter:InvalidArgVal"], "There is no such device.", 404)
    call = Call(request, device, asked.body, user, role, _base(request))
    if operation.needs in ("anyone", "view") or operation.name.startswith("Get"):
        return await operation.handler(call)
    request[USER] = user
    async with recorded(request, f"onvif{operation.name}", ",".join(device.cameras) or None):
        return await operation.handler(call)


async def _body(request: web.Request) -> bytes:
    """The body of a request, as far as it may be a message."""
    if (request.content_length or 0) > MOST_BYTES:
        raise unreadable(f"The request has more than {MOST_BYTES} bytes.", 413)
    return await read_body(request)


def _base(request: web.Request) -> str:
    """Where the client has reached the relay: an address of another network leads it nowhere."""
    _, secure = request.app[CONNECTIONS].client_of(request)
    host = request.headers.get(hdrs.HOST, "")
    if _HOST.fullmatch(host) is None:
        found = None if request.transport is None else request.transport.get_extra_info("sockname")
        address, port = request.app[RELAY].address
        host = f"{url_host(str(found[0]) if found and not secure else address)}:{port}"
    return f"{'https' if secure else 'http'}://{host}"


def _fault_of(refused: Refused) -> Fault:
    reason = refused.problem.error
    if refused.status in (401, 403, 421):
        return not_authorized(reason, refused.status, refused.headers)
    if refused.status in (400, 408, 413):
        return unreadable(reason, refused.status)
    return Fault("Receiver", ["ter:Action"], reason, refused.status, headers=refused.headers)


def _refused(fault: Fault, asked: Envelope | None) -> web.Response:
    in_11 = asked is not None and asked.is_soap_11
    content = fault.element_11() if in_11 else fault.element()
    response = _response(envelope.write(content, asked), fault.status, asked)
    for name, value in fault.headers:
        response.headers.add(name, value)
    return response


def _response(body: bytes, status: int, asked: Envelope | None) -> web.Response:
    kind = "text/xml" if asked is not None and asked.is_soap_11 else MEDIA_TYPE
    headers = {hdrs.CACHE_CONTROL: "no-store", hdrs.CONTENT_TYPE: f"{kind}; charset=utf-8"}
    return web.Response(body=body, status=status, headers=headers)
