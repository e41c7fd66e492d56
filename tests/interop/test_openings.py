"""Players get in by every shape of a URL, and with a password."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.interop.openers import OPENERS
from tests.support.server import Server, serve

SHAPES = [
    "cam",
    "cam/",
    "cam?token=x",
    "cam/?token=x",
    "cam?token=x&channel=1",
    "cam?token=a/b",
    "cam?from=rtsp://other/stream",
    "cam?token=%2F%3D",
    "%63am",
    "site/door-1",
    "site/door-1/?token=x",
    "site%2Fdoor%2D1",
]
"""What stands behind the host."""

PATTERN = 'camera = "pattern"\nsize = "160x90"\nfps = 15\n'

PATHS = f'[cameras.cam]\n{PATTERN}[cameras."site/door-1"]\n{PATTERN}'

USER = '[[users]]\nname = "anna"\npassword = "open sesame"\n'

AT_ONCE = 3
"""Players that run at the same time."""


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Two paths, one of which has a folder."""
    file = tmp_path_factory.mktemp("openings") / "relaycore.toml"
    file.write_text(PATHS)
    with serve(str(file), streams=2) as server:
        yield server


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A path for those who have the password; Digest alone is offered."""
    file = tmp_path_factory.mktemp("guarded") / "relaycore.toml"
    file.write_text(f"[cameras.cam]\n{PATTERN}{USER}")
    with serve(str(file)) as server:
        yield server


@pytest.fixture(scope="module")
def noticed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A path whose description says what it is for and where its notice is, in more than ASCII."""
    file = tmp_path_factory.mktemp("noticed") / "relaycore.toml"
    purpose = f"Übersicht über den Hof, 中庭, {'safety of the crane ' * 8}"
    protocol = '[paths.cam.protocol]\nresponsible = "Crane Ltd"\nnotice = true\n'
    file.write_text(f'[cameras.cam]\n{PATTERN}[paths.cam]\npurpose = "{purpose[:200]}"\n{protocol}')
    with serve(str(file)) as server:
        yield server


@pytest.mark.parametrize("player", OPENERS)
def test_every_player_opens_what_has_a_notice(noticed: Server, player: str) -> None:
    OPENERS[player](noticed.url_of("cam"))


@pytest.mark.parametrize("player", OPENERS)
def test_every_shape_of_a_url_is_opened(paths: Server, player: str) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        opened = {shape: pool.submit(OPENERS[player], paths.url_of(shape)) for shape in SHAPES}
    failed = {shape: str(error) for shape, done in opened.items() if (error := done.exception())}
    assert failed == {}


@pytest.mark.parametrize("player", [name for name in OPENERS if name != "retina"])
def test_a_player_logs_in(guarded: Server, player: str) -> None:
    """With user and password in the URL; retina does not take them from there."""
    OPENERS[player](guarded.url_of("cam").replace("rtsp://", "rtsp://anna:open%20sesame@"))
    with pytest.raises(AssertionError):
        OPENERS[player](guarded.url_of("cam").replace("rtsp://", "rtsp://anna:wrong@"))
