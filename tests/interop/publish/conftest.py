"""A relay to publish to, and the programs that do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.interop.publish.clips import Clips
from tests.interop.publish.publishers import Publications
from tests.interop.publish.running import RunningRelay


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Clips:
    """The clips, encoded when they are first asked for."""
    return Clips(tmp_path_factory.mktemp("clips"))


@pytest.fixture(scope="module")
def publications(clips: Clips) -> Iterator[Publications]:
    """A relay, and what is published to it as soon as it is asked for."""
    with RunningRelay() as relay, Publications(relay, clips) as publications:
        yield publications
