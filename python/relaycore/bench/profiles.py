"""The kinds of load that a server is put under, as data, and the plan that follows from one of them.

A profile is a list of parts, each a share of the readers that are asked for. Where parts behave badly, they
come beside the good ones, which are the measure: what they get is to be as good as without the others.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import Final, Literal

from relaycore.bench.plan import Behaviour, Group, Impairment, Plan, Source
from relaycore.bench.wishes import Wishes, parse_cpus, publisher_url, reader_url, rtp_url
from relaycore.errors import ConfigurationError
from relaycore.language import Message
from relaycore.settings.values import parse_bitrate

__all__ = ["PROFILES", "RAMP", "Part", "Profile", "make_plan"]

DURATION_S: Final = 20.0
"""Seconds that are measured, where nothing else is asked for."""

RAMP: Final = 200.0
"""Readers that begin in a second, where nothing else is asked for."""

READERS_START_MS: Final = 500
"""Time between the first group of pictures and the first reader: by then the publisher is there, and what the
server keeps of a stream without any reader is kept."""

WARM_UP_MS: Final = 5000
"""Shortest warm-up that is chosen here."""

SETTLE_MS: Final = 3000
"""Time between the last reader that begins and measuring, where the warm-up is chosen here."""

Joins = Literal["ramp", "at once", "spread"]
"""How readers begin: so many in a second, all in one moment, or evenly over the time that they have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Readers of a profile that are alike.

    ``share`` is their number as a share of the readers that are asked for, one at least. With ``late`` they
    begin when measuring begins, so that the others are seen without them first. ``read_share`` is the share
    of the stream's rate that slow ones read. ``stay_s`` is after how many seconds one leaves and comes again.
    """

    name: str
    share: float = 1.0
    joins: Joins = "ramp"
    late: bool = False
    behaviour: Behaviour = "good"
    read_share: float | None = None
    stay_s: float | None = None
    impairment: Impairment | None = None
    wrong_password: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A kind of load.

    With ``many_streams`` each reader has a stream of its own. ``restart_every_s`` is after how many seconds
    publishers leave and come again.
    """

    about: str
    parts: tuple[Part, ...] = (Part(name="readers"),)
    readers: int = 100
    bitrate: int = 4_000_000
    many_streams: bool = False
    restart_every_s: float | None = None

    @property
    def needs_user(self) -> bool:
        """Whether there has to be a user whose password can be wrong."""
        return any(part.wrong_password for part in self.parts)


_GOOD = Part(name="good")

PROFILES: Final[dict[str, Profile]] = {
    "steady": Profile(about="readers come one after the other and stay"),
    "join-storm": Profile(
        about="a tenth of the readers watch, then all the others come in one moment",
        parts=(
            Part(name="watching", share=0.1),
            Part(name="storm", share=0.9, joins="at once", late=True),
        ),
    ),
    "churn": Profile(
        about="each reader stays five seconds, leaves, and comes again",
        parts=(Part(name="readers", joins="spread", stay_s=5.0),),
    ),
    "stalled": Profile(
        about="one in five more stops reading after its first picture and keeps the connection open",
        parts=(_GOOD, Part(name="stalled", share=0.2, behaviour="stalled")),
    ),
    "slow": Profile(
        about="one in five more reads at half of the stream's rate",
        parts=(_GOOD, Part(name="slow", share=0.2, behaviour="slow", read_share=0.5)),
    ),
    "impaired": Profile(
        about="one in five more is behind a link with 1 % loss, 1 % reordering and 40 ms",
        parts=(
            _GOOD,
            Part(name="impaired", share=0.2, impairment=Impairment(loss=0.01, delay_ms=40, reorder=0.01)),
        ),
    ),
    "wrong-passwords": Profile(
        about="one in five more tries a wrong password, spread over the time that is measured",
        parts=(
            _GOOD,
            Part(name="guessing", share=0.2, joins="spread", late=True, wrong_password=True),
        ),
    ),
    "publisher-restart": Profile(
        about="the publisher leaves and comes again every five seconds", restart_every_s=5.0
    ),
    "many-streams": Profile(
        about="as many streams as readers, each read once", bitrate=1_000_000, many_streams=True
    ),
}


def make_plan(name: str, wishes: Wishes, password: str | None = None) -> Plan:
    """The plan of a profile. ConfigurationError for what cannot be done, with all that is wrong."""
    profile = PROFILES[name]
    if profile.needs_user and (wishes.user is None or password is None):
        raise ConfigurationError(
            Message("The profile {name} needs --user: whose password is it that is wrong?", name=name)
        )
    readers = wishes.readers or profile.readers
    streams = readers if profile.many_streams else 1
    url = reader_url(wishes, streams=streams)
    sources = _sources(profile, wishes, password, streams)
    start_ms = READERS_START_MS + round(wishes.gop * 1000) if sources else 0
    parts = [_count(part, readers) for part in profile.parts]
    duration_s = _first(wishes.duration, DURATION_S)
    warm_up_ms = _warm_up_ms(profile, wishes, parts, start_ms, duration_s)
    groups = [
        Group(
            name=part.name,
            url=url,
            paths=streams,
            count=count,
            transport=wishes.transport,
            user=wishes.user,
            password=password,
            wrong_password=part.wrong_password,
            ramp_per_second=_ramp(part, count, wishes.ramp, duration_s),
            start_ms=warm_up_ms if part.late else start_ms,
            stay_ms=None if part.stay_s is None else round(part.stay_s * 1000),
            behaviour=part.behaviour,
            read_rate=None if part.read_share is None else round(part.read_share * _bitrate(profile, wishes)),
            impairment=part.impairment,
        )
        for part, count in zip(profile.parts, parts, strict=True)
    ]
    cpus = None if wishes.cpus is None else parse_cpus(wishes.cpus)
    return Plan(
        seed=wishes.seed,
        threads=wishes.threads or _threads(cpus),
        cpus=cpus,
        warm_up_ms=warm_up_ms,
        duration_ms=round(duration_s * 1000),
        sources=sources,
        groups=groups,
    )


def _sources(profile: Profile, wishes: Wishes, password: str | None, streams: int) -> list[Source]:
    if sum((wishes.no_publish, wishes.publish is not None, wishes.source_rtp is not None)) > 1:
        raise ConfigurationError(
            Message("--publish, --no-publish and --source-rtp exclude each other: keep one.")
        )
    url, rtp = publisher_url(wishes, streams=streams), rtp_url(wishes)
    if profile.restart_every_s is not None and url is None:
        raise ConfigurationError(Message("This profile has its publisher leave, so there has to be one."))
    target = url or rtp
    if target is None:
        return []
    restart = profile.restart_every_s
    return [
        Source(
            kind="rtp_udp" if url is None else "publish",
            url=target,
            user=None if url is None else wishes.user,
            password=None if url is None else password,
            transport=wishes.publish_transport,
            count=streams,
            bitrate=_bitrate(profile, wishes),
            fps=wishes.fps,
            gop_ms=round(wishes.gop * 1000),
            ramp_per_second=_first(wishes.ramp, RAMP) if streams > 1 else None,
            restart_every_ms=None if restart is None else round(restart * 1000),
        )
    ]


def _bitrate(profile: Profile, wishes: Wishes) -> int:
    return profile.bitrate if wishes.bitrate is None else parse_bitrate(wishes.bitrate)


def _count(part: Part, readers: int) -> int:
    return max(1, round(part.share * readers))


def _ramp(part: Part, count: int, ramp: float | None, duration_s: float) -> float | None:
    if part.joins == "at once":
        return ramp
    if part.joins == "spread":
        return max(0.01, count / _first(part.stay_s, duration_s))
    return _first(ramp, RAMP)


def _first(wish: float | None, otherwise: float) -> float:
    return otherwise if wish is None else wish


def _warm_up_ms(profile: Profile, wishes: Wishes, counts: list[int], start_ms: int, duration_s: float) -> int:
    """As asked for, or long enough for all readers to come that do not come late, in whole seconds."""
    if wishes.warm_up is not None:
        return round(wishes.warm_up * 1000)
    longest = WARM_UP_MS
    for part, count in zip(profile.parts, counts, strict=True):
        ramp = _ramp(part, count, wishes.ramp, duration_s)
        if not part.late and ramp is not None:
            longest = max(longest, start_ms + math.ceil(1000 * count / ramp) + SETTLE_MS)
    return math.ceil(longest / 1000) * 1000


def _threads(cpus: list[int] | None) -> int:
    """One for each processor that was named; otherwise half of them, since the server needs some."""
    return len(cpus) if cpus else max(1, (os.cpu_count() or 1) // 2)
