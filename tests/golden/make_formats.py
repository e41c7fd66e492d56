"""Makes the golden files of MPEG-4, MPEG-1 and MPEG-2 video, transport streams, LATM, MPEG audio and AC-3.

    python3 -m tests.golden.make_formats

Run it again only to add files. It needs ffmpeg and GStreamer. Files with packets hold RTP as RFC 4571 frames
it: a length of two bytes, big-endian, before each packet.
"""

from __future__ import annotations

from tests.golden.make import HERE, ffmpeg, record_packets, record_rtp
from tests.golden.make_video import record_gstreamer

PICTURES = "-f lavfi -i testsrc2=size=160x96:rate=25:duration=0.36"
SOUND = "-f lavfi -i sine=440:duration=0.3:sample_rate=48000 -ac 2"

# File: options of the encoder.
STREAMS = {
    "mpeg/mpeg4.m4v": f"{PICTURES} -c:v mpeg4 -g 4 -b:v 400k -bf 1 -f m4v",
    "mpeg/mpeg1.m1v": f"{PICTURES} -c:v mpeg1video -g 4 -bf 1 -b:v 600k",
    "mpeg/mpeg2.m2v": f"{PICTURES} -c:v mpeg2video -g 4 -flags +ildct+ilme -b:v 3000k",
    "mpeg/h264.ts": f"{PICTURES} {SOUND} -c:v libx264 -g 4 -preset veryfast -c:a mp2 -f mpegts",
    "mpeg/layer2.mp2": f"{SOUND} -c:a mp2 -b:a 128k",
    "mpeg/layer3.mp3": f"{SOUND} -c:a libmp3lame -b:a 320k -write_xing 0 -id3v2_version 0",
    "mpeg/ac3.ac3": f"{SOUND} -c:a ac3 -b:a 640k",
    "mpeg/stereo_48000.adts": f"{SOUND} -c:a aac",
}

# Name of a recording that ffmpeg sends: what it reads.
FFMPEG = {
    "mpeg4_ffmpeg": "mpeg/mpeg4.m4v",
    "mpegvideo_ffmpeg": "mpeg/mpeg1.m1v",
    "layer2_ffmpeg": "mpeg/layer2.mp2",
    "layer3_ffmpeg": "mpeg/layer3.mp3",
}

# Name of a recording: what GStreamer reads, how, and the payload type, which is fixed for some.
PIPELINES = {
    "mpeg4_gstreamer": ("mpeg/mpeg4.m4v", "mpeg4videoparse ! rtpmp4vpay config-interval=-1", 96),
    "mpegvideo_gstreamer": ("mpeg/mpeg2.m2v", "mpegvideoparse ! rtpmpvpay", 32),
    "mpegts_gstreamer": ("mpeg/h264.ts", "tsparse alignment=7 ! rtpmp2tpay", 33),
    "layer3_gstreamer": ("mpeg/layer3.mp3", "mpegaudioparse ! rtpmpapay", 14),
    "ac3_gstreamer": ("mpeg/ac3.ac3", "ac3parse ! rtpac3pay", 96),
    "latm_gstreamer": ("mpeg/stereo_48000.adts", "aacparse ! audio/mpeg,stream-format=raw ! rtpmp4apay", 96),
}


def main() -> None:
    """Make all files."""
    (HERE / "mpeg").mkdir(exist_ok=True)
    exact = ["-flags:v", "+bitexact", "-flags:a", "+bitexact", "-fflags", "+bitexact"]
    for name, options in STREAMS.items():
        ffmpeg(*options.split(), *exact, str(HERE / name))
    for name, stream in FFMPEG.items():
        record_rtp(HERE / "rtp" / f"{name}.rtp", ["-re", "-i", str(HERE / stream), "-c", "copy"])
    latm = ["-re", "-i", str(HERE / "mpeg/stereo_48000.adts"), "-c", "copy"]
    record_rtp(HERE / "rtp" / "latm_ffmpeg.rtp", [*latm, "-rtpflags", "latm"])
    packets = ["-re", "-i", str(HERE / "mpeg/h264.ts"), "-map", "0", "-c", "copy"]
    record_packets(
        HERE / "rtp" / "mpegts_ffmpeg.rtp",
        lambda url: ffmpeg(*packets, "-fflags", "+bitexact", "-f", "rtp_mpegts", url),
    )
    for name, (stream, pipeline, payload_type) in PIPELINES.items():
        record_gstreamer(name, stream, pipeline, payload_type)


if __name__ == "__main__":
    main()
