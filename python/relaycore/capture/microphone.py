"""Microphones as sources, through FFmpeg's inputs of Linux, Windows and macOS."""

from __future__ import annotations

import time
from typing import Final

import av

from relaycore._relaycore import now_ns
from relaycore.capture import alsa
from relaycore.capture.clock import SourceClock
from relaycore.capture.device_errors import opened, reason_of
from relaycore.capture.model import Microphone
from relaycore.capture.source import AudioBlock
from relaycore.errors import DeviceLost
from relaycore.language import Message

__all__ = ["MicrophoneSource"]

SECOND: Final = 1_000_000_000


class MicrophoneSource:
    """A microphone."""

    def __init__(self, microphone: Microphone) -> None:
        self.name = microphone.name
        place, options = microphone.device, {}
        if microphone.driver == "alsa":
            alsa.prepare()
            options = {"sample_rate": "48000", "channels": "1"}
        elif microphone.driver == "dshow":
            # Half a second is the default of DirectShow, and would be the delay of the sound.
            place, options = f"audio={microphone.device}", {"audio_buffer_size": "20"}
        self._container = opened(microphone, place, options, (10.0, 5.0))
        stream = self._container.streams.audio[0]
        self.rate = stream.codec_context.sample_rate
        self.channels = min(2, stream.codec_context.channels)
        self._frames = self._container.decode(stream)
        # FFmpeg's ALSA input stamps its samples with the wallclock.
        wallclock = now_ns() - time.time_ns() if microphone.driver == "alsa" else None
        self._clock = SourceClock(wallclock)

    def read(self) -> AudioBlock:
        """Waits for the next samples."""
        try:
            frame = next(self._frames, None)
        except (av.FFmpegError, OSError) as error:
            raise DeviceLost(
                Message(
                    "The microphone {name} was lost: plug it in again ({reason_of}).",
                    name=self.name,
                    reason_of=reason_of(error),
                )
            ) from error
        if frame is None:
            raise DeviceLost(Message("The microphone {name} was lost: plug it in again.", name=self.name))
        arrived_ns = now_ns()
        started_ns = arrived_ns - frame.samples * SECOND // frame.sample_rate
        if frame.pts is not None and frame.time_base is not None:
            stamp = int(frame.pts * frame.time_base * SECOND)
            started_ns = min(started_ns, self._clock.captured_ns(stamp, arrived_ns))
        return AudioBlock(frame, started_ns)

    def close(self) -> None:
        """Lets the microphone go."""
        self._container.close()
