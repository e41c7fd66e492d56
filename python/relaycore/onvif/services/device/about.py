"""What may be asked before anybody has said who it is, and what the device is."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Final

from lxml import etree

from relaycore import onvif
from relaycore.onvif.services.device.capabilities import capabilities, legacy_device, legacy_media
from relaycore.onvif.soap.build import Content, node, text_of
from relaycore.onvif.soap.faults import Fault
from relaycore.onvif.soap.names import TDS, TEV, TIMG, TMD, TPTZ, TRT
from relaycore.onvif.soap.operations import Call, Operation, Service

__all__ = ["OPERATIONS"]

WSDL: Final = "https://www.onvif.org/ver10/device/wsdl/devicemgmt.wsdl"


async def get_services(call: Call) -> etree._Element:
    """The services, each with its address as the client reaches it."""
    wanted = text_of(call.body, "tds:IncludeCapability") in ("true", "1")
    return node("tds:GetServicesResponse", *(_service(call, one, wanted) for one in _services().values()))


async def get_service_capabilities(call: Call) -> etree._Element:
    """What the device service can do."""
    return node("tds:GetServiceCapabilitiesResponse", capabilities(call))


async def get_capabilities(call: Call) -> etree._Element:
    """What all services can do, as before GetServices."""
    services = _services()
    asked = {text_of_one for one in call.body if (text_of_one := (one.text or "").strip())} or {"All"}
    if not asked <= {"All", *_CATEGORIES}:
        raise Fault(
            "Receiver", ["ter:ActionNotSupported", "ter:NoSuchService"], "There is no such service here."
        )
    wanted = set(_CATEGORIES) if "All" in asked else asked
    found = node("tds:Capabilities")
    for category, namespace in _CATEGORIES.items():
        if category in wanted and namespace in services:
            found.append(_legacy(call, category))
        elif category in asked:
            raise Fault(
                "Receiver", ["ter:ActionNotSupported", "ter:NoSuchService"], "There is no such service here."
            )
    if TMD in services and "All" in asked:
        found.append(node("tt:Extension", _legacy_device_io(call)))
    return node("tds:GetCapabilitiesResponse", found)


async def get_wsdl_url(call: Call) -> etree._Element:  # noqa: ARG001
    """Where the WSDL is."""
    return node("tds:GetWsdlUrlResponse", node("tds:WsdlUrl", WSDL))


async def get_endpoint_reference(call: Call) -> etree._Element:
    """The name of the device for ever."""
    return node("tds:GetEndpointReferenceResponse", node("tds:GUID", call.device.urn))


async def get_device_information(call: Call) -> etree._Element:
    """What the device is."""
    return node(
        "tds:GetDeviceInformationResponse",
        node("tds:Manufacturer", "relaycore"),
        node("tds:Model", call.device.name),
        node("tds:FirmwareVersion", version("relaycore")),
        node("tds:SerialNumber", call.device.serial),
        node("tds:HardwareId", call.device.hardware),
    )


OPERATIONS: Final = (
    Operation(TDS, "GetServices", "anyone", get_services),
    Operation(TDS, "GetServiceCapabilities", "anyone", get_service_capabilities),
    Operation(TDS, "GetCapabilities", "anyone", get_capabilities),
    Operation(TDS, "GetWsdlUrl", "anyone", get_wsdl_url),
    Operation(TDS, "GetEndpointReference", "anyone", get_endpoint_reference),
    Operation(TDS, "GetDeviceInformation", "view", get_device_information),
)

_CATEGORIES: Final[Mapping[str, str]] = {
    # In the order of the schema.
    "Device": TDS,
    "Events": TEV,
    "Imaging": TIMG,
    "Media": TRT,
    "PTZ": TPTZ,
}


def _services() -> dict[str, Service]:
    # The list has this service in it, so that it cannot be imported above.
    return {service.namespace: service for service in onvif.services.SERVICES}


def _service(call: Call, service: Service, with_capabilities: bool) -> etree._Element:
    major, minor = service.version
    said = node("tds:Capabilities", service.capabilities(call)) if with_capabilities else None
    return node(
        "tds:Service",
        node("tds:Namespace", service.namespace),
        node("tds:XAddr", call.address(service.address)),
        said,
        node("tds:Version", node("tt:Major", major), node("tt:Minor", minor)),
    )


def _legacy(call: Call, category: str) -> etree._Element:
    if category == "Device":
        return legacy_device(call)
    if category == "Media":
        return legacy_media(call)
    names = {"Events": "event_service", "Imaging": "imaging_service", "PTZ": "ptz_service"}
    more: tuple[Content, ...] = ()
    if category == "Events":
        more = (
            node("tt:WSSubscriptionPolicySupport", False),
            node("tt:WSPullPointSupport", True),
            node("tt:WSPausableSubscriptionManagerInterfaceSupport", False),
        )
    return node(f"tt:{category}", node("tt:XAddr", call.address(names[category])), *more)


def _legacy_device_io(call: Call) -> etree._Element:
    count = len(call.device.cameras)
    return node(
        "tt:DeviceIO",
        node("tt:XAddr", call.address("deviceio_service")),
        node("tt:VideoSources", count),
        node("tt:VideoOutputs", 0),
        node("tt:AudioSources", count),
        node("tt:AudioOutputs", 0),
        node("tt:RelayOutputs", 0),
    )
