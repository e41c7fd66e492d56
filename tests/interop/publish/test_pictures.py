"""Each picture that a reader decodes is one that was published, from the first on, and none is missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from tests.interop.publish.batch import Batch, cases_of
from tests.interop.publish.clips import Planes
from tests.interop.publish.publishers import Publication, Publications
from tests.interop.publish.watching import DECODERS, WANTED, WATCH

TOLERANCE = 2.0
"""Steps of 255 by which samples may be off on average: decoders of some formats round in their own ways."""

BY_FFMPEG = [
    Publication(clip, "ffmpeg", "tcp")
    for clip in (
        "h264",
        "h264-bframes",
        "h265",
        "mpeg4",
        "mpeg4-bframes",
        "mpeg1",
        "mpeg2",
        "jpeg",
        "vp8",
        "vp9",
    )
]
AV1 = Publication("av1", "ffmpeg-9", "tcp")
MPEGTS = Publication("mpegts", "ffmpeg-mpegts", "tcp")

OTHERS = [
    Publication("h264-bframes", "ffmpeg", "udp"),
    Publication("mpeg4", "ffmpeg", "udp"),
    Publication("jpeg", "ffmpeg", "udp"),
    Publication("vp8", "ffmpeg-9", "udp"),
    Publication("h265", "ffmpeg-9", "udp"),
    Publication("h264", "gstreamer-h264", "tcp"),
    Publication("h264", "gstreamer-h264", "udp"),
    Publication("h265", "gstreamer-h265", "tcp"),
    Publication("mpeg4", "gstreamer-mpeg4", "tcp"),
    Publication("jpeg", "gstreamer-jpeg", "udp"),
    Publication("vp8", "gstreamer-vp8", "tcp"),
    Publication("h264-bframes", "pyav", "tcp"),
    Publication("mpeg4", "pyav", "udp"),
]
"""Other publishers and transports than ffmpeg over TCP; ffmpeg and GStreamer watch each."""


@dataclass(frozen=True)
class Case:
    """A program that watches a publication over a transport."""

    publication: Publication
    reader: str
    transport: str


def _cases() -> Iterator[Case]:
    for publication in BY_FFMPEG:
        for reader in ("ffmpeg", "gstreamer"):
            for transport in ("tcp", "udp"):
                yield Case(publication, reader, transport)
        yield Case(publication, "ffmpeg-9", "tcp")
        yield Case(publication, "pyav", "udp")
    for clip in ("h264", "h264-bframes", "mpeg4", "mpeg4-bframes", "mpeg1", "mpeg2", "vp8", "vp9"):
        yield Case(Publication(clip, "ffmpeg", "tcp"), "mpv", "tcp")
    for clip in ("h264", "h264-bframes", "jpeg"):
        yield Case(Publication(clip, "ffmpeg", "tcp"), "retina", "tcp")
        yield Case(Publication(clip, "ffmpeg", "tcp"), "retina", "udp")
    for clip in ("h264-bframes", "h265", "mpeg4", "vp8"):
        yield Case(Publication(clip, "ffmpeg", "tcp"), "opencv", "tcp")
        yield Case(Publication(clip, "ffmpeg", "tcp"), "ffmpeg", "http")
    for clip in ("h264-bframes", "h265", "vp8"):
        yield Case(Publication(clip, "ffmpeg", "tcp"), "rtspsrc2", "udp")
        yield Case(Publication(clip, "ffmpeg", "tcp"), "gstreamer", "http")
    for transport in ("tcp", "udp", "http"):
        yield Case(AV1, "ffmpeg-9", transport)
    yield Case(AV1, "pyav", "tcp")
    for transport in ("tcp", "udp"):
        yield Case(MPEGTS, "ffmpeg", transport)
    for publication in OTHERS:
        yield Case(publication, "ffmpeg", "tcp")
        if publication.clip in DECODERS:
            yield Case(publication, "gstreamer", "tcp")


CASES = list(_cases())


@pytest.fixture(scope="module")
def watched(
    request: pytest.FixtureRequest, publications: Publications, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Batch[Case, Planes]]:
    """What each program decoded."""

    def watch(case: Case) -> Planes:
        path = publications.live(case.publication)
        url, directory = publications.relay.url(path), tmp_path_factory.mktemp(case.reader)
        return WATCH[case.reader](case.publication.clip, url, case.transport, directory)

    with Batch(watch, cases_of(request)) as batch:
        yield batch


@pytest.mark.timeout(180)
@pytest.mark.parametrize("case", CASES, ids=[f"{c.publication.path}-{c.reader}-{c.transport}" for c in CASES])
def test_every_picture_is_the_one_that_was_published(
    watched: Batch[Case, Planes], publications: Publications, case: Case
) -> None:
    pictures, published = watched[case], publications.clips.pictures(case.publication.clip)
    assert len(pictures) == WANTED
    first, _ = nearest(published, pictures[0])
    for number, picture in enumerate(pictures):
        found, difference = nearest(published, picture)
        assert found == (first + number) % len(published), (
            f"picture {number} of a reader that began at {first}"
        )
        assert difference <= TOLERANCE, f"picture {number} is broken"


def nearest(published: Planes, picture: Planes) -> tuple[int, float]:
    """The number of the published picture that is most like another, and how far it is from that."""
    differences = np.abs(published.astype(np.int16) - picture).mean(axis=1)
    found = int(np.argmin(differences))
    return found, float(differences[found])
