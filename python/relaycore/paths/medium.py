"""Opens what FFmpeg reads: files and URLs, with the options that live sources need, and errors for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import av

from relaycore.capture.device_errors import reason_of
from relaycore.capture.ffmpeg_log import captured_log
from relaycore.errors import SourceError
from relaycore.language import Message
from relaycore.paths.bridge import Bridge
from relaycore.paths.media_tracks import MediaPacket
from relaycore.settings import masked

__all__ = ["Medium", "open_medium", "scheme_of"]

OPEN_TIMEOUT_S: Final = 10.0
"""Seconds that a server gets until it has told what it sends."""

READ_TIMEOUT_S: Final = 10.0
"""Seconds without a byte after which a source is taken for lost."""

ANALYSE_US: Final = 1_000_000
"""Microseconds of a live source that FFmpeg looks at to find out what its tracks are."""

_OVER_HTTP: Final = "http,https,httpproxy,tcp,tls,crypto"
_PROTOCOLS: Final = {
    "rtsp": "rtp,udp,tcp",
    "rtsps": "rtp,udp,tcp,tls",
    "rtmp": "rtmp,tcp",
    "rtmps": "rtmps,rtmp,tcp,tls",
    "http": _OVER_HTTP,
    "https": _OVER_HTTP,
    "udp": "udp",
    "rtp": "rtp,udp",
}
"""What FFmpeg may open by scheme: a play list from a server must not make it read files."""

_SEGMENTED: Final = frozenset({"hls", "dash"})
"""Formats whose packets come in heaps of seconds, so that they are paced although they are live."""


class Medium:
    """What is open. ``paced``: it delivers faster than it is played, so its times are waited for."""

    def __init__(self, place: str, container: av.container.InputContainer, bridge: Bridge | None) -> None:
        self.place = place
        self.container = container
        self.paced = scheme_of(place) == "file" or bool(container.duration) or _is_segmented(container)
        self._bridge = bridge

    def packets(self) -> Iterator[MediaPacket]:
        """All that it has, in the order of decoding. SourceError when it cannot be read any more."""
        try:
            yield from self.container.demux()
        except (av.FFmpegError, OSError, ValueError) as error:
            raise SourceError(
                Message("{place} cannot be read any more: {why}.", place=masked(self.place), why=_why(error))
            ) from None

    def close(self) -> None:
        """Closes the connection or file. Only from the thread that reads."""
        self.container.close()
        if self._bridge is not None:
            self._bridge.close()


def scheme_of(place: str) -> str:
    """The scheme of a URL in small letters, ``file`` for the name of a file."""
    scheme, separator, _ = place.partition("://")
    return scheme.lower() if separator else "file"


def open_medium(place: str, transport: str) -> Medium:
    """Opens a file or URL. SourceError with a sentence for a person when that fails.

    ``transport`` is that of RTSP: ``tcp``, ``udp`` or ``auto``, which is ``tcp`` here.
    """
    scheme = scheme_of(place)
    bridge: Bridge | None = None
    with captured_log() as log:
        try:
            if scheme == "srt":
                bridge = Bridge.receive_srt(place)
                container = av.open(
                    bridge.stream, "r", format="mpegts", container_options=_options(scheme, transport)
                )
            elif scheme == "file":
                container = av.open(place, "r")
            else:
                container = av.open(
                    place,
                    "r",
                    container_options=_options(scheme, transport),
                    timeout=(OPEN_TIMEOUT_S, READ_TIMEOUT_S),
                )
        except (av.FFmpegError, OSError, ValueError) as error:
            if bridge is not None:
                bridge.close()
            said = (bridge and bridge.reason()) or masked(log.last_error() or "") or _why(error)
            raise SourceError(
                Message("{place} cannot be opened: {said}.", place=masked(place), said=said)
            ) from None
    return Medium(place, container, bridge)


def _is_segmented(container: av.container.InputContainer) -> bool:
    return not _SEGMENTED.isdisjoint(container.format.name.split(","))


def _options(scheme: str, transport: str) -> dict[str, str]:
    options = {"analyzeduration": str(ANALYSE_US), "fpsprobesize": "0"}
    if scheme in _PROTOCOLS:
        options["protocol_whitelist"] = _PROTOCOLS[scheme]
    if scheme in ("rtsp", "rtsps"):
        options["rtsp_transport"] = "udp" if transport == "udp" else "tcp"
    return options


def _why(error: Exception) -> str:
    if isinstance(error, av.error.ExitError):
        return f"no answer within {OPEN_TIMEOUT_S:g} seconds"
    return reason_of(error) if isinstance(error, (av.FFmpegError, OSError)) else masked(str(error))
