"""FFmpeg's decoders for what streams carry."""

from __future__ import annotations

from typing import Final

import av

from relaycore._relaycore import Track
from relaycore.errors import EncoderError
from relaycore.language import Message

__all__ = ["can_decode", "open_sound_decoder", "open_video_decoder"]

_VIDEO: Final = {
    "h264": "h264",
    "h265": "hevc",
    "mpeg4": "mpeg4",
    "jpeg": "mjpeg",
    "vp8": "vp8",
    "vp9": "vp9",
    "av1": "libdav1d",
    "mpegvideo": "mpeg2video",
}
_SOUND: Final = {
    "aac": "aac",
    "latm": "aac_latm",
    "opus": "libopus",
    "pcmu": "pcm_mulaw",
    "pcma": "pcm_alaw",
    "g722": "g722",
    "l16": "pcm_s16be",
    "mpegaudio": "mp3float",
    "ac3": "ac3",
}

_BARE: Final = frozenset({"pcmu", "pcma", "g722", "l16", "opus"})
"""Codecs whose data do not tell rate and channels."""

_G722_RATE: Final = 16_000
"""Samples a second of G.722, whose clock rate is 8000 by mistake (RFC 3551 section 4.5.2)."""


def can_decode(track: Track) -> bool:
    """Whether there is a decoder for the codec of a track."""
    return track.codec in (_VIDEO if track.kind == "video" else _SOUND)


def open_video_decoder(track: Track) -> av.VideoCodecContext:
    """A decoder for a video track that holds no picture back. EncoderError when there is none."""
    decoder = _create(_VIDEO.get(track.codec), track)
    assert isinstance(decoder, av.VideoCodecContext)
    decoder.thread_count = 1  # more threads would hold pictures back
    return decoder


def open_sound_decoder(track: Track) -> av.AudioCodecContext:
    """A decoder for an audio track. EncoderError when there is none."""
    decoder = _create(_SOUND.get(track.codec), track)
    assert isinstance(decoder, av.AudioCodecContext)
    if track.codec in _BARE:
        decoder.sample_rate = _G722_RATE if track.codec == "g722" else track.clock_rate
        decoder.layout = "stereo" if track.channels == 2 else "mono"
    return decoder


def _create(name: str | None, track: Track) -> av.CodecContext:
    if name is None:
        raise EncoderError(
            Message(
                "{encoding} cannot be decoded here: read its access units instead.", encoding=track.encoding
            )
        )
    try:
        decoder = av.CodecContext.create(name, "r")
    except (av.FFmpegError, ValueError) as error:
        raise EncoderError(
            Message("FFmpeg has no decoder {name} here: install another build of PyAV.", name=repr(name))
        ) from error
    if track.parameters:
        decoder.extradata = track.parameters
    return decoder
