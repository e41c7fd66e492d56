"""Makes the golden session descriptions: what ffmpeg and GStreamer announce for each codec when they publish.

    python3 -m tests.golden.make_sdp

Run it again only to add files. It needs ffmpeg and GStreamer.
"""

from __future__ import annotations

import socket
import subprocess

from tests.golden.make import HERE, QUIET

PICTURES = "-f lavfi -i testsrc2=size=160x96:rate=25:duration=2"
SOUND = "-f lavfi -i sine=440:duration=2:sample_rate=48000 -ac 2"
HEADER = "-flags +global_header"
X265 = "log-level=error"

# Name of the description: options of ffmpeg.
FFMPEG = {
    "h264": f"{PICTURES} -c:v libx264",
    "h265": f"{PICTURES} -c:v libx265 -x265-params {X265} {HEADER}",
    "mpeg4": f"{PICTURES} -c:v mpeg4",
    "jpeg": f"{PICTURES} -c:v mjpeg -huffman default -force_duplicated_matrix 1",
    "vp8": f"{PICTURES} -c:v libvpx",
    "vp9": f"{PICTURES} -c:v libvpx-vp9 -strict experimental",
    "mpegvideo": f"{PICTURES} -c:v mpeg2video",
    "aac": f"{SOUND} -c:a aac {HEADER}",
    "latm": f"{SOUND} -c:a aac {HEADER} -rtpflags latm",
    "opus": f"{SOUND} -c:a libopus",
    "pcmu": f"{SOUND} -ac 1 -ar 8000 -c:a pcm_mulaw",
    "pcma": f"{SOUND} -ar 16000 -c:a pcm_alaw",
    "g722": f"{SOUND} -ac 1 -ar 16000 -c:a g722",
    "l16": f"{SOUND} -c:a pcm_s16be",
    "l16_static": f"{SOUND} -ar 44100 -c:a pcm_s16be",
    "mpegaudio": f"{SOUND} -c:a libmp3lame",
}

VIDEO = "videotestsrc num-buffers=50 ! video/x-raw,width=160,height=96,framerate=25/1"
AUDIO = "audiotestsrc num-buffers=100 ! audio/x-raw,rate=48000,channels=2 ! audioconvert ! audioresample"

# Name of the description: what GStreamer publishes, up to rtspclientsink, which finds the payloader itself.
GSTREAMER = {
    "h264": f"{VIDEO} ! x264enc ! video/x-h264,profile=main",
    "h265": f"{VIDEO} ! x265enc",
    "mpeg4": f"{VIDEO} ! avenc_mpeg4 ! mpeg4videoparse",
    "jpeg": f"{VIDEO},format=I420 ! jpegenc ! jpegparse",
    "vp8": f"{VIDEO} ! vp8enc ! video/x-vp8,profile=(string)0",
    "vp9": f"{VIDEO},format=I420 ! vp9enc ! video/x-vp9,profile=(string)0",
    "mpegts": f"{VIDEO} ! x264enc ! mpegtsmux alignment=7",
    "aac": f"{AUDIO} ! avenc_aac ! aacparse",
    "opus": f"{AUDIO} ! opusenc",
    "pcmu": f"{AUDIO} ! mulawenc",
    "pcma": f"{AUDIO} ! audio/x-raw,rate=8000,channels=1 ! alawenc",
    "g722": f"{AUDIO} ! audio/x-raw,rate=16000,channels=1 ! avenc_g722",
    "l16": f"{AUDIO} ! audio/x-raw,format=S16BE",
    "mpegaudio": f"{AUDIO} ! lamemp3enc ! mpegaudioparse",
    "ac3": f"{AUDIO} ! avenc_ac3 ! ac3parse",
    "raw": f"{VIDEO},format=UYVY",
}


def announced(command: list[str]) -> bytes:
    """The description that a publisher sends; ``{url}`` in its command is where to."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)
        url = f"rtsp://127.0.0.1:{server.getsockname()[1]}/golden"
        publisher = subprocess.Popen(
            [word.replace("{url}", url) for word in command], stderr=subprocess.DEVNULL
        )
        try:
            connection, _ = server.accept()
            with connection:
                connection.settimeout(10)
                return read_announce(connection)
        finally:
            publisher.kill()
            publisher.wait()


def read_announce(connection: socket.socket) -> bytes:
    """Answer requests up to the first with a body, and give that."""
    with connection.makefile("rb") as lines:
        while True:
            lines.readline()
            headers = dict(line.split(b": ", 1) for line in iter(lambda: lines.readline().strip(), b""))
            if b"Content-Length" in headers:
                return lines.read(int(headers[b"Content-Length"]))
            answer = (
                b"RTSP/1.0 200 OK\r\nCSeq: %s\r\nPublic: OPTIONS, ANNOUNCE, SETUP, RECORD, TEARDOWN\r\n\r\n"
            )
            connection.sendall(answer % headers[b"CSeq"])


def main() -> None:
    """Make all files."""
    folder = HERE / "sdp"
    folder.mkdir(exist_ok=True)
    for name, options in FFMPEG.items():
        command = ["ffmpeg", *QUIET, "-re", *options.split(), "-fflags", "+bitexact", "-f", "rtsp", "{url}"]
        (folder / f"{name}_ffmpeg.sdp").write_bytes(announced(command))
    for name, pipeline in GSTREAMER.items():
        command = [
            "gst-launch-1.0",
            "--quiet",
            "rtspclientsink",
            "name=sink",
            "location={url}",
            *pipeline.split(),
            "!",
            "sink.",
        ]
        (folder / f"{name}_gstreamer.sdp").write_bytes(announced(command))


if __name__ == "__main__":
    main()
