"""The settings of alerts: what is odd enough to be told, and to whom."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from relaycore.settings.urls import check_webhook
from relaycore.settings.values import Switch

__all__ = [
    "AlertRule",
    "AlertSettings",
    "AmountRule",
    "DarkRule",
    "FrozenRule",
    "HourRule",
    "LostRule",
    "MailSettings",
    "NetworkRule",
    "Severity",
    "SharedLinkRule",
    "ShedRule",
    "SprayingRule",
    "ViewerRule",
]

Severity = Literal["info", "warning", "critical"]
"""How bad it may be."""

SeverityName = Annotated[Severity, Meta(description="`info`, `warning` or `critical`", examples=["critical"])]

Minutes = Annotated[
    int, Meta(ge=1, le=10_080, description="a number of minutes, from 1 to 10080", examples=[60])
]

Seconds = Annotated[
    int, Meta(ge=1, le=3_600, description="a number of seconds, from 1 to 3600", examples=[30])
]

HistoryDays = Annotated[int, Meta(ge=1, le=27, description="a number of days, from 1 to 27", examples=[14])]

Count = Annotated[int, Meta(ge=2, le=1_000, description="a number from 2 to 1000", examples=[5])]

Many = Annotated[int, Meta(ge=1, le=1_000_000, description="a number from 1 to 1000000", examples=[20])]

Factor = Annotated[float, Meta(ge=1.1, le=1_000, description="a number from 1.1 to 1000", examples=[3.0])]


class AlertRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all rules have."""

    enabled: Switch = True
    """Look for it."""

    severity: SeverityName = "warning"
    """How bad it is."""

    repeat_minutes: Minutes = 60
    """Minutes in which the same of the same subject is counted, and not told again."""


class SprayingRule(AlertRule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Wrong passwords for many accounts from one network."""

    severity: SeverityName = "critical"
    """How bad it is."""

    accounts: Count = 5
    """Accounts that are tried. Those that have watched from this network before do not count; five attempts
    at names that nobody has count as one account."""

    minutes: Minutes = 60
    """Minutes in which that happens."""


class NetworkRule(AlertRule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One account watches from several networks at once, one of which is new to it."""

    networks: Count = 2
    """Networks of an account that has a history; one that has none yet is told of with two more."""

    seconds: Seconds = 180
    """Seconds that it lasts: a telephone that changes its network looks the same for a moment."""

    days: HistoryDays = 10
    """Days on which an account has watched before its networks count as known."""


class SharedLinkRule(AlertRule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A share link is used from many networks."""

    networks: Count = 5
    """Networks."""

    minutes: Minutes = 60
    """Minutes in which that happens."""


class HourRule(AlertRule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An account watches at an hour at which it did not in the four weeks before."""

    severity: SeverityName = "info"
    """How bad it is."""

    repeat_minutes: Minutes = 720
    """Minutes in which the same of the same subject is counted, and not told again."""

    days: HistoryDays = 15
    """Days on which an account has watched before its hours count as known."""


class AmountRule(AlertRule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An account watches far more on a day than on any day of the four weeks before."""

    repeat_minutes: Minutes = 720
    """Minutes in which the same of the same subject is counted, and not told again."""

    factor: Factor = 3.0
    """How many times as much."""

    days: HistoryDays = 7
    """Days on which an account has watched before its amounts count as known."""

    megabytes: Many = 1_000
    """Megabytes of a day that are never too much."""

    sessions: Many = 30
    """Sessions of a day that are never too many."""


class ViewerRule(AlertRule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The readers of a path become many more within minutes, and more than in the four weeks before."""

    factor: Factor = 3.0
    """How many times as many."""

    viewers: Many = 15
    """Readers that must have come."""

    minutes: Minutes = 5
    """Minutes in which they come."""


class FrozenRule(AlertRule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The picture of a camera does not change any more, not even by noise."""

    seconds: Seconds = 60
    """Seconds without a change."""


class DarkRule(AlertRule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The picture of a camera suddenly becomes dark, as when somebody covers it."""

    seconds: Seconds = 15
    """Seconds that it is dark."""

    level: Annotated[
        int, Meta(ge=1, le=120, description="a brightness, from 1 to 120 of 255", examples=[16])
    ] = 16
    """Mean brightness of a dark picture, of 255. It was twice as bright a minute before, or is told of as
    no alert: an evening falls slowly."""


class LostRule(AlertRule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A camera, or a source of a path, is gone."""

    severity: SeverityName = "critical"
    """How bad it is."""

    seconds: Seconds = 10
    """Seconds that it is gone."""


class ShedRule(AlertRule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A reader keeps missing pictures because it is too slow."""

    severity: SeverityName = "info"
    """How bad it is."""

    times: Count = 5
    """How often it misses some."""

    minutes: Minutes = 30
    """Minutes in which that happens."""


class MailSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where alerts go by e-mail."""

    server: Annotated[
        str, Meta(min_length=1, description="the name of a mail server", examples=["mail.example.org"])
    ]
    """The server that takes mail to be sent on (SMTP)."""

    to: Annotated[
        list[
            Annotated[
                str,
                Meta(
                    pattern=r"^[^\s,<>]{1,200}@[^\s,<>@]{1,200}$",
                    description="an address",
                    examples=["guard@example.org"],
                ),
            ]
        ],
        Meta(
            min_length=1, max_length=20, description="a list of addresses", examples=[["guard@example.org"]]
        ),
    ]
    """Who gets it."""

    sender: Annotated[
        str,
        Meta(
            pattern=r"^[^\s,<>]{1,200}@[^\s,<>@]{1,200}$",
            description="an address",
            examples=["relaycore@example.org"],
        ),
    ]
    """Whom it is from."""

    port: Annotated[int, Meta(ge=1, le=65_535, description="a port from 1 to 65535", examples=[587])] = 587
    """Port of the server: 587, or 465 where it is encrypted from the beginning."""

    security: Annotated[
        Literal["starttls", "tls", "none"],
        Meta(description="`starttls`, `tls` or `none`", examples=["starttls"]),
    ] = "starttls"
    """How the connection is encrypted: after it has begun, from its beginning, or not at all. No password is
    sent where it is not."""

    user: Annotated[str, Meta(max_length=200, description="a user of the server", examples=["relaycore"])] = (
        ""
    )
    """Who logs in, where the server wants that."""

    password_file: Annotated[
        str, Meta(description="the name of a file", examples=["/etc/relaycore/mail-password"])
    ] = ""
    """File with the password in its first line."""

    password_variable: Annotated[
        str,
        Meta(
            pattern=r"^[A-Za-z0-9_]{0,100}$",
            description="the name of an environment variable",
            examples=["MAIL_PASSWORD"],
        ),
    ] = ""
    """Environment variable with the password, where no file is named."""


class AlertSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is told as odd, and to whom. All goes to the log, to the events of the library and to the API."""

    enabled: Switch = True
    """Look for anything at all. What is looked for in the behaviour of people needs the ledger."""

    webhooks: Annotated[
        list[
            Annotated[
                str,
                Meta(
                    description="a URL of http or https",
                    examples=["https://example.org/alerts"],
                    extra={"check": check_webhook, "secret": True},
                ),
            ]
        ],
        Meta(max_length=8, description="a list of URLs", examples=[["https://example.org/alerts"]]),
    ] = msgspec.field(default_factory=list)
    """URLs that each alert is posted to, as JSON."""

    mail: Annotated[MailSettings, Meta(description="a [alerts.mail] table")] | None = None
    """Whom each alert is mailed to."""

    spraying: SprayingRule = msgspec.field(default_factory=SprayingRule)
    networks: NetworkRule = msgspec.field(default_factory=NetworkRule)
    shared_link: SharedLinkRule = msgspec.field(default_factory=SharedLinkRule)
    hour: HourRule = msgspec.field(default_factory=HourRule)
    amount: AmountRule = msgspec.field(default_factory=AmountRule)
    viewers: ViewerRule = msgspec.field(default_factory=ViewerRule)
    shed: ShedRule = msgspec.field(default_factory=ShedRule)
    camera_frozen: FrozenRule = msgspec.field(default_factory=FrozenRule)
    camera_dark: DarkRule = msgspec.field(default_factory=DarkRule)
    camera_lost: LostRule = msgspec.field(default_factory=LostRule)
