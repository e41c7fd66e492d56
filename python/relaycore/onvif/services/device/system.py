"""Time, users and a new start."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Final

from lxml import etree

from relaycore.onvif.soap.build import node
from relaycore.onvif.soap.faults import Fault
from relaycore.onvif.soap.names import TDS
from relaycore.onvif.soap.operations import Call, Operation

__all__ = ["OPERATIONS"]

_LEVELS: Final = {"administrator": "Administrator", "operator": "Operator"}
"""What roles are called; all others are users."""


async def get_system_date_and_time(call: Call) -> etree._Element:
    """The time. That of the machine is somebody else's to set, so it is said to come by NTP."""
    now, here = call.device.now(), time.localtime()
    return node(
        "tds:GetSystemDateAndTimeResponse",
        node(
            "tds:SystemDateAndTime",
            node("tt:DateTimeType", "NTP"),
            node("tt:DaylightSavings", here.tm_isdst > 0),
            node("tt:TimeZone", node("tt:TZ", _zone())),
            _moment("tt:UTCDateTime", now),
            _moment("tt:LocalDateTime", now + timedelta(seconds=here.tm_gmtoff or 0)),
        ),
    )


async def set_system_date_and_time(call: Call) -> etree._Element:  # noqa: ARG001
    """Does nothing: recorders set the time of every camera, and go on when they may."""
    return node("tds:SetSystemDateAndTimeResponse")


async def get_users(call: Call) -> etree._Element:
    """The users, without their passwords."""
    users = call.relay.users
    return node(
        "tds:GetUsersResponse",
        *(
            node(
                "tds:User",
                node("tt:Username", name),
                node("tt:UserLevel", _LEVELS.get(users.role(name) or "", "User")),
            )
            for name in users
        ),
    )


async def system_reboot(call: Call) -> etree._Element:
    """Opens the cameras of the device anew. The relay goes on."""
    if not call.device.cameras:
        raise Fault("Receiver", ["ter:Action"], "There is no camera that could be opened anew.")
    call.relay.devices.restart(call.device)
    return node("tds:SystemRebootResponse", node("tds:Message", "The cameras are opened anew."))


OPERATIONS: Final = (
    Operation(TDS, "GetSystemDateAndTime", "anyone", get_system_date_and_time),
    Operation(TDS, "SetSystemDateAndTime", "operate", set_system_date_and_time),
    Operation(TDS, "GetUsers", "admin", get_users),
    Operation(TDS, "SystemReboot", "admin", system_reboot),
)


def _zone() -> str:
    """The time zone without its rules, which POSIX writes with the sign of the way back to UTC."""
    west = -(time.localtime().tm_gmtoff or 0) // 60
    hours, minutes = divmod(abs(west), 60)
    if west == 0:
        return "UTC0"
    return f"LOC{'-' if west < 0 else ''}{hours}" + (f":{minutes:02}" if minutes else "")


def _moment(name: str, at: datetime) -> etree._Element:
    return node(
        name,
        node(
            "tt:Time",
            node("tt:Hour", at.hour),
            node("tt:Minute", at.minute),
            node("tt:Second", at.second),
        ),
        node(
            "tt:Date",
            node("tt:Year", at.year),
            node("tt:Month", at.month),
            node("tt:Day", at.day),
        ),
    )
