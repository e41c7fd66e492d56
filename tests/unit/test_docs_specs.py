"""The page of the standards names files and tests that exist, and a proof for each clause that is done."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/specs.md").read_text(encoding="utf-8")

CRATES = {"proto/": "rust/relaycore-proto/", "engine/": "rust/relaycore-engine/"}
"""What the page writes for the folders of the crates."""

NAMED = re.compile(r"`([\w./-]+\.(?:rs|py|md|toml))(?:::(\w+))?`")
"""A file in a code span, with a test where it has one."""

ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in TEXT.splitlines()
    if line.startswith("| ") and not line.startswith(("| Clause |", "| --- |"))
]


def source(name: str) -> Path:
    """The file that the page means."""
    for short, folder in CRATES.items():
        if name.startswith(short):
            return ROOT / folder / name.removeprefix(short)
    return ROOT / name


def has_test(file: Path, test: str) -> bool:
    """Whether a file has a test of this name, and not just a function."""
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".py":
        return re.search(rf"^(?:async )?def {test}\(", text, re.MULTILINE) is not None
    return re.search(rf"#\[test\]\n\s*fn {test}\(", text) is not None


@pytest.mark.parametrize(("file", "test"), sorted(set(NAMED.findall(TEXT))))
def test_what_is_named_exists(file: str, test: str) -> None:
    """A file or a test that was renamed or is gone."""
    assert source(file).is_file(), file
    assert not test or has_test(source(file), test), f"{file} has no test {test}"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_each_clause_has_its_place_and_its_proof(row: list[str]) -> None:
    """Unless it is not done yet, which the page then says."""
    clause, where, *proof = row
    assert clause
    if not where.startswith("not yet"):
        assert NAMED.search(where), f"no file does this: {clause}"
        assert any(test for _, test in NAMED.findall(" ".join(proof))), f"no test proves this: {clause}"
