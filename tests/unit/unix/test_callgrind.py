"""What is added up of callgrind's profiles, and what is not."""

from __future__ import annotations

from pathlib import Path

from benchmarks.instructions.callgrind import own_cost

PROFILE = """\
# callgrind format
version: 1
events: Ir
positions: line

ob=(1) /usr/lib/libc.so.6
fl=(1) memcpy.c
fn=(1) memcpy
10 5000

ob=(2) /build/counted
fl=(2) main.rs
fn=(2) work
+3 40
cob=(1)
cfn=(1)
calls=2 10
* 5000
fi=(3) inlined.rs
-1 7

ob=(1)
fn=(3) free
8 300

ob=(2)
fn=(4) more
12 3
totals: 5350
"""


def test_only_the_programs_own_instructions_count() -> None:
    assert own_cost(PROFILE, Path("/build/counted")) == 40 + 7 + 3


def test_a_program_that_is_not_in_the_profile_has_none() -> None:
    assert own_cost(PROFILE, Path("/build/other")) == 0
