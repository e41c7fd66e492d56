"""The settings of access: rules of who may do what at which path, from where and when."""

from __future__ import annotations

import ipaddress
import re
import zoneinfo
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from relaycore.errors import ConfigurationError
from relaycore.language import Message
from relaycore.settings.tokens import TokenSettings
from relaycore.settings.urls import check_webhook
from relaycore.settings.users import RoleName, UserName
from relaycore.settings.values import Switch

__all__ = [
    "WEEKDAYS",
    "AccessRule",
    "AccessSettings",
    "Action",
    "Effect",
    "Weekday",
    "check_pattern",
    "find_time_zone",
    "parse_hours",
    "parse_network",
]

Action = Literal["read", "publish", "look", "record", "control", "audit"]
"""What a client wants: to read a path or to publish to it; of the relay, to look at what there is, to have it
record, to control it, or to see who did what."""

Effect = Literal["allow", "deny"]
"""What a rule does with those whom it is about."""

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

WEEKDAYS: Final[tuple[Weekday, ...]] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""The days in the order in which :meth:`datetime.datetime.weekday` counts them."""

MOST_RULES: Final = 1000

_HOURS = re.compile(r"([0-9]{2}):([0-9]{2})-([0-9]{2}):([0-9]{2})")
_PATTERN_PART = re.compile(r"\*\*|(?!.*\*\*)[A-Za-z0-9._~*-]+")


def parse_hours(text: str) -> tuple[int, int]:
    """Begin and end of ``08:00-18:00``, in minutes from midnight; the end may be 24:00.

    An end that is before the begin is one of the next day. ConfigurationError when it is not of that form.
    """
    match = _HOURS.fullmatch(text.strip())
    if match is not None:
        begin, end = (int(match[i]) * 60 + int(match[i + 1]) for i in (1, 3))
        right = begin < 24 * 60 and end <= 24 * 60 and begin != end
        if right and int(match[2]) < 60 and int(match[4]) < 60:
            return begin, end
    raise ConfigurationError(
        Message("{text} are no hours: write them like 08:00-18:00 or 22:00-06:00.", text=repr(text))
    )


def check_pattern(text: str) -> None:
    """ConfigurationError when a text is not a pattern of paths."""
    parts = text.strip("/").split("/")
    if len(text) > 255 or not all(_PATTERN_PART.fullmatch(part) for part in parts):
        raise ConfigurationError(
            Message(
                "{text} is not a pattern of paths: write it like house/front or house/**.", text=repr(text)
            )
        )


def parse_network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """The network of ``192.168.1.0/24`` or of one address. ConfigurationError when it is none."""
    try:
        return ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        raise ConfigurationError(
            Message("{text} is no network: write it like 192.168.1.0/24.", text=repr(text))
        ) from None


def find_time_zone(name: str) -> zoneinfo.ZoneInfo | None:
    """The time zone of this name; ``None`` is that of the machine. ConfigurationError when there is none."""
    try:
        return zoneinfo.ZoneInfo(name) if name else None
    except (OSError, ValueError, zoneinfo.ZoneInfoNotFoundError):
        raise ConfigurationError(
            Message("There is no time zone {name}: write it like Europe/Berlin.", name=repr(name))
        ) from None


def _check_server(text: str) -> None:
    if text:
        check_webhook(text)


PathPattern = Annotated[
    str,
    Meta(
        description="a path in which `*` stands for anything in one part and `**` for any number of parts",
        examples=["house/**"],
        extra={"check": check_pattern},
    ),
]

Network = Annotated[
    str,
    Meta(
        description="a network or an address of IPv4 or IPv6",
        examples=["192.168.1.0/24"],
        extra={"check": parse_network},
    ),
]

HoursOfDay = Annotated[
    str,
    Meta(
        description="hours of the day, from begin to end",
        examples=["08:00-18:00"],
        extra={"check": parse_hours},
    ),
]

ActionName = Annotated[
    Action,
    Meta(
        description="`read`, `publish`, `look`, `record`, `control` or `audit`",
        examples=["read"],
    ),
]

WeekdayName = Annotated[
    Weekday,
    Meta(description="`mon`, `tue`, `wed`, `thu`, `fri`, `sat` or `sun`", examples=["mon"]),
]


class AccessRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule. It is about a request to which all of its settings fit; the first such rule decides."""

    name: Annotated[
        str, Meta(max_length=64, description="a name of up to 64 characters", examples=["night"])
    ] = ""
    """How the log calls it; left out, it is called by its place."""

    effect: Annotated[Effect, Meta(description="`allow` or `deny`", examples=["deny"])]
    """What happens to those whom it is about."""

    actions: Annotated[
        list[ActionName], Meta(min_length=1, description="a list of actions", examples=[["read"]])
    ]
    """What they want to do."""

    paths: Annotated[
        list[PathPattern],
        Meta(min_length=1, description="a list of paths or patterns", examples=[["house/**"]]),
    ] = msgspec.field(default_factory=lambda: ["**"])
    """Where; left out, everywhere."""

    users: Annotated[list[UserName], Meta(description="a list of users", examples=[["anna"]])] = (
        msgspec.field(default_factory=list)
    )
    """Who they are: these users, and those with one of ``roles``. Without either, it is anyone."""

    roles: Annotated[list[RoleName], Meta(description="a list of roles", examples=[["viewer"]])] = (
        msgspec.field(default_factory=list)
    )
    """Who they are, by role."""

    networks: Annotated[
        list[Network], Meta(description="a list of networks", examples=[["192.168.1.0/24"]])
    ] = msgspec.field(default_factory=list)
    """Where they come from; left out, anywhere."""

    hours: Annotated[list[HoursOfDay], Meta(description="a list of hours", examples=[["08:00-18:00"]])] = (
        msgspec.field(default_factory=list)
    )
    """When; left out, all day."""

    weekdays: Annotated[list[WeekdayName], Meta(description="a list of days", examples=[["sat", "sun"]])] = (
        msgspec.field(default_factory=list)
    )
    """On which days; left out, on all. Hours over midnight belong to the day on which they begin."""


class AccessSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who may come in, beyond users, their roles and what paths say themselves."""

    time_zone: Annotated[
        str,
        Meta(
            description="a name of the time zone database",
            examples=["Europe/Berlin"],
            extra={"check": find_time_zone},
        ),
    ] = ""
    """Time zone of all hours; left out, that of the machine."""

    sessions_per_user: Annotated[
        int,
        Meta(ge=0, le=1_000_000, description="a number of sessions, or 0 for any number", examples=[2]),
    ] = 0
    """Sessions that one user may have at a time, readers and publishers together; 0 is any number."""

    ask_purpose: Switch = False
    """Ask what somebody wants to watch for, where they log in with a browser. It is put on record with all
    that they watch then."""

    login_hours: Annotated[
        float, Meta(gt=0, le=24 * 366, description="a number of hours up to 8784", examples=[12])
    ] = 12
    """Hours that a login of a browser lasts."""

    webhook: Annotated[
        str,
        Meta(
            description="the URL of a server that decides (http, https)",
            examples=["https://example.org/may"],
            extra={"check": _check_server, "secret": True},
        ),
    ] = ""
    """Server that is asked by POST whether somebody may do what is allowed here; left out, nobody is."""

    tokens: Annotated[TokenSettings, Meta(description="an [access.tokens] table")] = msgspec.field(
        default_factory=TokenSettings
    )
    """Bearer tokens that let in who is no user."""

    rules: Annotated[
        list[AccessRule],
        Meta(max_length=MOST_RULES, description="[[access.rules]] tables with effect and actions"),
    ] = msgspec.field(default_factory=list)
    """The first rule that is about a request decides; where none is, all is as without rules."""
