"""What is read of a stream, of a picture and of a request."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from fractions import Fraction

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from pytest_benchmark.fixture import BenchmarkFixture

from relaycore._relaycore import Engine, H264Parameters, inspect_jpeg

OPTIONS = b"OPTIONS rtsp://127.0.0.1/bench RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: benchmark\r\n\r\n"


@pytest.fixture
def connection(engine: Engine) -> Iterator[socket.socket]:
    """A connection to the engine."""
    with socket.create_connection(engine.listen("127.0.0.1", 0), 20.0) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield connection


def test_parameter_sets_of_h264(benchmark: BenchmarkFixture, access_units: list[bytes]) -> None:
    """Found in front of a key frame, and read."""
    assert benchmark(H264Parameters.parse, access_units[0]).width == 1280


def test_segments_of_a_jpeg(benchmark: BenchmarkFixture, pictures: list[NDArray[np.uint8]]) -> None:
    """A picture of a webcam, not decoded."""
    encoder = av.CodecContext.create("mjpeg", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = 1280, 720, "yuvj420p"
    encoder.framerate, encoder.time_base = Fraction(30), Fraction(1, 30)
    (packet,) = encoder.encode(av.VideoFrame.from_ndarray(pictures[0], "yuvj420p"))
    assert benchmark(inspect_jpeg, bytes(packet)).complete


def test_request_over_a_socket(benchmark: BenchmarkFixture, connection: socket.socket) -> None:
    """OPTIONS, from the client's system call to the answer in its hands; no Python but the client's."""

    def ask() -> bytes:
        connection.sendall(OPTIONS)
        return connection.recv(4096)

    assert benchmark(ask).startswith(b"RTSP/1.0 200")
