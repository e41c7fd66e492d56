"""One camera on its way to one stream: chooses, runs the threads, and survives the loss of the source."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from relaycore._relaycore import FrameBuffer, Handoff, Stream, Track, now_ns
from relaycore.capture.opening import Sources, choose_sources
from relaycore.capture.source import AudioSource, SourceFormat, VideoSource
from relaycore.encode.audio import AacEncoder
from relaycore.encode.choose import Choice, choose_encoder
from relaycore.encode.new_thread import in_new_thread
from relaycore.encode.profiles import SOFTWARE, default_bitrate, lighter
from relaycore.encode.running import EncoderOptions, EncoderState, EncoderWish, even_size, options_of, wished
from relaycore.encode.video import VideoEncoder, VideoFormat, parameter_sets
from relaycore.errors import ConfigurationError, DeviceError, NoSuchMode, PathError
from relaycore.language import Message, message_lines
from relaycore.onvif.analysis.watch import PictureWatch
from relaycore.pipeline.audio_loop import AudioLoop
from relaycore.pipeline.camera_encoding import (
    CameraEncoding,
    no_change,
    profile_in,
    state_of,
    state_of_copy,
)
from relaycore.pipeline.camera_jpeg import CameraJpeg
from relaycore.pipeline.capture_loop import CaptureLoop
from relaycore.pipeline.encode_loop import EncodeLoop
from relaycore.pipeline.key_frames import KeyFrames
from relaycore.pipeline.masking import Masking
from relaycore.pipeline.reports import Description, EventKind, PipelineEvent, PipelineStats, State
from relaycore.pipeline.thumbnail import thumbnail_of
from relaycore.pipeline.view import ViewControl
from relaycore.settings import CameraSettings, MaskSettings
from relaycore.settings.masks import check_masks

__all__ = ["SUB_SIZE", "CameraPipeline", "Description", "PipelineEvent", "PipelineStats"]

SILENCE_NS: Final = 2_000_000_000
"""A source that gives no picture for so long is shown as lost, though its driver does not say so."""


SUB_GOP_SECONDS: Final = 1.0
"""Seconds from one random access point of it to the next."""

SUB_RATE: Final = 0.65
"""Bits of it as a part of what would keep it as clear as the first: it is for looking at many at a time."""

SUB_SIZE: Final = (640, 360)
"""Width and height of the second rendition at most."""

COPY_OBJECTION: Final = (
    "The privacy masks cannot be drawn with the encoder `copy`, which sends on what the camera has encoded "
    "itself: use another encoder, like `auto`."
)


class CameraPipeline:
    """A camera and its stream.

    ``start`` once, then ``stop`` once; both block and may be called from any thread. ``stream_factory`` is
    called once, in ``start``, with the tracks (the picture, then the sound) and whether key frames can be
    made when they are wanted: not where a camera's own pictures are sent on. ``on_event`` is called from
    threads of the pipeline, one at a time, and must not block. ``on_picture`` is called each second where
    pictures are decoded, as :func:`relaycore.pipeline.thumbnail.thumbnail_of` gives them, and must not block.
    ``watch`` is given each of these pictures, and told when there are none any more. ``prepare`` is called
    with each source that was opened, before its first picture; what it gives is a notice for a person.
    """

    def __init__(
        self,
        settings: CameraSettings,
        stream_factory: Callable[[Sequence[Track], bool], Stream],
        on_event: Callable[[PipelineEvent], None],
        on_picture: Callable[[bytes, float], None] | None = None,
        watch: PictureWatch | None = None,
        prepare: Callable[[SourceFormat], str | None] = lambda _: None,
    ) -> None:
        self.description: Description | None = None
        self._settings = settings
        self._make_stream = stream_factory
        self._on_event = on_event
        self._on_picture = on_picture
        self._watch = watch
        self._prepare = prepare
        self._event_lock = threading.Lock()
        self._stopping = threading.Event()
        self._state: State = "starting"
        self._lost_since: str | None = None
        self._silent = False
        self._capture: CaptureLoop | None = None
        self._encode: EncodeLoop | None = None
        self._sound: AudioLoop | None = None
        self._masking: Masking | None = None
        self.view: ViewControl | None = None
        """What is shown of the scene; ``None`` where pictures are not decoded."""
        self._stream: Stream | None = None
        self._form: VideoFormat | None = None
        self._main: CameraEncoding | None = None
        self._jpeg: CameraJpeg | None = None
        self._sub: _Sub | None = None
        self._sub_form: VideoFormat | None = None
        self._sub_lock = threading.Lock()

    def start(self) -> None:
        """Opens the source, chooses the encoder, adds the stream and starts the threads.

        Raises DeviceError, EncoderError, ConfigurationError for masks that cannot be drawn, or whatever
        ``stream_factory`` raises; then nothing runs.
        """
        check_masks(self._settings.masks)
        if self._settings.masks and self._settings.encoder == "copy":
            raise ConfigurationError(COPY_OBJECTION)
        sources = self._prepared(choose_sources(self._settings, self._stopping.wait))
        source = sources.open_video()
        sound: AudioSource | None = None
        try:
            sound, missing = self._open_sound(sources)
            form, choice = in_new_thread(lambda: self._choose(source.format))
            aac = None if sound is None else AacEncoder(sound.channels)
            stream = self._make_stream(self._tracks(source.format, form, choice, aac), choice is not None)
            self._run(sources, source, stream, form, choice)
            if sound is not None and aac is not None and sources.open_audio is not None:
                self._sound = AudioLoop(
                    stream,
                    1,
                    sound,
                    aac,
                    sources.open_audio,
                    stopping=self._stopping,
                    say=lambda text: self._tell("notice", text),
                )
        except BaseException:
            source.close()
            if sound is not None:
                sound.close()
            raise
        unseen: str | None = None
        if choice is None and self._settings.motion is not None and self._settings.motion.enabled:
            unseen = Message(
                "Nothing is looked for in the pictures, since they are sent on as they come: choose another "
                "encoder, like `libx264`, or remove the table `motion`."
            )
        why = Message("the camera's own access units are sent on") if choice is None else choice.reason
        reason = message_lines(part for part in (sources.notice, missing, source.format.why, why) if part)
        self.description = self._describe(source.format, form, choice, reason, sound)
        assert self._capture is not None
        assert self._encode is not None
        self._state = "running"
        for loop in (self._encode, self._capture, self._sound):
            if loop is not None:
                loop.start()
        self._tell("ready", str(self.description))
        for notice in (sources.notice, missing, unseen):
            if notice:
                self._tell("notice", str(notice))

    def stop(self, timeout: float = 5.0) -> None:
        """Ends the threads and lets the source go, in ``timeout`` seconds at most.

        The stream is left alone.
        """
        self._stopping.set()
        deadline = time.monotonic() + timeout
        if self._capture is not None:
            self._capture.handoff.close()
        for loop in (self._encode, self._sound, self._capture):
            if loop is not None:
                loop.join(max(0.0, deadline - time.monotonic()))
        if self._watch is not None:
            self._watch.end()
        if self._state != "failed":
            self._state = "stopped"

    def set_masks(self, masks: Sequence[MaskSettings]) -> bool:
        """Goes on with other privacy masks, from the next picture on.

        False, and nothing is changed, where pictures are not decoded, so that nothing can be drawn on them,
        and where the pipeline has ended.
        ConfigurationError when the masks are not right.
        """
        if self._masking is None or self._stopping.is_set():
            return False
        self._masking.replace(masks)
        return True

    @property
    def source_format(self) -> SourceFormat | None:
        """What the source delivers that is open at this moment; ``None`` while it is lost."""
        return None if self._capture is None else self._capture.source_format

    @property
    def decodes(self) -> bool:
        """Whether pictures are decoded, so that more can be made of them."""
        return self._main is not None

    def encoder(self, *, sub: bool) -> EncoderState:
        """How the pictures are encoded; of the second rendition where it is not made: how it would be."""
        stream, form, main = self._stream, self._form, self._main
        assert stream is not None
        assert form is not None
        if main is None:
            assert self._encode is not None
            state = state_of_copy(stream, form, self._encode.meter.rates(now_ns())[1])
            if not sub:
                return state
            planned = self._planned_sub()
            return replace(state_of(planned, None), fixed=True)
        if not sub:
            return main.state()
        with self._sub_lock:
            made = self._sub
            if made is not None:
                return made.encoding.state()
            return state_of(self._planned_sub(), profile_in(stream.tracks[0].parameters))

    def encoder_options(self, *, sub: bool) -> EncoderOptions:
        """What the encoder of a rendition can be changed to; where it cannot be, only what it is."""
        state = self.encoder(sub=sub)
        profiles = [] if state.profile is None else [state.profile]
        if state.fixed or self._main is None:
            options = options_of(state.width, state.height, state.fps, profiles)
            return replace(
                options,
                sizes=options.sizes[:1],
                fps=(state.fps, state.fps),
                bitrate=(state.bitrate, state.bitrate),
                gop_seconds=(state.gop_seconds, state.gop_seconds),
            )
        if not sub:
            return self._main.options()
        largest = self._largest_sub()
        return options_of(largest.width, largest.height, largest.fps, profiles)

    def set_encoder(self, wish: EncoderWish, *, sub: bool) -> None:
        """Changes a running encoder; returns when the other one encodes. Sessions go on.

        What is changed of the second rendition is kept for when it is made again. ConfigurationError for what
        is no option, and where the camera encodes itself; EncoderError where there is no such encoder.
        """
        if self._main is None:
            raise no_change()
        if not sub:
            form = self._main.change(wish)
            if self.description is not None:
                self.description = replace(
                    self.description, width=form.width, height=form.height, bitrate=form.bitrate
                )
            return
        with self._sub_lock:
            if self._sub is not None:
                self._sub_form = self._sub.encoding.change(wish)
            else:
                self._sub_form = wished(self._planned_sub(), wish, self.encoder_options_of_sub())

    def encoder_options_of_sub(self) -> EncoderOptions:
        """As :meth:`encoder_options`, without a look at what runs."""
        largest = self._largest_sub()
        return options_of(largest.width, largest.height, largest.fps, [])

    def force_key_frame(self, *, sub: bool) -> bool:
        """Has the next picture be a random access point. False where the camera encodes itself."""
        if self._main is None:
            return False
        with self._sub_lock:
            encoding = self._main if not sub else None if self._sub is None else self._sub.encoding
        if encoding is not None:
            encoding.loop.force_key_frame()
        return True

    def newest_jpeg(self) -> tuple[bytes, int] | None:
        """What the camera itself has given last, and when it was captured.

        ``None`` where it gives no JPEG, while there are masks or not all of the scene is shown, and where it
        was not encoded any more when it came.
        """
        jpeg, masking, view = self._jpeg, self._masking, self.view
        if jpeg is None or masking is None or view is None or self._lost_since is not None:
            return None
        now = now_ns()
        newest = jpeg.newest(now)
        # Looked at last: what was captured before is not shown once there are masks.
        return None if masking.hides or view.window(now, 2, 2) is not None else newest

    def begin_sub(self, make_stream: Callable[[Sequence[Track], bool], Stream]) -> Stream:
        """Makes the second rendition: smaller, of the same pictures and sound, by an encoder of its own.

        ``make_stream`` is called as ``stream_factory``. PathError where pictures are not decoded or the
        pipeline has ended, otherwise what :meth:`start` raises.
        """
        with self._sub_lock:
            masking, view, main = self._masking, self.view, self._main
            if self._sub is not None:
                return self._sub.stream
            if masking is None or view is None or main is None or self._stopping.is_set():
                raise PathError(
                    Message("The camera has no pictures that a second rendition could be made of.")
                )
            form, profile = self._planned_sub(), lighter(main.profile)
            parameters = in_new_thread(lambda: parameter_sets(VideoEncoder(profile, form)))
            assert self._stream is not None
            stream = make_stream([Track.h264(parameters), *self._stream.tracks[1:]], True)
            encoding = CameraEncoding(
                stream,
                Handoff(),
                profile,
                form,
                self._largest_sub(),
                slate=self._lost_text,
                resumed=lambda: None,
                failed=lambda reason: self._tell("notice", reason),
                masking=masking,
                view=view,
                stopping=self._stopping,
            )
            self._sub = _Sub(stream, encoding)
            main.loop.set_second(encoding.loop)
            if self._sound is not None:
                self._sound.write_also(stream)
            return stream

    def end_sub(self) -> bool:
        """Ends the second rendition, after the picture that is encoded now; False when there is none.

        Its stream is left alone.
        """
        with self._sub_lock:
            made, self._sub = self._sub, None
            if made is None:
                return False
            if self._main is not None:
                self._main.loop.set_second(None)
            if self._sound is not None:
                self._sound.write_also(None)
        return True

    def stats(self) -> PipelineStats:
        """The numbers up to now."""
        capture, encode = self._capture, self._encode
        if capture is None or encode is None:
            return PipelineStats(self._state, 0.0, 0, 0, 0, 0, 0, 0)
        fps, bitrate = encode.meter.rates(now_ns())
        state = self._state
        return PipelineStats(
            state=state,
            fps=fps,
            bitrate=round(bitrate),
            captured=capture.captured,
            bad_frames=capture.bad,
            discarded=capture.handoff.discarded + capture.exhausted,
            access_units=encode.access_units,
            key_frames=encode.key_frames,
        )

    def _prepared(self, sources: Sources) -> Sources:
        def open_video() -> VideoSource:
            source = sources.open_video()
            try:
                notice = self._prepare(source.format)
            except BaseException:
                source.close()
                raise
            if notice is not None:
                self._tell("notice", notice)
            return source

        return replace(sources, open_video=open_video)

    def _open_sound(self, sources: Sources) -> tuple[AudioSource | None, str | None]:
        """The sound. One that was asked for by name must be there, any other is done without."""
        if sources.open_audio is None:
            return None, None
        try:
            return sources.open_audio(), None
        except DeviceError as error:
            if self._settings.microphone not in (None, "auto"):
                raise
            return None, Message("There is no sound: {error}", error=error)

    def _choose(self, source: SourceFormat) -> tuple[VideoFormat, Choice | None]:
        """How to encode; without a choice, the source's own access units are sent on."""
        settings = self._settings
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

    def _tracks(
        self, source: SourceFormat, form: VideoFormat, choice: Choice | None, aac: AacEncoder | None
    ) -> list[Track]:
        if choice is not None:
            profile = choice.profile
            video = Track.h264(in_new_thread(lambda: parameter_sets(VideoEncoder(profile, form))))
        else:
            video = Track.jpeg() if source.codec == "jpeg" else Track.h264()
        return [video] if aac is None else [video, Track.aac(aac.config)]

    def _run(
        self, sources: Sources, source: VideoSource, stream: Stream, form: VideoFormat, choice: Choice | None
    ) -> None:
        self._stream, self._form = stream, form
        if choice is not None:
            self._masking = Masking(self._settings.masks, form.width, form.height, form.colour)
            self.view = ViewControl()
            # The configured range of luma is not that of the camera's own JPEG.
            if source.format.codec == "jpeg" and self._settings.pixel_range == "full":
                self._jpeg = CameraJpeg()
        thinned = self._settings.fps is not None and self._settings.fps < source.format.fps * 0.95
        self._capture = CaptureLoop(
            source,
            sources.open_video,
            keep_encoded=choice is None,
            fps=self._settings.fps if thinned and choice is not None else None,
            stopping=self._stopping,
            changed=self._source_changed,
            bad=lambda text: self._tell("notice", text),
            odd=lambda text: self._tell("notice", text),
            look=self._looker(source.format.colour.full_range),
            watch=self._watcher(source.format.colour.full_range),
            masking=self._masking,
            jpeg=self._jpeg,
            failed=self._failed,
        )
        if choice is None or self._masking is None or self.view is None:
            self._encode = EncodeLoop(
                stream,
                0,
                self._capture.handoff,
                lambda: VideoEncoder(SOFTWARE, form),
                (form.width, form.height),
                KeyFrames(form.gop, form.fps),
                stopping=self._stopping,
                slate=self._slate,
                resumed=self._resumed,
                failed=self._failed,
            )
            return
        self._main = CameraEncoding(
            stream,
            self._capture.handoff,
            choice.profile,
            form,
            form,
            slate=self._slate,
            resumed=self._resumed,
            failed=self._failed,
            masking=self._masking,
            view=self.view,
            stopping=self._stopping,
        )
        self._encode = self._main.loop

    def _largest_sub(self) -> VideoFormat:
        """The second rendition at its best."""
        form = self._form
        assert form is not None
        width, height = even_size(form.width, form.height, *SUB_SIZE)
        bitrate = int(default_bitrate(width, height, form.fps) * SUB_RATE)
        return replace(form, width=width, height=height, bitrate=bitrate, gop=SUB_GOP_SECONDS)

    def _planned_sub(self) -> VideoFormat:
        """The second rendition as it was last, or as it is to be at first."""
        return self._sub_form or self._largest_sub()

    def _looker(self, full_range: bool) -> Callable[[FrameBuffer], None] | None:
        tell = self._on_picture
        if tell is None:
            return None
        return lambda buffer: tell(*thumbnail_of(buffer, full_range=full_range))

    def _watcher(self, full_range: bool) -> Callable[[FrameBuffer, int], None] | None:
        watch = self._watch
        return None if watch is None else lambda buffer, at_ns: watch.look(buffer, full_range, at_ns)

    def _describe(
        self,
        source: SourceFormat,
        form: VideoFormat,
        choice: Choice | None,
        reason: str,
        sound: AudioSource | None,
    ) -> Description:
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

    def _lost_text(self) -> str | None:
        """What readers of any rendition are shown in place of the picture."""
        since_then, description = self._lost_since, self.description
        if since_then is None or description is None:
            return None
        return f"{description.source}: no picture since {since_then}"

    def _slate(self) -> str | None:
        """What readers are shown in place of the picture, if anything. Called by the encode thread."""
        encode, description = self._encode, self.description
        if description is None or encode is None:
            return None
        silent = now_ns() - encode.last_picture_ns
        if self._lost_since is None and silent >= SILENCE_NS:
            self._silent = True
            since = time.strftime("%H:%M:%S", time.localtime(time.time() - silent / 1e9))
            self._lost(since, f"{description.source} gives no pictures any more, though it is there.")
        return self._lost_text()

    def _resumed(self) -> None:
        if self._silent:
            self._silent = False
            self._source_changed(None)

    def _lost(self, since: str, reason: str) -> None:
        self._lost_since, self._state = since, "lost"
        if self._watch is not None:
            self._watch.end()
        self._tell("lost", reason)

    def _source_changed(self, reason: str | None) -> None:
        if reason is None:
            self._lost_since, self._state = None, "running"
            self._tell("back", "The camera delivers again.")
        else:
            self._lost(time.strftime("%H:%M:%S"), reason)

    def _failed(self, reason: str) -> None:
        self._state = "failed"
        self._stopping.set()
        self._tell("failed", reason)

    def _tell(self, kind: EventKind, message: str) -> None:
        with self._event_lock:
            self._on_event(PipelineEvent(kind, message))


@dataclass(frozen=True, slots=True)
class _Sub:
    """The second rendition while it is made."""

    stream: Stream
    encoding: CameraEncoding
