"""The second rendition of a camera: smaller, of the same pictures and sound, by an encoder of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from relaycore._relaycore import Handoff, Stream, Track
from relaycore.encode.new_thread import in_new_thread
from relaycore.encode.profiles import default_bitrate, lighter
from relaycore.encode.running import EncoderOptions, EncoderState, EncoderWish, even_size, options_of, wished
from relaycore.encode.video import VideoEncoder, VideoFormat, parameter_sets
from relaycore.errors import PathError
from relaycore.language import Message
from relaycore.pipeline.audio_loop import AudioLoop
from relaycore.pipeline.camera_encoding import CameraEncoding, profile_in, state_of
from relaycore.pipeline.masking import Masking
from relaycore.pipeline.presence import Presence
from relaycore.pipeline.view import ViewControl

__all__ = ["SUB_SIZE", "SecondRendition", "largest_second", "no_second"]

SUB_GOP_SECONDS: Final = 1.0
"""Seconds from one random access point of it to the next."""

SUB_RATE: Final = 0.65
"""Bits of it as a part of what would keep it as clear as the first: it is for looking at many at a time."""

SUB_SIZE: Final = (640, 360)
"""Width and height of it at most."""


def largest_second(form: VideoFormat) -> VideoFormat:
    """The second rendition of what has this format, at its best."""
    width, height = even_size(form.width, form.height, *SUB_SIZE)
    bitrate = int(default_bitrate(width, height, form.fps) * SUB_RATE)
    return replace(form, width=width, height=height, bitrate=bitrate, gop=SUB_GOP_SECONDS)


def no_second() -> PathError:
    """Why there is none where pictures are not decoded, or not any more."""
    return PathError(Message("The camera has no pictures that a second rendition could be made of."))


@dataclass(frozen=True, slots=True)
class _Made:
    """It, while it is made."""

    stream: Stream
    encoding: CameraEncoding


class SecondRendition:
    """Makes it as often as it is wanted. All methods block and may be called from any thread."""

    def __init__(
        self,
        stream: Stream,
        form: VideoFormat,
        main: CameraEncoding,
        *,
        masking: Masking,
        view: ViewControl,
        presence: Presence,
        stopping: threading.Event,
    ) -> None:
        """``stream``, ``form`` and ``main`` are of the first rendition."""
        self._stream, self._main = stream, main
        self._masking, self._view = masking, view
        self._presence = presence
        self._stopping = stopping
        self._largest = largest_second(form)
        self._form: VideoFormat | None = None
        self._made: _Made | None = None
        self._lock = threading.Lock()
        self.sound: AudioLoop | None = None
        """What writes the sound of the first rendition."""

    def state(self) -> EncoderState:
        """How it is encoded; where it is not made: how it would be."""
        with self._lock:
            if self._made is not None:
                return self._made.encoding.state()
            return state_of(self._planned(), profile_in(self._stream.tracks[0].parameters))

    def options(self) -> EncoderOptions:
        """What its encoder can be changed to."""
        profile = self.state().profile
        return self._options([] if profile is None else [profile])

    def change(self, wish: EncoderWish) -> None:
        """Changes its encoder, or how it is encoded when it is made again."""
        with self._lock:
            if self._made is not None:
                self._form = self._made.encoding.change(wish)
            else:
                self._form = wished(self._planned(), wish, self._options([]))

    def force_key_frame(self) -> None:
        """Has its next picture be a random access point."""
        with self._lock:
            encoding = None if self._made is None else self._made.encoding
        if encoding is not None:
            encoding.loop.force_key_frame()

    def begin(self, make_stream: Callable[[Sequence[Track], bool], Stream]) -> Stream:
        """Makes it, by the same kind of factory as the pipeline has. PathError when that has ended."""
        with self._lock:
            if self._made is not None:
                return self._made.stream
            if self._stopping.is_set():
                raise no_second()
            form, profile = self._planned(), lighter(self._main.profile)
            parameters = in_new_thread(lambda: parameter_sets(VideoEncoder(profile, form)))
            stream = make_stream([Track.h264(parameters), *self._stream.tracks[1:]], True)
            encoding = CameraEncoding(
                stream,
                Handoff(),
                profile,
                form,
                self._largest,
                slate=self._presence.lost_text,
                resumed=lambda: None,
                failed=self._presence.notice,
                masking=self._masking,
                view=self._view,
                stopping=self._stopping,
            )
            self._made = _Made(stream, encoding)
            self._main.loop.set_second(encoding.loop)
            if self.sound is not None:
                self.sound.write_also(stream)
            return stream

    def end(self) -> bool:
        """Ends it, after the picture that is encoded now; False when there is none."""
        with self._lock:
            made, self._made = self._made, None
            if made is None:
                return False
            self._main.loop.set_second(None)
            if self.sound is not None:
                self.sound.write_also(None)
        return True

    def _planned(self) -> VideoFormat:
        """As it was last, or as it is to be at first."""
        return self._form or self._largest

    def _options(self, profiles: Sequence[str]) -> EncoderOptions:
        return options_of(self._largest.width, self._largest.height, self._largest.fps, profiles)
