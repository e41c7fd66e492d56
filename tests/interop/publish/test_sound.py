"""The sound that a reader gets is, byte for byte, a piece of what was published."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.interop.publish.batch import Batch, cases_of
from tests.interop.publish.listening import LISTEN
from tests.interop.publish.publishers import Publication, Publications

SHARE = 4
"""A fourth of the clip is listened to: a second."""


@dataclass(frozen=True)
class Case:
    """A program that listens to a publication, whose payload has a certain form, over a transport."""

    publication: Publication
    form: str
    reader: str
    transport: str


def _cases() -> Iterator[Case]:
    for clip in ("aac", "opus", "pcmu", "pcma", "g722", "l16", "mp2", "mp3"):
        for reader in LISTEN:
            for transport in ("tcp", "udp"):
                yield Case(Publication(clip, "ffmpeg", "tcp"), clip, reader, transport)
    for reader in ("ffmpeg", "pyav"):
        yield Case(Publication("aac", "ffmpeg-latm", "udp"), "latm", reader, "tcp")
    for reader in LISTEN:
        yield Case(Publication("ac3", "gstreamer-ac3", "tcp"), "ac3", reader, "tcp")
        yield Case(Publication("opus", "gstreamer-opus", "udp"), "opus", reader, "tcp")
    yield Case(Publication("aac", "ffmpeg", "tcp"), "aac", "ffmpeg", "http")
    yield Case(Publication("aac", "gstreamer-aac", "tcp"), "latm", "ffmpeg", "tcp")
    yield Case(Publication("g722", "ffmpeg-9", "udp"), "g722", "gstreamer", "udp")


CASES = list(_cases())


@pytest.fixture(scope="module")
def heard(
    request: pytest.FixtureRequest, publications: Publications, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Batch[Case, bytes]]:
    """What each program took."""

    def listen(case: Case) -> bytes:
        path = publications.live(case.publication)
        wanted = len(publications.clips.sound(case.publication.clip)) // SHARE
        url, directory = publications.relay.url(path), tmp_path_factory.mktemp(case.reader)
        return LISTEN[case.reader](case.form, url, case.transport, wanted, directory)

    with Batch(listen, cases_of(request)) as batch:
        yield batch


@pytest.mark.timeout(180)
@pytest.mark.parametrize("case", CASES, ids=[f"{c.publication.path}-{c.reader}-{c.transport}" for c in CASES])
def test_every_byte_of_sound_is_one_that_was_published(
    heard: Batch[Case, bytes], publications: Publications, case: Case
) -> None:
    sound, published = heard[case], publications.clips.sound(case.publication.clip)
    assert len(sound) == len(published) // SHARE
    # The clip is published again and again.
    assert sound in published * 2
