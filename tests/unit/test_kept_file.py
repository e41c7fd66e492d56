"""What outlasts a relay is bounded: in bytes, and in what it is about."""

from __future__ import annotations

import asyncio
import errno
import json
from pathlib import Path

import pytest

from relaycore import kept_file
from relaycore.errors import StateError
from relaycore.kept_file import KeptFile, with_newest


def kept(most: int, names: str, newest: str, in_use: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The letters that are kept, the oldest first."""
    monkeypatch.setattr(kept_file, "MOST_NAMES", most)
    return "".join(with_newest(dict.fromkeys(names, 0), newest, 1, lambda: in_use))


@pytest.mark.parametrize(
    ("most", "names", "newest", "in_use", "left"),
    [
        (3, "ab", "c", "", "abc"),
        (3, "abc", "b", "", "acb"),
        (3, "abc", "d", "", "bcd"),
        (3, "abc", "d", "abcd", "bcd"),
        (3, "abc", "d", "a", "acd"),
        (3, "abc", "d", "ab", "abd"),
        # A file that had more in it.
        (3, "abcdef", "g", "ad", "adg"),
        (2, "abcdef", "g", "ad", "dg"),
    ],
)
def test_the_oldest_goes_that_is_in_use_no_more(
    most: int, names: str, newest: str, in_use: str, left: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert kept(most, names, newest, in_use, monkeypatch) == left


def test_what_is_set_takes_the_place_of_what_was() -> None:
    before = {"yard": 1}
    assert with_newest(before, "yard", 2, tuple) == {"yard": 2}
    assert before == {"yard": 1}


def test_a_file_that_would_not_be_read_again_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = KeptFile(tmp_path / "kept.json", dict[str, str])
    file.write({"yard": "small"})
    size = len(json.dumps({"yard": "x" * 100}, indent=2))
    monkeypatch.setattr(kept_file, "MOST_BYTES", size)
    file.write({"yard": "x" * 100})
    with pytest.raises(OSError, match="large") as refused:
        file.write({"yard": "x" * 101})
    assert refused.value.errno == errno.EFBIG
    with pytest.raises(StateError, match="What was set of Cam cannot be kept"):
        asyncio.run(file.keep({"yard": "x" * 101}, "Cam"))
    assert file.read() == {"yard": "x" * 100}
    assert [path.name for path in tmp_path.iterdir()] == ["kept.json"]


async def test_what_could_not_be_kept_is_tried_again_and_what_is_kept_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[dict[str, str]] = []

    class Watched(KeptFile[dict[str, str]]):
        def write(self, value: dict[str, str]) -> None:
            written.append(value)
            super().write(value)

    path = tmp_path / "kept.json"
    file = Watched(path, dict[str, str])
    await file.keep({}, "Cam")
    assert not path.exists()
    with monkeypatch.context() as small:
        small.setattr(kept_file, "MOST_BYTES", 1)
        for _ in range(2):
            with pytest.raises(StateError):
                await file.keep({"yard": "x"}, "Cam")
    for _ in range(2):
        await file.keep({"yard": "x"}, "Cam")
    again = Watched(path, dict[str, str])
    assert again.read() == {"yard": "x"}
    await again.keep({"yard": "x"}, "Cam")
    await again.keep({}, "Cam")
    assert written == [{"yard": "x"}] * 3 + [{}]
    assert again.read() == {}
