"""Pictures from the thread of a camera to that of its encoder."""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray
from pytest_benchmark.fixture import BenchmarkFixture

from relaycore._relaycore import FramePool, Handoff

WIDTH, HEIGHT = 1280, 720


def test_handoff_in_one_thread(benchmark: BenchmarkFixture) -> None:
    """A buffer out of the pool, offered, taken and given back."""
    pool, handoff = FramePool(WIDTH, HEIGHT), Handoff()

    def hand() -> object:
        handoff.offer(pool.acquire())
        return handoff.take()

    assert benchmark(hand) is not None


def test_handoff_to_another_thread_and_back(benchmark: BenchmarkFixture) -> None:
    """Two wake-ups, each with the interpreter lock given up and taken."""
    there, back = Handoff(), Handoff()

    def answer() -> None:
        while (item := there.take()) is not None:
            back.offer(item)

    thread = threading.Thread(target=answer)
    thread.start()

    def hand() -> object:
        there.offer(1)
        return back.take(20.0)

    try:
        assert benchmark(hand) == 1
    finally:
        there.close()
        thread.join()


def test_picture_in_420_to_a_buffer(benchmark: BenchmarkFixture, pictures: list[NDArray[np.uint8]]) -> None:
    """A copy, row by row."""
    buffer = FramePool(WIDTH, HEIGHT).acquire()
    assert buffer is not None
    luma = pictures[0][:HEIGHT]
    chroma = np.zeros((2, HEIGHT // 2, WIDTH // 2), np.uint8)
    benchmark(buffer.fill_from_420, luma, *chroma, WIDTH, WIDTH // 2, WIDTH // 2)


def test_picture_in_422_to_a_buffer(benchmark: BenchmarkFixture, pictures: list[NDArray[np.uint8]]) -> None:
    """With chroma averaged over two rows, as of a webcam's JPEG."""
    buffer = FramePool(WIDTH, HEIGHT).acquire()
    assert buffer is not None
    luma = pictures[0][:HEIGHT]
    chroma = np.zeros((2, HEIGHT, WIDTH // 2), np.uint8)
    benchmark(buffer.fill_from_422, luma, *chroma, WIDTH, WIDTH // 2, WIDTH // 2)


def test_picture_in_yuyv_to_a_buffer(benchmark: BenchmarkFixture) -> None:
    """As of a webcam that does not compress."""
    buffer = FramePool(WIDTH, HEIGHT).acquire()
    assert buffer is not None
    benchmark(buffer.fill_from_yuyv, np.zeros((HEIGHT, WIDTH * 2), np.uint8), WIDTH * 2)
