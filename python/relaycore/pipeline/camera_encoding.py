"""One encoding of a camera's pictures into one stream: what it is, what it can be, and how it is changed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from relaycore._relaycore import H264Parameters, Handoff, Stream
from relaycore.encode.new_thread import in_new_thread
from relaycore.encode.profiles import EncoderProfile
from relaycore.encode.running import (
    EncoderOptions,
    EncoderState,
    EncoderWish,
    options_of,
    profile_name,
    wished,
)
from relaycore.encode.video import VideoEncoder, VideoFormat, parameter_sets
from relaycore.errors import ConfigurationError, EncoderError
from relaycore.language import Message
from relaycore.pipeline.encode_loop import EncodeLoop
from relaycore.pipeline.key_frames import KeyFrames
from relaycore.pipeline.masking import Masking
from relaycore.pipeline.view import ViewControl

__all__ = ["CameraEncoding", "no_change", "only_option", "profile_in", "state_of", "state_of_copy"]

CHANGE_S: Final = 3.0
"""Seconds in which another encoder begins: far more than from one picture or slate to the next."""


class CameraEncoding:
    """Encodes what a capture loop hands over, from ``start`` to ``stop``.

    ``largest`` is the format with the largest size and the highest rate that it may be changed to.
    """

    def __init__(
        self,
        stream: Stream,
        handoff: Handoff,
        profile: EncoderProfile,
        form: VideoFormat,
        largest: VideoFormat,
        *,
        slate: Callable[[], str | None],
        resumed: Callable[[], None],
        failed: Callable[[str], None],
        masking: Masking,
        view: ViewControl,
        stopping: threading.Event,
    ) -> None:
        self._stream, self._profile, self._form, self._largest = stream, profile, form, largest
        self._changing = threading.Lock()
        self.loop = EncodeLoop(
            stream,
            0,
            handoff,
            lambda: VideoEncoder(profile, form),
            (form.width, form.height),
            KeyFrames(form.gop, form.fps),
            stopping=stopping,
            slate=slate,
            resumed=resumed,
            failed=failed,
            masking=masking,
            view=view,
            fps=self._thinned(form),
        )

    @property
    def profile(self) -> EncoderProfile:
        """The encoder."""
        return self._profile

    @property
    def form(self) -> VideoFormat:
        """What the encoder that runs encodes."""
        return self.loop.form or self._form

    def state(self) -> EncoderState:
        """How it encodes at this moment."""
        return state_of(self.form, self._profile_name())

    def options(self) -> EncoderOptions:
        """What it can be changed to."""
        largest, profile = self._largest, self._profile_name()
        return options_of(largest.width, largest.height, largest.fps, [profile] if profile else [])

    def change(self, wish: EncoderWish) -> VideoFormat:
        """Goes on with an encoder as is wished; returns when that one encodes.

        ConfigurationError for what is no option, EncoderError, and nothing is changed, when there is no such
        encoder here.
        """
        with self._changing:
            form = wished(self.form, wish, self.options())
            if form == self.form:
                return form
            profile = self._profile
            begun = self.loop.replace(in_new_thread(lambda: _tried(profile, form)), self._thinned(form))
            if not begun.wait(CHANGE_S):
                raise EncoderError(Message("The encoder did not change in time: it is behind, or has ended."))
            return form

    def _thinned(self, form: VideoFormat) -> float | None:
        return form.fps if form.fps < self._largest.fps * 0.95 else None

    def _profile_name(self) -> str | None:
        return profile_in(self._stream.tracks[0].parameters)


def state_of(form: VideoFormat, profile: str | None) -> EncoderState:
    """The state of an encoder that encodes like this."""
    return EncoderState(
        encoding="h264",
        profile=profile,
        width=form.width,
        height=form.height,
        fps=form.fps,
        bitrate=form.bitrate,
        gop_seconds=form.gop,
        fixed=False,
    )


def state_of_copy(stream: Stream, form: VideoFormat, bitrate: float) -> EncoderState:
    """The state where the camera encodes itself, with the rate that was measured."""
    track = stream.tracks[0]
    return EncoderState(
        encoding=track.codec,
        profile=profile_in(track.parameters) if track.codec == "h264" else None,
        width=form.width,
        height=form.height,
        fps=form.fps,
        bitrate=round(bitrate),
        gop_seconds=0.0,
        fixed=True,
    )


def only_option(state: EncoderState) -> EncoderOptions:
    """What an encoder can be changed to that is to stay as it is."""
    options = options_of(
        state.width, state.height, state.fps, [] if state.profile is None else [state.profile]
    )
    return replace(
        options,
        sizes=options.sizes[:1],
        fps=(state.fps, state.fps),
        bitrate=(state.bitrate, state.bitrate),
        gop_seconds=(state.gop_seconds, state.gop_seconds),
    )


def no_change() -> ConfigurationError:
    """Why an encoder cannot be changed that is the camera's."""
    return ConfigurationError(
        Message("The camera encodes itself, which cannot be changed: use another encoder than `copy`.")
    )


def profile_in(parameters: bytes) -> str | None:
    """The profile that parameter sets name; ``None`` without any."""
    try:
        return profile_name(H264Parameters.parse(parameters).profile_idc)
    except ValueError:
        return None


def _tried(profile: EncoderProfile, form: VideoFormat) -> VideoEncoder:
    """An encoder of which another one like it has encoded a picture."""
    encoder = VideoEncoder(profile, form)
    parameter_sets(encoder)
    return encoder
