"""Privacy masks as players see them: what is behind one is in no picture that comes over the wire."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.interop.players import PLAYERS
from tests.support.server import Server, serve

MASK = "polygon = [[0.25, 0.0], [0.75, 0.0], [0.75, 0.6], [0.25, 0.6]]"
CAMERAS = {
    "moving": "lavfi:testsrc2=size=320x240:rate=30,format=nv12",
    "fractal": "lavfi:mandelbrot=size=321x241:rate=30,format=yuvj422p",
}
"""Two cameras that show nothing alike, in different formats and sizes."""

HIDDEN = np.s_[:128, 96:224]
"""What is behind the mask, without the block at its edges that an encoder smears over."""

SEEN = np.s_[168:240]

NOISE = 4
"""Levels by which an encoder may miss a plain colour."""


@pytest.fixture(scope="module")
def masked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The cameras, both with the same mask."""
    file = tmp_path_factory.mktemp("masks") / "relaycore.toml"
    tables = [
        f'[cameras.{path}]\ncamera = "{camera}"\nbitrate = "4M"\nmasks = [{{ {MASK}, fill = "#804020" }}]\n'
        for path, camera in CAMERAS.items()
    ]
    file.write_text("".join(tables))
    with serve(str(file), streams=2) as server:
        yield server


@pytest.mark.parametrize("player", ["ffmpeg", "opencv", "pyav"])
def test_two_cameras_are_the_same_behind_a_mask_and_differ_beside_it(
    masked: Server, player: str, tmp_path: Path
) -> None:
    pictures = []
    for path in CAMERAS:
        (folder := tmp_path / path).mkdir()
        found = PLAYERS[player](masked.url_of(path), "tcp", folder).pictures[-1].astype(int)
        assert found.shape == (240, 320, 3)
        # The colour itself may differ a little: the sources have other ranges and matrices.
        middle = np.median(found[HIDDEN], axis=(0, 1))
        assert np.abs(middle - (0x80, 0x40, 0x20)).max() < 24
        assert np.abs(found[HIDDEN] - middle).max() <= NOISE
        pictures.append(found)
    assert np.abs(pictures[0][SEEN] - pictures[1][SEEN]).mean() > 20
