"""Makes the golden files of H.265, VP8, VP9 and AV1; run it again only to add files.

    python3 -m tests.golden.make_video NEW_FFMPEG

It needs ffmpeg and GStreamer, and the path of an ffmpeg that sends AV1 over RTP, which Debian's cannot: 8.0
or newer, such as PyPI's imageio-ffmpeg brings. Files with packets hold RTP as RFC 4571 frames it: a length of
two bytes, big-endian, before each packet.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile

from tests.golden.make import HERE, QUIET, ffmpeg, record_packets, record_rtp

PICTURES = ["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=10"]
SMALL = "-frames:v 20 -s 160x90 -g 10 -b:v 60k"
X265 = "-c:v libx265 -x265-params log-level=error"

# File: options of the encoder. The streams have what is hard: leading pictures behind clean random access
# points, several partitions, hidden frames, superframes, an odd size with ten bits.
STREAMS = {
    "h265/open_gop.h265": f"-frames:v 10 {X265}:keyint=5:min-keyint=5:open-gop=1:bframes=2:slices=2",
    "h265/main422_10.h265": f"-frames:v 1 -s 162x94 -pix_fmt yuv422p10le {X265}",
    "vp8/partitions.ivf": "-frames:v 10 -c:v libvpx -g 5 -slices 4 -b:v 300k",
    "av1/hidden_frames.ivf": f"{SMALL} -c:v libaom-av1 -cpu-used 6 -lag-in-frames 16",
}

# Only with two passes libvpx makes hidden frames, which share a superframe with the next one.
SUPERFRAMES = f"{SMALL} -c:v libvpx-vp9 -auto-alt-ref 1 -lag-in-frames 25"

# Name of a recording: what GStreamer reads, and how.
PIPELINES = {
    "h265_gstreamer": ("h265/open_gop.h265", "h265parse ! rtph265pay aggregate-mode=max"),
    "vp8_gstreamer": ("vp8/partitions.ivf", "ivfparse ! rtpvp8pay picture-id-mode=15-bit"),
    "vp9_gstreamer": ("vp9/superframes.ivf", "ivfparse ! rtpvp9pay picture-id-mode=15-bit"),
}


def record_gstreamer(name: str, stream: str, pipeline: str, payload_type: int = 96) -> None:
    """Record the packets that GStreamer makes of a stream."""
    numbers = f"mtu=1200 pt={payload_type} ssrc=1 seqnum-offset=65530 timestamp-offset=0"
    source, target = f"filesrc location={HERE / stream}", f"filesink location={HERE / 'rtp' / name}.rtp"
    launch = f"gst-launch-1.0 --quiet {source} ! {pipeline} {numbers} ! rtpstreampay ! {target}"
    subprocess.run(launch.split(), check=True)


def send_av1(url: str) -> None:
    """Send the AV1 stream as RTP."""
    stream = ["-re", "-i", str(HERE / "av1" / "hidden_frames.ivf"), "-c", "copy", "-strict", "experimental"]
    rtp = ["-fflags", "+bitexact", "-f", "rtp", url]
    subprocess.run([sys.argv[1], *QUIET, *stream, *rtp], check=True, stdout=subprocess.DEVNULL)


def encode(name: str, options: str) -> None:
    """Encode the test pattern."""
    target = HERE / name
    target.parent.mkdir(exist_ok=True)
    ffmpeg(*PICTURES, *options.split(), "-flags:v", "+bitexact", "-fflags", "+bitexact", str(target))


def main() -> None:
    """Make all files."""
    for name, options in STREAMS.items():
        encode(name, options)
    with tempfile.TemporaryDirectory() as folder:
        log = f"-passlogfile {folder}/log -pass"
        ffmpeg(*PICTURES, *f"{SUPERFRAMES} {log} 1 -f null -".split())
        encode("vp9/superframes.ivf", f"{SUPERFRAMES} {log} 2")
    for codec, name in [("h265", "open_gop.h265"), ("vp8", "partitions.ivf"), ("vp9", "superframes.ivf")]:
        stream = ["-re", "-i", str(HERE / codec / name), "-c", "copy", "-strict", "experimental"]
        record_rtp(HERE / "rtp" / f"{codec}_ffmpeg.rtp", stream)
    record_packets(HERE / "rtp" / "av1_ffmpeg.rtp", send_av1)
    for recording, (stream_name, pipeline) in PIPELINES.items():
        record_gstreamer(recording, stream_name, pipeline)


if __name__ == "__main__":
    main()
