"""Files of keys: who may read them, and that nobody finds half of one."""

from __future__ import annotations

import errno
import os
import stat
import sys
import threading
from pathlib import Path

import pytest

from relaycore.access.sealed import SEAL_FILE, seal_file
from relaycore.errors import StateError
from relaycore.system.private_files import others_may_read, write_private

POSIX_ONLY = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")


def names(folder: Path) -> list[str]:
    return [each.name for each in folder.iterdir()]


def test_it_is_written_once_and_alone_in_its_folder(tmp_path: Path) -> None:
    write_private(tmp_path / "key", b"one")
    with pytest.raises(FileExistsError):
        write_private(tmp_path / "key", b"other")
    assert (tmp_path / "key").read_bytes() == b"one"
    assert names(tmp_path) == ["key"]


@POSIX_ONLY
@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_only_its_owner_may_read_it_whatever_the_mask(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        write_private(tmp_path / "key", b"one")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert not others_may_read(tmp_path / "key")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601])
@POSIX_ONLY
def test_a_mode_that_lets_others_in_is_noticed(tmp_path: Path, mode: int) -> None:
    write_private(tmp_path / "key", b"one")
    (tmp_path / "key").chmod(mode)
    assert others_may_read(tmp_path / "key")


def test_nobody_finds_it_before_all_of_it_is_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[bool] = []
    sync = os.fsync

    def look(descriptor: int) -> None:
        found.append((tmp_path / "key").exists())
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", look)
    write_private(tmp_path / "key", b"one")
    assert found[0] is False


def test_nothing_is_left_where_the_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_private(tmp_path / "key", b"one")
    assert names(tmp_path) == []


@POSIX_ONLY
def test_a_file_system_without_second_names_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_link(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_link)
    write_private(tmp_path / "key", b"one")
    assert (tmp_path / "key").read_bytes() == b"one"
    with pytest.raises(FileExistsError):
        write_private(tmp_path / "key", b"other")
    assert names(tmp_path) == ["key"]


def test_all_who_make_a_key_at_the_same_time_have_the_same(tmp_path: Path) -> None:
    begin = threading.Barrier(16)
    made: list[bytes | StateError] = []

    def make() -> None:
        begin.wait(10)
        try:
            made.append(seal_file(tmp_path).make())
        except StateError as error:
            made.append(error)

    threads = [threading.Thread(target=make) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert made == [seal_file(tmp_path).read()] * 16
    assert names(tmp_path) == [SEAL_FILE]
