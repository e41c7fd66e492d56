"""What a person asks of a load test: one field for each option of ``relaycore bench run``."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal
from urllib.parse import SplitResult, urlunsplit

import msgspec
from msgspec import Meta

from relaycore.bench.plan import ReaderTransport, SourceTransport
from relaycore.bench.quality import HighestLatency, Quality
from relaycore.errors import ConfigurationError
from relaycore.language import Message
from relaycore.settings import BitRate, UserName
from relaycore.settings.urls import masked, split_url

__all__ = [
    "NUMBER",
    "CpuList",
    "Measures",
    "Readers",
    "Seconds",
    "Wishes",
    "parse_cpus",
    "publisher_url",
    "reader_url",
    "rtp_url",
]

NUMBER: Final = "{n}"
"""Stands in a URL for the number of the stream."""

DEFAULT_PATH: Final = "bench"
"""Path of a URL that has none, where the load test publishes to it."""

_CPUS = re.compile(r"([0-9]{1,4})(?:-([0-9]{1,4}))?")


def parse_cpus(text: str) -> list[int]:
    """The processors of ``0,2-3``. ConfigurationError when it is not of that form."""
    found: list[int] = []
    for part in text.split(","):
        match = _CPUS.fullmatch(part.strip())
        last = int(match[2] or match[1]) if match is not None else -1
        if match is None or last < int(match[1]):
            raise ConfigurationError(
                Message("{text} are no processors: write their numbers, like 1 or 0,2-3.", text=repr(text))
            )
        found += range(int(match[1]), last + 1)
    return list(dict.fromkeys(found))


Readers = Annotated[
    int, Meta(ge=1, le=100_000, description="how many readers, from 1 to 100000", examples=[100])
]
Seconds = Annotated[float, Meta(ge=1, le=86_400, description="seconds, from 1 to 86400", examples=[20])]
CpuList = Annotated[
    str,
    Meta(description="numbers of processors", examples=["0,2-3"], extra={"check": parse_cpus}),
]
_Fps = Annotated[float, Meta(ge=1, le=240, description="pictures per second, from 1 to 240", examples=[30])]
_Gop = Annotated[
    float, Meta(ge=0.1, le=60, description="seconds between key frames, from 0.1 to 60", examples=[2])
]
_WarmUp = Annotated[
    float, Meta(ge=0, le=3600, description="seconds before measuring begins, from 0 to 3600", examples=[5])
]
_Ramp = Annotated[
    float, Meta(ge=0.1, le=100_000, description="readers per second, from 0.1 to 100000", examples=[200])
]
_Threads = Annotated[int, Meta(ge=1, le=256, description="threads that read, from 1 to 256", examples=[1])]
_Seed = Annotated[int, Meta(ge=0, le=2**63 - 1, description="a whole number", examples=[1])]
_Transport = Annotated[ReaderTransport, Meta(description="`tcp`, `udp` or `mixed`", examples=["tcp"])]
_Publishing = Annotated[SourceTransport, Meta(description="`tcp` or `udp`", examples=["tcp"])]

Publish = Literal["same", "other", "rtp", "none"]
"""Whether the load test publishes to the URL that is read, to another one, sends plain RTP, or nothing."""


class Wishes(msgspec.Struct, frozen=True, kw_only=True):
    """A load test as it was asked for. What is ``None`` follows from the profile."""

    url: str
    """RTSP URL that is read."""

    readers: Readers | None = None
    transport: _Transport = "tcp"
    bitrate: BitRate | None = None
    fps: _Fps = 30.0
    gop: _Gop = 2.0
    duration: Seconds | None = None
    warm_up: _WarmUp | None = None
    ramp: _Ramp | None = None
    threads: _Threads | None = None
    cpus: CpuList | None = None
    user: UserName | None = None
    seed: _Seed = 0

    publish: str | None = None
    """RTSP URL to publish to, where it is another one."""

    publish_transport: _Publishing = "tcp"

    source_rtp: str | None = None
    """``udp://HOST:PORT`` to send plain RTP to, for servers that take no publisher."""

    no_publish: bool = False

    @property
    def publishing(self) -> Publish:
        """Where what is read comes from."""
        if self.no_publish:
            return "none"
        if self.source_rtp is not None:
            return "rtp"
        return "same" if self.publish is None else "other"


class Measures(msgspec.Struct, frozen=True, kw_only=True):
    """What is measured beside the load, and searched for."""

    pid: Annotated[int, Meta(ge=1, description="the number of a process", examples=[1234])] | None = None
    """Process of the server under test."""

    floor: bool = False
    """Whether a bare loop is measured in the same run."""

    find_max: bool = False
    most: Readers = 100_000
    """Most readers that are tried."""

    p99_ms: HighestLatency = 100.0
    allow_loss: bool = False

    @property
    def quality(self) -> Quality:
        """What the readers are to get."""
        return Quality(p99_ms=self.p99_ms, lossless=not self.allow_loss)


def reader_url(wishes: Wishes, *, streams: int) -> str:
    """The URL that readers read, with ``{n}`` in it where there is more than one stream.

    ConfigurationError when it cannot be read, or has a password in it.
    """
    url = _rtsp(wishes.url, "URL")
    if wishes.publishing == "same":
        url = _with_path(url)
    return _numbered(url, "URL", streams, add=wishes.publishing == "same")


def publisher_url(wishes: Wishes, *, streams: int) -> str | None:
    """The URL that is published to; ``None`` when none is. ConfigurationError as for readers."""
    if wishes.publishing == "same":
        return reader_url(wishes, streams=streams)
    if wishes.publishing != "other":
        return None
    assert wishes.publish is not None
    return _numbered(_rtsp(wishes.publish, "--publish"), "--publish", streams, add=False)


def rtp_url(wishes: Wishes) -> str | None:
    """Where plain RTP goes; ``None`` when none is sent."""
    if wishes.publishing != "rtp":
        return None
    assert wishes.source_rtp is not None
    parts = _split(wishes.source_rtp, "--source-rtp")
    if parts.scheme != "udp" or parts.port is None or parts.path.strip("/"):
        raise ConfigurationError(
            Message(
                "--source-rtp: {source_rtp} is not right; write it like udp://127.0.0.1:5004.",
                source_rtp=repr(masked(wishes.source_rtp)),
            )
        )
    return f"udp://{parts.netloc}"


def _rtsp(url: str, option: str) -> str:
    if _split(url, option).scheme != "rtsp":
        raise ConfigurationError(
            Message(
                "{option}: {url} is not right; it begins with rtsp://.", option=option, url=repr(masked(url))
            )
        )
    return url


def _split(url: str, option: str) -> SplitResult:
    try:
        parts = split_url(url)
    except ConfigurationError as error:
        raise ConfigurationError(f"{option}: {error}") from None
    if "@" in parts.netloc:
        raise ConfigurationError(
            Message(
                "{option}: leave user and password out of {url}, which every program can see; name "
                "the user with --user, the password is asked for.",
                option=option,
                url=repr(masked(url)),
            )
        )
    return parts


def _with_path(url: str) -> str:
    parts = split_url(url)
    return url if parts.path.strip("/") else urlunsplit(parts._replace(path=f"/{DEFAULT_PATH}"))


def _numbered(url: str, option: str, streams: int, *, add: bool) -> str:
    """The URL of several streams: with ``{n}``, which ``add`` puts in where it is missing."""
    if (NUMBER in url) == (streams > 1):
        return url
    if streams == 1:
        raise ConfigurationError(
            Message(
                "{option}: {number} stands for one of many streams, and this profile has only one.",
                option=option,
                number=NUMBER,
            )
        )
    if not add:
        raise ConfigurationError(
            Message(
                "{option}: there are {streams} streams; put {number} where their numbers are to stand.",
                option=option,
                streams=streams,
                number=NUMBER,
            )
        )
    parts = split_url(url)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}{NUMBER}"))
