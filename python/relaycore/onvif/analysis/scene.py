"""Another scene: the camera was moved, or something covers it.

Scenes are compared by their edges and not by their brightness, so that the same scene in another light is the
same. Each edge counts for about as much whether it is strong or weak. What was seen for long is the scene;
something that is new for long enough becomes it, unless it hides what there was.
"""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from relaycore.onvif.analysis.plane import Plane

__all__ = ["Scene", "SceneChange"]

SceneChange = Literal["covered", "moved"]
"""What has happened to the scene: nothing of it is to be seen, or something else."""

SAME: Final = 0.5
"""Correlation of the edges of the same scene, whatever moves in it. The scene learns from such pictures."""

OTHER: Final = 0.35
"""Correlation below which it is another one."""

WEAK: Final = 0.02
"""Mean square of the edges, each from 0 to 1, below which there is nothing to compare: a bare wall, noise."""

SOFT: Final = 12.0
"""An edge of this many levels counts half."""

RECENT: Final = 0.3
"""Part that a picture has in the mean of the newest ones, in which noise is less than in each."""

LEARN_NS: Final = 3_000_000_000
"""From the first picture until the scene is known."""

TELL_NS: Final = 3_000_000_000
"""How long it has to be another one: who walks past the camera is none."""

ADOPT_NS: Final = 30_000_000_000
"""How long another one has to last to be the scene from then on."""

MEMORY_NS: Final = 30_000_000_000
"""In how long the scene becomes what is seen, for two thirds; the light of a day changes slower."""

_Edges = NDArray[np.float32]


class Scene:
    """Says after each plane whether the scene is another one, and how."""

    def __init__(self) -> None:
        self.change: SceneChange | None = None
        self._recent: Plane | None = None
        self._edges: _Edges | None = None
        self._from_ns = 0
        self._learned = 1
        self._last_ns = 0
        self._other_since: int | None = None

    def take(self, plane: Plane, at_ns: int) -> None:
        """The next plane, taken at this time of the engine's clock."""
        self._recent = plane if self._recent is None else self._recent + RECENT * (plane - self._recent)
        edges = _edges(self._recent)
        if self._edges is None:
            self._edges, self._from_ns, self._last_ns = edges, at_ns, at_ns
            return
        passed, self._last_ns = at_ns - self._last_ns, at_ns
        if at_ns - self._from_ns < LEARN_NS:
            self._learned += 1
            self._edges += (edges - self._edges) / np.float32(self._learned)
            return
        here, there = _strength(edges), _strength(self._edges)
        if here < WEAK and there < WEAK:
            self._is_same()
            return
        likeness = float(np.vdot(edges, self._edges)) / edges.size / max(1e-6, (here * there) ** 0.5)
        if likeness >= SAME:
            self._edges += min(1.0, passed / MEMORY_NS) * (edges - self._edges)
            self._is_same()
        elif likeness < OTHER:
            self._is_other(edges, "covered" if here < max(WEAK, there / 4) else "moved", at_ns)
        elif self.change is None:
            self._other_since = None

    def forget_doubt(self) -> None:
        """Of what is seen now nothing can be said."""
        self._recent = None
        if self.change is None:
            self._other_since = None

    def _is_same(self) -> None:
        self.change, self._other_since = None, None

    def _is_other(self, edges: _Edges, change: SceneChange, at_ns: int) -> None:
        if self._other_since is None:
            self._other_since = at_ns
        lasts = at_ns - self._other_since
        if lasts >= TELL_NS and self.change != change:
            if self.change is not None:
                # Whoever takes away what covered a camera that was moved, too, is told for as long as others.
                self._other_since, lasts = at_ns - TELL_NS, TELL_NS
            self.change = change
        if lasts >= ADOPT_NS and change == "moved":
            self._edges, self._from_ns, self._learned = edges, at_ns, 1
            self._is_same()


def _edges(plane: Plane) -> _Edges:
    """How much each point differs from those to its right and below, from -1 to 1."""
    down = plane[1:, :-1] - plane[:-1, :-1]
    across = plane[:-1, 1:] - plane[:-1, :-1]
    both: _Edges = np.stack((down, across))
    both /= np.abs(both) + np.float32(SOFT)
    return both


def _strength(edges: _Edges) -> float:
    return float(np.vdot(edges, edges)) / edges.size
