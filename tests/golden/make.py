"""Makes the golden files with ffmpeg and cjpeg; run it again only to add files.

    python3 tests/golden/make.py

Files with packets hold RTP as RFC 4571 frames it: a length of two bytes, big-endian, before each packet.
"""

import socket
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
QUIET = ["-hide_banner", "-loglevel", "error", "-y"]
PICTURE = ["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=10"]
X264 = ["-c:v", "libx264", "-preset", "veryfast", "-g", "5"]

# Name: size, then the options of the encoder. Our reader of parameter sets is compared with another.
STREAMS = {
    "baseline_zerolatency": ("320x180", ["-profile:v", "baseline", "-tune", "zerolatency"]),
    "main_b_frames": ("160x90", ["-profile:v", "main", "-bf", "2"]),
    "high_full_range": ("162x94", ["-profile:v", "high", "-color_range", "pc", "-bf", "0"]),
    "high422_10bit": ("160x90", ["-pix_fmt", "yuv422p10le"]),
    "high444": ("160x90", ["-pix_fmt", "yuv444p"]),
    "interlaced_hrd": ("160x96", ["-x264-params", "tff=1:nal-hrd=vbr:vbv-maxrate=500:vbv-bufsize=500"]),
    "intra_refresh": ("160x90", ["-x264-params", "intra-refresh=1:scenecut=0"]),
    "anamorphic_bt709": ("160x90", ["-aspect", "4:3", "-colorspace", "bt709", "-color_primaries", "bt709"]),
}

# Name: options of cjpeg.
PICTURES = {
    "420": ["-sample", "2x2", "-quality", "50"],
    "422": ["-sample", "2x1", "-quality", "50"],
    "422_restart": ["-sample", "2x1", "-quality", "50", "-restart", "8B"],
    "420_optimised": ["-sample", "2x2", "-quality", "50", "-optimize"],
    "444": ["-sample", "1x1", "-quality", "50"],
    "grey": ["-grayscale", "-quality", "50"],
    "progressive": ["-sample", "2x2", "-quality", "50", "-progressive"],
}


def ffmpeg(*arguments: str) -> None:
    """Run ffmpeg; its errors end the program."""
    subprocess.run(["ffmpeg", *QUIET, *arguments], check=True, stdout=subprocess.DEVNULL)


def record_packets(path: Path, send: Callable[[str], None]) -> None:
    """Record the packets that ``send`` sends to the ``rtp:`` URL that it is given."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(1)
        send(f"rtp://127.0.0.1:{receiver.getsockname()[1]}?rtcpport=9")
        packets = []
        try:
            while True:
                packets.append(receiver.recv(65535))
        except TimeoutError:
            pass
    path.write_bytes(b"".join(len(packet).to_bytes(2, "big") + packet for packet in packets))


def record_rtp(path: Path, arguments: list[str]) -> None:
    """Record the packets that ffmpeg sends with `arguments`."""
    record_packets(path, lambda url: ffmpeg(*arguments, "-fflags", "+bitexact", "-f", "rtp", url))


def main() -> None:
    """Make all files."""
    for name, (size, options) in STREAMS.items():
        picture = ["-f", "lavfi", "-i", f"testsrc2=size={size}:rate=10", "-frames:v", "8"]
        target = HERE / "h264" / f"{name}.h264"
        ffmpeg(*picture, *X264, *options, "-flags:v", "+bitexact", "-f", "h264", str(target))
    stream = HERE / "h264" / "baseline_zerolatency.h264"
    record_rtp(HERE / "rtp" / "h264.rtp", ["-re", "-r", "10", "-i", str(stream), "-c", "copy"])

    with tempfile.TemporaryDirectory() as folder:
        sound = Path(folder) / "sound.mp4"
        tone = ["-f", "lavfi", "-i", "sine=440:duration=0.5:sample_rate=44100", "-ac", "2"]
        ffmpeg(*tone, "-c:a", "aac", "-flags:a", "+bitexact", str(sound))
        ffmpeg("-i", str(sound), "-c", "copy", str(HERE / "aac" / "stereo_44100.adts"))
        record_rtp(HERE / "rtp" / "aac.rtp", ["-i", str(sound), "-c", "copy"])

        ppm = Path(folder) / "picture.ppm"
        ffmpeg(*PICTURE, "-frames:v", "1", "-vf", "format=rgb24,crop=317:179:0:0", str(ppm))
        for name, options in PICTURES.items():
            target = HERE / "jpeg" / f"{name}.jpg"
            subprocess.run(["cjpeg", *options, "-outfile", str(target), str(ppm)], check=True)
    standard = ["-huffman", "default", "-force_duplicated_matrix", "1", "-pix_fmt", "yuvj420p"]
    jpeg = ["-c:v", "mjpeg", "-q:v", "8", *standard, "-flags:v", "+bitexact"]
    arguments = [*PICTURE, "-frames:v", "3", *jpeg]
    record_rtp(HERE / "rtp" / "jpeg.rtp", arguments)
    ffmpeg(*arguments, "-f", "image2", str(HERE / "jpeg" / "ffmpeg_%d.jpg"))


if __name__ == "__main__":
    main()
