"""The settings of privacy masks: parts of a camera's picture that nobody is to see."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from relaycore.errors import ConfigurationError
from relaycore.language import Message

__all__ = ["MASKS_MAX", "MaskSettings", "check_count", "check_masks", "mask_objection"]

MASKS_MAX: Final = 64
"""Masks of one camera."""

CORNERS_MAX: Final = 64
"""Corners of one polygon."""

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


def check_count(masks: list[Any]) -> None:
    """ConfigurationError where there are too many."""
    if len(masks) > MASKS_MAX:
        raise ConfigurationError(
            Message(
                "A camera has at most {masks_max} masks, not {masks}.", masks_max=MASKS_MAX, masks=len(masks)
            )
        )


def _check_fill(fill: str) -> None:
    if fill not in ("black", "pixelate", "blur") and not _COLOUR.fullmatch(fill):
        raise ConfigurationError(
            Message(
                "{fill} is not a fill: use black, pixelate, blur or a colour like #204060.", fill=repr(fill)
            )
        )


def _check_rectangle(sides: list[float]) -> None:
    if len(sides) != 4 or not _are_fractions(sides) or sides[0] >= sides[2] or sides[1] >= sides[3]:
        raise ConfigurationError(
            Message(
                "A rectangle is a list of left, top, right and bottom as fractions of the picture, "
                "from 0 to 1."
            )
        )


def _check_polygon(corners: list[list[float]]) -> None:
    if (
        not 3 <= len(corners) <= CORNERS_MAX
        or not all(len(corner) == 2 and _are_fractions(corner) for corner in corners)
        or _is_line(corners)
    ):
        raise ConfigurationError(
            Message(
                "A polygon is a list of 3 to {corners_max} corners, each [x, y] as fractions of the "
                "picture, from 0 to 1, not all on one line.",
                corners_max=CORNERS_MAX,
            )
        )


def _are_fractions(numbers: Iterable[float]) -> bool:
    return all(0 <= number <= 1 for number in numbers)  # NaN is none


def _is_line(corners: list[list[float]]) -> bool:
    """Whether all corners are on one line, so that nothing is between them."""
    (left, top), *others = corners
    reach = max(others, key=lambda corner: abs(corner[0] - left) + abs(corner[1] - top))
    across, down = reach[0] - left, reach[1] - top
    return all(abs(across * (y - top) - down * (x - left)) < 1e-9 for x, y in others)


class MaskSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the picture that nobody is to see: a rectangle or a polygon, and what is there instead."""

    rectangle: (
        Annotated[
            list[float],
            Meta(
                description="a list of left, top, right and bottom as fractions of the picture, from 0 to 1",
                examples=[[0.0, 0.0, 0.25, 1.0]],
                extra={"check": _check_rectangle},
            ),
        ]
        | None
    ) = None
    """Left, top, right and bottom."""

    polygon: (
        Annotated[
            list[list[float]],
            Meta(
                description=f"a list of 3 to {CORNERS_MAX} corners [x, y] as fractions of the picture, "
                "from 0 to 1, not all on one line",
                examples=[[[0.5, 0.0], [1.0, 0.0], [1.0, 0.6]]],
                extra={"check": _check_polygon},
            ),
        ]
        | None
    ) = None
    """Corners, in their order around it."""

    fill: Annotated[
        str,
        Meta(
            description="`black`, `pixelate`, `blur` or a colour such as `#204060`",
            examples=["#204060"],
            extra={"check": _check_fill},
        ),
    ] = "black"
    """What is there instead. Squares and blur still tell what moves and of which colour it is."""

    name: Annotated[
        str,
        Meta(
            pattern=r"^[^\x00-\x1f\x7f]{0,100}$",
            description="up to 100 characters on one line",
            examples=["window of the neighbour"],
        ),
    ] = ""
    """What it hides, for a person."""

    @property
    def corners(self) -> list[tuple[float, float]]:
        """The corners of either, as fractions of width and height."""
        if self.rectangle is not None:
            left, top, right, bottom = self.rectangle
            return [(left, top), (right, top), (right, bottom), (left, bottom)]
        return [(x, y) for x, y in self.polygon or []]

    def __str__(self) -> str:
        if self.rectangle is not None:
            left, top, right, bottom = (f"{side:.4g}" for side in self.rectangle)
            return f"rectangle from {left}, {top} to {right}, {bottom}"
        return "polygon " + " ".join(f"{x:.4g},{y:.4g}" for x, y in self.corners)


def mask_objection(mask: MaskSettings) -> str | None:
    """Why a mask whose settings are right one by one means nothing; ``None`` where it means something."""
    if (mask.rectangle is None) == (mask.polygon is None):
        return "a mask has a rectangle or a polygon, one of the two."
    return None


def check_masks(masks: list[MaskSettings]) -> None:
    """ConfigurationError where a program has made masks that are not right."""
    check_count(masks)
    for number, mask in enumerate(masks, 1):
        try:
            if (objection := mask_objection(mask)) is not None:
                raise ConfigurationError(objection[:1].upper() + objection[1:])
            if mask.rectangle is not None:
                _check_rectangle(mask.rectangle)
            if mask.polygon is not None:
                _check_polygon(mask.polygon)
            _check_fill(mask.fill)
        except ConfigurationError as error:
            raise ConfigurationError(
                Message("Mask {number} is not right: {error}", number=number, error=error)
            ) from None
