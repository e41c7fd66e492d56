"""Programs that watch: each reads a URL over a transport and gives the first pictures that it decodes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import av
import cv2
import numpy as np

from tests.interop.opencv import read_opencv
from tests.interop.publish.clips import CLIPS, HEIGHT, WIDTH, Planes
from tests.interop.publish.programs import CLIENTS, FFMPEG, GSTREAMER, MPV, NEW_FFMPEG
from tests.interop.publish.running import LIMIT
from tests.support.processes import first_bytes, run

__all__ = ["WANTED", "WATCH", "Watch"]

WANTED = 30
"""Pictures to decode: a little more than a second."""

Watch = Callable[[str, str, str, Path], Planes]
"""Watches a clip at a URL over a transport (``tcp``, ``udp`` or ``http``), with a directory for its files."""

PICTURE_BYTES = WIDTH * HEIGHT * 3 // 2

DECODERS = {
    "h264": "rtph264depay ! h264parse ! avdec_h264",
    "h264-bframes": "rtph264depay ! h264parse ! avdec_h264",
    "h265": "rtph265depay ! h265parse ! avdec_h265",
    "mpeg4": "rtpmp4vdepay ! mpeg4videoparse ! avdec_mpeg4",
    "mpeg4-bframes": "rtpmp4vdepay ! mpeg4videoparse ! avdec_mpeg4",
    "mpeg1": "rtpmpvdepay ! mpegvideoparse ! avdec_mpeg2video",
    "mpeg2": "rtpmpvdepay ! mpegvideoparse ! avdec_mpeg2video",
    "jpeg": "rtpjpegdepay ! avdec_mjpeg",
    "vp8": "rtpvp8depay ! vp8dec",
    "vp9": "rtpvp9depay ! vp9dec",
}
"""How GStreamer reads the clips that it can; its depayloader of AV1 came later."""

CODECS = {"h264": "h264", "h264-bframes": "h264", "jpeg": "mjpeg"}
"""Formats of FFmpeg in which retina leaves the clips that it knows."""


def ffmpeg(program: str) -> Watch:
    """An ffmpeg; the pictures come on its standard output."""

    def watch(clip: str, url: str, transport: str, directory: Path) -> Planes:
        source = ["-rtsp_transport", transport, "-i", url, "-fps_mode", "passthrough"]
        form = ["-frames:v", str(WANTED), "-pix_fmt", CLIPS[clip].sampling, "-f", "rawvideo", "-"]
        return _first_pictures([program, "-v", "error", "-nostdin", *source, *form], directory)

    return watch


def gstreamer(clip: str, url: str, transport: str, directory: Path) -> Planes:
    """GStreamer's rtspsrc."""
    return _first_pictures([GSTREAMER, "--quiet", *_pipeline("rtspsrc", clip, url, transport)], directory)


def rtspsrc2(clip: str, url: str, transport: str, directory: Path) -> Planes:
    """GStreamer's newer source, written in Rust."""
    pipeline = " ".join(_pipeline("rtspsrc2", clip, url, transport))
    return _first_pictures([str(CLIENTS / "play-rtspsrc2"), pipeline], directory)


def mpv(clip: str, url: str, transport: str, directory: Path) -> Planes:
    """mpv, which here writes what it would show."""
    output = directory / "mpv.nut"
    source = [MPV, "--no-config", "--msg-level=all=error", f"--rtsp-transport={transport}", url]
    encode = [f"--o={output}", "--of=nut", "--ovc=rawvideo", f"--vf=format={CLIPS[clip].sampling}"]
    run([*source, *encode, f"--frames={WANTED}"])
    return _read(str(output), clip)


def pyav(clip: str, url: str, transport: str, directory: Path) -> Planes:
    """PyAV, as a program in Python reads a stream."""
    return _read(url, clip, {"rtsp_transport": transport})


def opencv(clip: str, url: str, transport: str, directory: Path) -> Planes:
    """OpenCV's VideoCapture."""
    pictures = read_opencv(url, WANTED, transport)
    planes = (cv2.cvtColor(picture, cv2.COLOR_RGB2YUV_I420) for picture in pictures)
    return np.stack([each.astype(np.uint8).reshape(-1) for each in planes])


def retina(clip: str, url: str, transport: str, directory: Path) -> Planes:
    """retina, which leaves access units that PyAV decodes."""
    output = directory / "retina"
    said = run([CLIENTS / "play-retina", transport, url, str(WANTED + 5), output])
    assert "lost=0" in said, said
    return _read(str(output), clip, form=CODECS[clip])


def _pipeline(element: str, clip: str, url: str, transport: str) -> list[str]:
    if transport == "http":
        url, transport = url.replace("rtsp://", "rtsph://"), "tcp"
    source = f"{element} name=source location={url} protocols={transport} latency=200"
    branch = f"source. ! application/x-rtp ! {DECODERS[clip]} ! video/x-raw,format=I420 ! fdsink"
    return f"{source} {branch}".split()


def _first_pictures(command: Sequence[str], directory: Path) -> Planes:
    pictures = first_bytes(command, PICTURE_BYTES * WANTED, directory)
    return np.frombuffer(pictures, np.uint8).reshape(WANTED, PICTURE_BYTES)


def _read(url: str, clip: str, options: dict[str, str] | None = None, form: str | None = None) -> Planes:
    pictures: list[Planes] = []
    with av.open(url, options=options or {}, timeout=LIMIT, format=form) as container:
        for frame in container.decode(video=0):
            pictures.append(frame.to_ndarray(format=CLIPS[clip].sampling).astype(np.uint8).reshape(-1))
            if len(pictures) == WANTED:
                break
    return np.stack(pictures)


WATCH: dict[str, Watch] = {
    "ffmpeg": ffmpeg(FFMPEG),
    "ffmpeg-9": ffmpeg(NEW_FFMPEG),
    "gstreamer": gstreamer,
    "mpv": mpv,
    "opencv": opencv,
    "pyav": pyav,
    "retina": retina,
    "rtspsrc2": rtspsrc2,
}
"""The programs by name."""
