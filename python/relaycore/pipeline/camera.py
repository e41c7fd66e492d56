"""One camera on its way to one stream: chooses, runs the threads, and survives the loss of the source."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from relaycore._relaycore import FrameBuffer, Stream, Track, now_ns
from relaycore.capture.opening import Sources, choose_sources
from relaycore.capture.source import AudioSource, SourceFormat, VideoSource
from relaycore.encode.audio import AacEncoder
from relaycore.encode.choose import Choice
from relaycore.encode.new_thread import in_new_thread
from relaycore.encode.profiles import SOFTWARE
from relaycore.encode.running import EncoderOptions, EncoderState, EncoderWish
from relaycore.encode.video import VideoEncoder, VideoFormat
from relaycore.errors import ConfigurationError
from relaycore.language import Message, message_lines
from relaycore.onvif.analysis.watch import PictureWatch
from relaycore.pipeline.audio_loop import AudioLoop
from relaycore.pipeline.camera_choice import choose, describe, open_sound, prepared, tracks_of, why_unseen
from relaycore.pipeline.camera_encoding import CameraEncoding, no_change, only_option, state_of, state_of_copy
from relaycore.pipeline.camera_jpeg import CameraJpeg
from relaycore.pipeline.capture_loop import CaptureLoop
from relaycore.pipeline.encode_loop import EncodeLoop
from relaycore.pipeline.key_frames import KeyFrames
from relaycore.pipeline.masking import Masking
from relaycore.pipeline.presence import Presence
from relaycore.pipeline.reports import Description, PipelineEvent, PipelineStats
from relaycore.pipeline.second import SecondRendition, largest_second, no_second
from relaycore.pipeline.thumbnail import thumbnail_of
from relaycore.pipeline.view import ViewControl
from relaycore.settings import CameraSettings, MaskSettings
from relaycore.settings.masks import check_masks

__all__ = ["CameraPipeline", "Description", "PipelineEvent", "PipelineStats"]

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
        self._on_picture = on_picture
        self._watch = watch
        self._prepare = prepare
        self._stopping = threading.Event()
        self._presence = Presence(on_event, watch, self._stopping)
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
        self._second: SecondRendition | None = None

    def start(self) -> None:
        """Opens the source, chooses the encoder, adds the stream and starts the threads.

        Raises DeviceError, EncoderError, ConfigurationError for masks that cannot be drawn, or whatever
        ``stream_factory`` raises; then nothing runs.
        """
        check_masks(self._settings.masks)
        if self._settings.masks and self._settings.encoder == "copy":
            raise ConfigurationError(COPY_OBJECTION)
        sources = choose_sources(self._settings, self._stopping.wait)
        sources = prepared(sources, self._prepare, self._presence.notice)
        source = sources.open_video()
        sound: AudioSource | None = None
        try:
            sound, missing = open_sound(self._settings, sources)
            form, choice = in_new_thread(lambda: choose(self._settings, source.format))
            aac = None if sound is None else AacEncoder(sound.channels)
            stream = self._make_stream(tracks_of(source.format, form, choice, aac), choice is not None)
            self._run(sources, source, stream, form, choice)
            if sound is not None and aac is not None and sources.open_audio is not None:
                self._sound = AudioLoop(
                    stream,
                    1,
                    sound,
                    aac,
                    sources.open_audio,
                    stopping=self._stopping,
                    say=self._presence.notice,
                )
                if self._second is not None:
                    self._second.sound = self._sound
        except BaseException:
            source.close()
            if sound is not None:
                sound.close()
            raise
        why = Message("the camera's own access units are sent on") if choice is None else choice.reason
        reason = message_lines(part for part in (sources.notice, missing, source.format.why, why) if part)
        self.description = describe(source.format, form, choice, reason, sound)
        assert self._capture is not None
        assert self._encode is not None
        encode = self._encode
        self._presence.run(source.format.name, lambda: encode.last_picture_ns)
        for loop in (self._encode, self._capture, self._sound):
            if loop is not None:
                loop.start()
        self._presence.tell("ready", str(self.description))
        for notice in (sources.notice, missing, why_unseen(self._settings, choice)):
            if notice:
                self._presence.notice(str(notice))

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
        self._presence.stop()

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
            return replace(state_of(largest_second(form), None), fixed=True)
        if not sub or self._second is None:
            return main.state()
        return self._second.state()

    def encoder_options(self, *, sub: bool) -> EncoderOptions:
        """What the encoder of a rendition can be changed to; where it cannot be, only what it is."""
        state = self.encoder(sub=sub)
        if state.fixed or self._main is None:
            return only_option(state)
        return self._main.options() if not sub or self._second is None else self._second.options()

    def set_encoder(self, wish: EncoderWish, *, sub: bool) -> None:
        """Changes a running encoder; returns when the other one encodes. Sessions go on.

        What is changed of the second rendition is kept for when it is made again. ConfigurationError for what
        is no option, and where the camera encodes itself; EncoderError where there is no such encoder.
        """
        if self._main is None:
            raise no_change()
        if sub and self._second is not None:
            self._second.change(wish)
            return
        form = self._main.change(wish)
        if self.description is not None:
            self.description = replace(
                self.description, width=form.width, height=form.height, bitrate=form.bitrate
            )

    def force_key_frame(self, *, sub: bool) -> bool:
        """Has the next picture be a random access point. False where the camera encodes itself."""
        if self._main is None:
            return False
        if sub and self._second is not None:
            self._second.force_key_frame()
        else:
            self._main.loop.force_key_frame()
        return True

    def newest_jpeg(self) -> tuple[bytes, int] | None:
        """What the camera itself has given last, and when it was captured.

        ``None`` where it gives no JPEG, while there are masks or not all of the scene is shown, and where it
        was not encoded any more when it came.
        """
        jpeg, masking, view = self._jpeg, self._masking, self.view
        if jpeg is None or masking is None or view is None or self._presence.is_lost:
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
        if self._second is None:
            raise no_second()
        return self._second.begin(make_stream)

    def end_sub(self) -> bool:
        """Ends the second rendition, after the picture that is encoded now; False when there is none.

        Its stream is left alone.
        """
        return self._second is not None and self._second.end()

    def stats(self) -> PipelineStats:
        """The numbers up to now."""
        capture, encode = self._capture, self._encode
        if capture is None or encode is None:
            return PipelineStats(self._presence.state, 0.0, 0, 0, 0, 0, 0, 0)
        fps, bitrate = encode.meter.rates(now_ns())
        return PipelineStats(
            state=self._presence.state,
            fps=fps,
            bitrate=round(bitrate),
            captured=capture.captured,
            bad_frames=capture.bad,
            discarded=capture.handoff.discarded + capture.exhausted,
            access_units=encode.access_units,
            key_frames=encode.key_frames,
        )

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
            changed=self._presence.source_changed,
            bad=self._presence.notice,
            odd=self._presence.notice,
            look=self._looker(source.format.colour.full_range),
            watch=self._watcher(source.format.colour.full_range),
            masking=self._masking,
            jpeg=self._jpeg,
            failed=self._presence.failed,
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
                slate=self._presence.slate,
                resumed=self._presence.resumed,
                failed=self._presence.failed,
            )
            return
        self._main = CameraEncoding(
            stream,
            self._capture.handoff,
            choice.profile,
            form,
            form,
            slate=self._presence.slate,
            resumed=self._presence.resumed,
            failed=self._presence.failed,
            masking=self._masking,
            view=self.view,
            stopping=self._stopping,
        )
        self._encode = self._main.loop
        self._second = SecondRendition(
            stream,
            form,
            self._main,
            masking=self._masking,
            view=self.view,
            presence=self._presence,
            stopping=self._stopping,
        )

    def _looker(self, full_range: bool) -> Callable[[FrameBuffer], None] | None:
        tell = self._on_picture
        if tell is None:
            return None
        return lambda buffer: tell(*thumbnail_of(buffer, full_range=full_range))

    def _watcher(self, full_range: bool) -> Callable[[FrameBuffer, int], None] | None:
        watch = self._watch
        return None if watch is None else lambda buffer, at_ns: watch.look(buffer, full_range, at_ns)
