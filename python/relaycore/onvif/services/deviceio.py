"""The device IO service (ONVIF Device IO Service Specification): how many cameras and microphones there are.

Its WSDL has the sources themselves asked for by elements of the media service, which answers them.
"""

from __future__ import annotations

from typing import Final

from lxml import etree

from relaycore.onvif.profiles import profiles
from relaycore.onvif.soap.build import node
from relaycore.onvif.soap.names import TMD
from relaycore.onvif.soap.operations import Call, Operation, Service

__all__ = ["SERVICE"]


def capabilities(call: Call) -> etree._Element:
    """What the service can do."""
    return node(
        "tmd:Capabilities",
        VideoSources=len(_cameras(call)),
        VideoOutputs=0,
        AudioSources=len(_microphones(call)),
        AudioOutputs=0,
        RelayOutputs=0,
        SerialPorts=0,
        DigitalInputs=0,
        DigitalInputOptions=False,
    )


async def get_service_capabilities(call: Call) -> etree._Element:
    """What the service can do."""
    return node("tmd:GetServiceCapabilitiesResponse", capabilities(call))


SERVICE: Final = Service(
    namespace=TMD,
    address="deviceio_service",
    version=(24, 12),
    operations=(Operation(TMD, "GetServiceCapabilities", "view", get_service_capabilities),),
    capabilities=capabilities,
)


def _cameras(call: Call) -> list[str]:
    return list(dict.fromkeys(profile.camera for profile in profiles(call)))


def _microphones(call: Call) -> list[str]:
    return list(dict.fromkeys(profile.camera for profile in profiles(call) if profile.sound is not None))
