"""Runs a program under callgrind, and adds up what it says.

A profile (callgrind's manual, "Callgrind Format Specification") names an object with ``ob=``, where it
changes, and then tells lines of ``position cost``. A ``calls=`` line is followed by one with the cost of what
was called, which is told again where that belongs. Names are written once, as ``(number) name``, and by their
number from then on.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

__all__ = ["count", "own_cost"]

_NAME: Final = re.compile(r"\((\d+)\)(?: (.*))?")
_MAIN_THREAD: Final = "-01"
"""How the name of the profile of a program's first thread ends."""


def count(program: Path, arguments: Iterable[str], *, main_thread: bool) -> int:
    """Instructions that a run of ``program`` takes in its own code: in its first thread, or in all others.

    Libraries are left out: the C library chooses its functions by what the processor can do. RuntimeError
    when the program fails.
    """
    with TemporaryDirectory() as folder:
        profile = Path(folder) / "profile"
        command = [
            "valgrind",
            "--tool=callgrind",
            "--separate-threads=yes",
            f"--callgrind-out-file={profile}",
            str(program),
            *arguments,
        ]
        run = subprocess.run(command, capture_output=True, text=True)
        if run.returncode != 0:
            raise RuntimeError(f"{' '.join(command)} failed:\n{run.stderr}")
        profiles = (path for path in Path(folder).iterdir() if path != profile)
        chosen = [path for path in profiles if path.name.endswith(_MAIN_THREAD) == main_thread]
        return sum(own_cost(path.read_text(encoding="utf-8"), program) for path in chosen)


def own_cost(profile: str, program: Path) -> int:
    """Cost in a profile of what is in the object ``program`` itself."""
    names: dict[str, str] = {}
    own = False
    total = 0
    lines = iter(profile.splitlines())
    for line in lines:
        if line.startswith("calls="):
            next(lines, None)
        elif line.startswith(("ob=", "cob=")):
            kind, _, name = line.partition("=")
            found = _NAME.fullmatch(name)
            if found is not None:
                number, spelled = found.groups()
                name = names.setdefault(number, spelled or "")
            if kind == "ob":
                own = name == str(program)
        elif own and line[:1] in "+-*0123456789" and line:
            total += int(line.split()[1])
    return total
