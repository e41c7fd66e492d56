"""The settings of a path: where its stream comes from, who may use it, and where it goes on to."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from relaycore.errors import ConfigurationError
from relaycore.language import Message
from relaycore.settings.multicast import MulticastSettings
from relaycore.settings.protocol import ProtocolSettings
from relaycore.settings.urls import check_forward, check_source, check_webhook, masked
from relaycore.settings.values import BitRate, Encoder, GopSeconds, JoinPolicy, Switch, parse_bitrate

__all__ = ["HOOK_PLACEHOLDERS", "Hook", "PathSettings", "Transcode", "Transport"]

HOOK_PLACEHOLDERS: Final = ("path", "session", "user", "peer", "reason")
"""What may stand in braces in a hook. Its command also finds them in its environment, in capitals behind
``RELAYCORE_``."""

Transport = Literal["auto", "tcp", "udp"]
"""How RTP comes from an RTSP server: inside the connection, in datagrams, or in the first way that works."""

Transcode = Literal["none", "auto", "h264"]
"""Whether PATH/h264 is made: never, where players cannot open what is published, or always."""

_PLACEHOLDER = re.compile(r"\{([A-Za-z_]+)\}")


def _check_sources(sources: str | list[str]) -> None:
    if not sources:
        raise ConfigurationError(Message("The list of sources is empty: name one, or leave it out."))


def _check_hook(hook: list[str] | str) -> None:
    if isinstance(hook, str):
        check_webhook(hook)
    elif not hook or not hook[0].strip() or any("\0" in word for word in hook):
        raise ConfigurationError(
            Message("A hook is a command as a list of words, its program first, or a URL.")
        )
    for word in [hook] if isinstance(hook, str) else hook:
        for name in _PLACEHOLDER.findall(word):
            if name not in HOOK_PLACEHOLDERS:
                raise ConfigurationError(
                    Message(
                        "{{name}} is not known: use {names}.", name=name, names=", ".join(HOOK_PLACEHOLDERS)
                    )
                )


Source = Annotated[
    str,
    Meta(
        description="a media file, or the URL of a stream (rtsp, rtsps, rtmp, rtmps, srt, http, https, udp, "
        "rtp)",
        examples=["rtsp://user:password@camera/stream"],
        extra={"check": check_source},
    ),
]

Forward = Annotated[
    str,
    Meta(
        description="a URL to publish to (rtsp, rtsps, rtmp, rtmps, srt, udp, rtp)",
        examples=["rtmp://server/app/key"],
        extra={"check": check_forward},
    ),
]

Hook = Annotated[
    list[str] | str,
    Meta(
        description="a command as a list of words, or the URL of a webhook (http, https), with "
        + ", ".join(f"{{{name}}}" for name in HOOK_PLACEHOLDERS)
        + " where they are wanted",
        examples=[["notify", "{path}"]],
        extra={"check": _check_hook},
    ),
]
"""What is done when something happens: a command, started without a shell, or a webhook."""

Hooks = Annotated[list[Hook], Meta(description="a list of hooks", examples=[[["notify", "{path}"]]])]

Purpose = Annotated[
    str,
    Meta(
        pattern=r"^[^\x00-\x1f\x7f]{1,200}$",
        description="1 to 200 characters on one line",
        examples=["safety of the crane"],
    ),
]

Allowed = Annotated[bool | list[str], Meta(description="true, false or a list of users", examples=[["anna"]])]


class PathSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to happen at a path. ``repr`` shows its URLs without users and passwords."""

    source: Annotated[
        Source | list[Source] | None,
        Meta(
            description="a media file, the URL of a stream, or a list of them that are tried in order",
            examples=["rtsp://user:password@camera/stream"],
            extra={"check": _check_sources},
        ),
    ] = None
    """Where the stream comes from: a URL, a media file, or several that are tried in this order. ``None``
    waits for a publisher."""

    source_on_demand: Switch = False
    """Open the source when the first reader comes, and not before."""

    on_demand_close_after: Annotated[
        float, Meta(ge=0, le=86_400, description="seconds, up to a day", examples=[10.0])
    ] = 10.0
    """Seconds without a reader after which a source on demand is closed."""

    source_transport: Annotated[Transport, Meta(description="`auto`, `tcp` or `udp`", examples=["tcp"])] = (
        "auto"
    )
    """How RTP comes from an RTSP source; ``auto`` takes TCP, and UDP where the server knows no other."""

    loop: Switch = True
    """Play a file that is the source again and again."""

    publish: Allowed = True
    """Who may publish here: whoever may anywhere, nobody, or these users."""

    read: Allowed = True
    """Who may read here: whoever may anywhere, nobody, or these users."""

    purpose: Purpose | None = None
    """What the path is read and published for; it stands in the ledger beside each session."""

    protocol: Annotated[
        ProtocolSettings | None, Meta(description="a table with responsible, contact, legal_basis, notice...")
    ] = None
    """What is on record of the processing of personal data at the path."""

    most_readers: Annotated[
        int, Meta(ge=0, le=1_000_000, description="a number of readers, or 0 for any number", examples=[5])
    ] = 0
    """Readers that may be here at a time, those of PATH/h264 included; 0 is any number."""

    longest_session: Annotated[
        float, Meta(ge=0, le=31_536_000, description="seconds, or 0 for any time", examples=[3600])
    ] = 0.0
    """Seconds after which a reader has to come anew; 0 is any time."""

    takeover: Switch = False
    """Let a second publisher take the place of the first, instead of refusing it."""

    publisher_timeout: Annotated[
        float, Meta(ge=0, le=86_400, description="seconds, up to a day", examples=[30.0])
    ] = 30.0
    """Seconds that readers stay after a publisher or a source has gone, waiting for the next."""

    join: JoinPolicy = "squeeze"
    """How readers of a published or pulled stream start."""

    transcode: Annotated[Transcode, Meta(description="`none`, `auto` or `h264`", examples=["auto"])] = "none"
    """Make H.264 at PATH/h264: ``auto`` only where the codec is one that many players do not open."""

    encoder: Encoder = "auto"
    """Encoder of ``transcode``, as for a camera."""

    bitrate: BitRate | None = None
    """Bit rate of ``transcode``; ``None`` follows from size and frame rate."""

    gop_seconds: GopSeconds = 1.0
    """Seconds between key frames of ``transcode``."""

    forward: Annotated[
        list[Forward], Meta(description="a list of URLs to publish to", examples=[["rtmp://server/app/key"]])
    ] = msgspec.field(default_factory=list)
    """Servers to which the stream is published, too, and again when the connection is lost."""

    multicast: Annotated[
        MulticastSettings | None, Meta(description="a table with group, port, ttl and interface")
    ] = None
    """Where packets go for readers that ask for multicast; ``None`` refuses them."""

    on_ready: Hooks = msgspec.field(default_factory=list)
    """What is done when the path has a stream."""

    on_not_ready: Hooks = msgspec.field(default_factory=list)
    """What is done when it has none any more."""

    on_reader_start: Hooks = msgspec.field(default_factory=list)
    """What is done when a reader begins to play."""

    on_reader_end: Hooks = msgspec.field(default_factory=list)
    """What is done when a reader has ended."""

    @property
    def sources(self) -> list[str]:
        """``source`` as a list, empty where there is none."""
        if self.source is None:
            return []
        return [self.source] if isinstance(self.source, str) else list(self.source)

    @property
    def bits_per_second(self) -> int | None:
        """``bitrate`` as a number. ConfigurationError when it cannot be read."""
        return None if self.bitrate is None else parse_bitrate(self.bitrate)

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in self.__rich_repr__())
        return f"PathSettings({fields})"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        """The settings that differ from their defaults."""
        plain = PathSettings()
        return [
            (name, _without_secrets(getattr(self, name)))
            for name in self.__struct_fields__
            if getattr(self, name) != getattr(plain, name)
        ]


def _without_secrets(value: Any) -> Any:
    if isinstance(value, str):
        return masked(value)
    return [_without_secrets(item) for item in value] if isinstance(value, list) else value
