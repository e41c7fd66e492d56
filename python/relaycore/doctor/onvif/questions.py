"""Operations of the device service that several rules ask for. None of them changes anything."""

from __future__ import annotations

from typing import Final

__all__ = [
    "CAPABILITIES",
    "DEVICE_CAPABILITIES",
    "INFORMATION",
    "REFERENCE",
    "SCOPES",
    "SERVICES",
    "TIME",
    "USERS",
]

TIME: Final = "<tds:GetSystemDateAndTime/>"

CAPABILITIES: Final = "<tds:GetCapabilities><tds:Category>All</tds:Category></tds:GetCapabilities>"

SERVICES: Final = "<tds:GetServices><tds:IncludeCapability>false</tds:IncludeCapability></tds:GetServices>"

DEVICE_CAPABILITIES: Final = "<tds:GetServiceCapabilities/>"

USERS: Final = "<tds:GetUsers/>"
"""What nobody may know who is not logged in."""

INFORMATION: Final = "<tds:GetDeviceInformation/>"
"""What every user may know, and nobody else."""

SCOPES: Final = "<tds:GetScopes/>"

REFERENCE: Final = "<tds:GetEndpointReference/>"
"""The name of the device for ever."""
