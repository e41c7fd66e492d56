"""Nothing outside small, named modules knows on which operating system it runs."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]

PYTHON = (
    "system/",
    # Which of FFmpeg's inputs there is, and each of them.
    "capture/devices.py",
    "capture/v4l2.py",
    "capture/v4l2_controls.py",
    "capture/dshow.py",
    "capture/avfoundation.py",
    "capture/alsa.py",
    # A table of encoders.
    "encode/profiles.py",
)
"""The modules of Python that know it."""

RUST = re.compile(
    r"relaycore-(engine|load)/src/platform/|relaycore-py/src/platform\.rs|/tests/|/tests\.rs|/benches/"
)
"""The files in Rust that know it."""

NAMES = {("sys", "platform"), ("os", "name"), ("sys", "getwindowsversion"), ("os", "uname")}


def asks(source: str) -> list[int]:
    """The lines of a Python module that ask for the system."""
    lines: list[int] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            asked = (node.value.id, node.attr)
            if asked in NAMES or asked in {("platform", "system"), ("platform", "uname")}:
                lines.append(node.lineno)
        elif isinstance(node, ast.ImportFrom) and node.module in ("sys", "os", "platform"):
            lines += [
                node.lineno for name in node.names if name.name in ("platform", "system", "uname", "name")
            ]
    return lines


def test_the_check_sees_what_it_looks_for() -> None:
    assert asks("import sys\nif sys.platform == 'win32':\n    pass\n") == [2]
    assert asks("from sys import platform\n") == [1]
    assert asks("import os\nprint(os.sep)\n") == []


def test_python_asks_for_the_system_in_its_modules_only() -> None:
    package = ROOT / "python" / "relaycore"
    found = [
        f"{name}:{line}"
        for file in sorted(package.rglob("*.py"))
        if not (name := file.relative_to(package).as_posix()).startswith(PYTHON)
        for line in asks(file.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_rust_asks_for_the_system_in_its_modules_only() -> None:
    rust = ROOT / "rust"
    sign = re.compile(r"cfg!?\(.*\b(?:unix|windows|target_os|target_family)\b")
    found = [
        f"{name}:{number}"
        for crate in sorted(rust.glob("relaycore-*"))
        for file in sorted(crate.rglob("*.rs"))
        if not RUST.search(name := file.relative_to(rust).as_posix())
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if sign.search(line)
    ]
    assert found == []
