"""The players: each plays a URL over a transport (``tcp`` or ``udp``) and gives what it decoded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from tests.interop.opencv import read_opencv
from tests.interop.recording import Recording, read_file
from tests.support.processes import first_bytes, run

__all__ = ["CLIENTS", "PICTURES", "PLAYERS", "SIZE", "Player"]

Player = Callable[[str, str, Path], Recording]
"""Plays URL and transport with a directory for its files."""

SIZE = (640, 360)
"""Width and height of what the tests serve; GStreamer's raw output does not tell."""

PICTURES = 60
"""Pictures to decode: two seconds."""

SOUND_RATE = 48_000
"""Samples a second that GStreamer is asked for."""

BRANCHES = (
    "source. ! rtph264depay ! h264parse ! avdec_h264 ! videoconvert ! video/x-raw,format=RGB ! fdsink "
    "source. ! rtpmp4gdepay ! aacparse ! avdec_aac ! audioconvert "
    f"! audioresample ! audio/x-raw,format=S16LE,channels=1,rate={SOUND_RATE} "
    "! filesink location=sound.s16 buffer-mode=unbuffered"
)
"""What follows a source: pictures on standard output, sound in a file.

A pad is linked to what its caps fit, so that none need be named. Caps between the source and a branch, such
as ``application/x-rtp,media=video``, let starts stand still for good, here about one in ten and with
GStreamer's own server one in twenty: the source adds each of its pads from a thread of its own, and each
thread tries every link that still waits. gst_element_link_pads_filtered (GStreamer 1.22) then links a new
capsfilter to the branch although no pad fitted it, and takes it away again; the other thread, which has the
right pad, finds the branch taken meanwhile and does not try again.
"""

CLIENTS = Path(__file__).parent / "clients" / "target" / "debug"


def play_ffmpeg(url: str, transport: str, directory: Path, pictures: int = PICTURES) -> Recording:
    """Debian's ffmpeg, as a recorder uses it."""
    output = directory / "ffmpeg.nut"
    source = ["ffmpeg", "-v", "error", "-nostdin", "-y", "-rtsp_transport", transport, "-i", url]
    video = ["-fps_mode", "passthrough", "-frames:v", str(pictures), "-c:v", "rawvideo", "-pix_fmt", "rgb24"]
    run([*source, *video, "-c:a", "pcm_s16le", output])
    return read_file(output)


def play_mpv(url: str, transport: str, directory: Path) -> Recording:
    """mpv, which here writes what it would show."""
    output = directory / "mpv.nut"
    source = ["mpv", "--no-config", "--msg-level=all=error", f"--rtsp-transport={transport}", url]
    encode = [f"--o={output}", "--of=nut", "--ovc=rawvideo", "--oac=pcm_s16le", "--vf=format=rgb24"]
    run([*source, *encode, f"--frames={PICTURES}"])
    return read_file(output)


def play_gstreamer(url: str, transport: str, directory: Path, enter: Sequence[str] = ()) -> Recording:
    """GStreamer's rtspsrc; ``enter`` goes in front of its command."""
    branches = BRANCHES
    if transport == "udp-mcast":
        # What a group gets does not begin anew with each player: this one waits for a picture to start from.
        branches = branches.replace("rtph264depay", "rtph264depay wait-for-keyframe=true")
    source = f"rtspsrc name=source location={url} protocols={transport} latency=200"
    if url.startswith("rtsps:"):
        source += " tls-validation-flags=0"  # the certificate is signed by itself
    return _play_pipeline([*enter, "gst-launch-1.0", "--quiet", *f"{source} {branches}".split()], directory)


def play_rtspsrc2(url: str, transport: str, directory: Path) -> Recording:
    """GStreamer's newer RTSP source, written in Rust."""
    source = f"rtspsrc2 name=source location={url} protocols={transport} latency=200"
    return _play_pipeline([str(CLIENTS / "play-rtspsrc2"), f"{source} {BRANCHES}"], directory)


def play_opencv(url: str, transport: str, directory: Path) -> Recording:
    """OpenCV's VideoCapture, which has no sound."""
    return Recording(pictures=read_opencv(url, PICTURES, transport), sound=np.empty(0))


def play_pyav(url: str, transport: str, directory: Path) -> Recording:
    """PyAV, with an FFmpeg that is years newer than Debian's."""
    return read_file(url, limit=PICTURES, options={"rtsp_transport": transport})


def play_retina(url: str, transport: str, directory: Path) -> Recording:
    """retina, a client made for IP cameras. It does not decode: its Annex B output is decoded with PyAV."""
    output = directory / "retina.h264"
    said = run([CLIENTS / "play-retina", transport, url, str(PICTURES), output])
    assert "lost=0" in said, said
    return read_file(output)


def _play_pipeline(command: list[str], directory: Path) -> Recording:
    """Read pictures from the pipeline's standard output, and end it when there are enough."""
    width, height = SIZE
    pictures = first_bytes(command, width * height * 3 * PICTURES, directory)
    sound = np.fromfile(directory / "sound.s16", "<i2").astype(np.float64) / 32768.0
    return Recording(
        pictures=np.frombuffer(pictures, np.uint8).reshape(PICTURES, height, width, 3),
        sound=sound,
        sound_rate=SOUND_RATE,
    )


PLAYERS: dict[str, Player] = {
    "ffmpeg": play_ffmpeg,
    "mpv": play_mpv,
    "gstreamer": play_gstreamer,
    "rtspsrc2": play_rtspsrc2,
    "opencv": play_opencv,
    "pyav": play_pyav,
    "retina": play_retina,
}
