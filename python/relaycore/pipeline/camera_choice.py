"""What a camera's pipeline is made of: its source and sound, how they are encoded, and how that is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from relaycore._relaycore import Track
from relaycore.capture.opening import Sources
from relaycore.capture.source import AudioSource, SourceFormat, VideoSource
from relaycore.encode.audio import AacEncoder
from relaycore.encode.choose import Choice, choose_encoder
from relaycore.encode.new_thread import in_new_thread
from relaycore.encode.profiles import default_bitrate
from relaycore.encode.video import VideoEncoder, VideoFormat, parameter_sets
from relaycore.errors import DeviceError, NoSuchMode
from relaycore.language import Message
from relaycore.pipeline.reports import Description
from relaycore.settings import CameraSettings

__all__ = ["choose", "describe", "open_sound", "prepared", "tracks_of", "why_unseen"]


def prepared(
    sources: Sources, prepare: Callable[[SourceFormat], str | None], say: Callable[[str], None]
) -> Sources:
    """The same sources, of which each that is opened is prepared first; ``say`` is given notices of that."""

    def open_video() -> VideoSource:
        source = sources.open_video()
        try:
            notice = prepare(source.format)
        except BaseException:
            source.close()
            raise
        if notice is not None:
            say(notice)
        return source

    return replace(sources, open_video=open_video)


def open_sound(settings: CameraSettings, sources: Sources) -> tuple[AudioSource | None, str | None]:
    """The sound, and why there is none. One that was asked for by name must be there: DeviceError."""
    if sources.open_audio is None:
        return None, None
    try:
        return sources.open_audio(), None
    except DeviceError as error:
        if settings.microphone not in (None, "auto"):
            raise
        return None, Message("There is no sound: {error}", error=error)


def choose(settings: CameraSettings, source: SourceFormat) -> tuple[VideoFormat, Choice | None]:
    """How to encode; without a choice, the source's own access units are sent on.

    EncoderError when there is no such encoder, NoSuchMode for ``copy`` of what is not encoded.
    """
    fps = source.fps if settings.fps is None else min(settings.fps, source.fps)
    bitrate = settings.bits_per_second or default_bitrate(source.width, source.height, fps)
    form = VideoFormat(source.width, source.height, fps, source.colour, bitrate, settings.gop_seconds)
    if settings.encoder == "copy" and source.codec is None:
        raise NoSuchMode(
            Message(
                "{name} gives pictures that are not encoded: use another encoder than `copy`.",
                name=repr(source.name),
            )
        )
    as_it_is = settings.encoder == "auto" and source.codec == "h264" and not settings.masks
    if settings.encoder == "copy" or as_it_is:
        return form, None
    return form, choose_encoder(settings.encoder, form)


def tracks_of(
    source: SourceFormat, form: VideoFormat, choice: Choice | None, aac: AacEncoder | None
) -> list[Track]:
    """The tracks of the stream: the picture, then the sound."""
    if choice is not None:
        profile = choice.profile
        video = Track.h264(in_new_thread(lambda: parameter_sets(VideoEncoder(profile, form))))
    else:
        video = Track.jpeg() if source.codec == "jpeg" else Track.h264()
    return [video] if aac is None else [video, Track.aac(aac.config)]


def describe(
    source: SourceFormat, form: VideoFormat, choice: Choice | None, reason: str, sound: AudioSource | None
) -> Description:
    """What was chosen, for a person."""
    return Description(
        source=source.name,
        device=source.device,
        mode=source.mode,
        width=form.width,
        height=form.height,
        encoder="copy" if choice is None else choice.profile.name,
        reason=reason,
        bitrate=None if choice is None else form.bitrate,
        sound=None if sound is None else sound.name,
    )


def why_unseen(settings: CameraSettings, choice: Choice | None) -> str | None:
    """Why nothing is found in the pictures though it is looked for; ``None`` where it is."""
    if choice is None and settings.motion is not None and settings.motion.enabled:
        return Message(
            "Nothing is looked for in the pictures, since they are sent on as they come: choose another "
            "encoder, like `libx264`, or remove the table `motion`."
        )
    return None
