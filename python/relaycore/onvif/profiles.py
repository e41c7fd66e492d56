"""The profiles of a device: for each camera its pictures as they are, and a smaller rendition of them.

A mirror has one, of the stream that it shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from relaycore._relaycore import Track
from relaycore.access.rules import camera_of
from relaycore.encode.running import EncoderState
from relaycore.errors import PathError
from relaycore.onvif.soap.operations import Call

__all__ = ["RENDITIONS", "Profile", "profiles", "sound_of"]

RENDITIONS: Final[tuple[Literal["main", "sub"], ...]] = ("main", "sub")


@dataclass(frozen=True, slots=True)
class Profile:
    """One of them, at one moment."""

    camera: str
    """The path of the camera, which is the token of its sources and their configurations, too."""

    rendition: Literal["main", "sub"]
    encoder: EncoderState
    source: EncoderState
    """That of the pictures as they are."""

    sound: Track | None

    encoded: tuple[str, Literal["main", "sub"]]
    """The camera and the rendition that it shows: others than its own where it is a mirror."""

    @property
    def is_mirror(self) -> bool:
        """Whether it shows what another path shows."""
        return self.encoded[0] != self.camera

    @property
    def token(self) -> str:
        """Its token, which is that of its encoders' configurations, too."""
        return f"{self.camera}/{self.rendition}"

    @property
    def path(self) -> str:
        """Where its stream is."""
        return self.camera if self.rendition == "main" else f"{self.camera}/sub"


def profiles(call: Call) -> Iterator[Profile]:
    """Those of the device that was asked. A camera that does not run has none."""
    mirrors, cameras = call.relay.mirrors(), call.relay.devices.cameras
    tracks = {stream.path: stream.tracks for stream in call.relay.streams()}
    for camera in call.device.cameras:
        shown = mirrors.get(camera, camera)
        source = camera_of(shown, cameras) or shown
        try:
            main, sub = (call.relay.encoder(source, rendition) for rendition in RENDITIONS)
        except PathError:
            continue
        sound = sound_of(tracks.get(camera, ()))
        if camera in mirrors:
            # It shows one stream, as if that were a camera's.
            state = main if source == shown else sub
            encoded = (source, RENDITIONS[source != shown])
            yield Profile(camera, "main", state, state, sound, encoded)
        else:
            yield Profile(camera, "main", main, main, sound, (source, "main"))
            yield Profile(camera, "sub", sub, main, sound, (source, "sub"))


def sound_of(tracks: tuple[Track, ...]) -> Track | None:
    """The first track of sound in a codec that Media1 has a name for."""
    return next((track for track in tracks if track.codec in ("aac", "pcmu", "pcma")), None)
