"""``relaycore doctor --thorough``: how long sessions live, which is waited for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from relaycore import Config, Relay
from relaycore.doctor.examine import examine
from relaycore.doctor.findings import Outcome
from relaycore.doctor.rules import keep_alive
from relaycore.doctor.target import Target
from relaycore.doctor.visit import Visit
from tests.support.faulty_server import Fault, edit, faulty, garbage, plain, status

SIGNS = {"alive-options", "alive-get-parameter", "alive-set-parameter", "alive-reports"}
ENDS = {"alive-not", "alive-closed"}


@asynccontextmanager
async def served(timeout_s: int) -> AsyncIterator[int]:
    """The port of a relay whose sessions live so long."""
    async with Relay(Config(port=0, limits={"session_timeout_s": timeout_s})) as relay:
        await relay.add_camera("own", camera="pattern", size="160x120", fps=25, microphone="none")
        yield relay.address[1]


async def outcomes(port: int, *, thorough: bool = True) -> dict[str, Outcome]:
    visit = Visit(Target.parse(f"rtsp://127.0.0.1:{port}/own"), thorough=thorough)
    return {one.rule.id: one.outcome for one in await examine(visit, keep_alive.RULES)}


@pytest.mark.parametrize(
    ("timeout_s", "told_s", "broken"),
    [(5, 5, set()), (60, 5, ENDS), (5, 8, SIGNS)],
    ids=["right", "long", "short"],
)
async def test_what_lives_and_what_ends(timeout_s: int, told_s: int, broken: set[str]) -> None:
    """A server whose sessions live longer, or shorter, than it tells."""
    fault: Fault = edit(f"timeout={timeout_s}", f"timeout={told_s}", of="SETUP")
    async with served(timeout_s) as inner, faulty(inner, fault if broken else plain) as port:
        found = await outcomes(port)
    assert {name for name, outcome in found.items() if outcome is Outcome.FAILS} == broken
    assert Outcome.UNTRIED not in found.values()


async def test_nothing_is_waited_for_unless_asked() -> None:
    async with garbage(b"") as port:
        assert set((await outcomes(port, thorough=False)).values()) == {Outcome.UNTRIED}


@pytest.mark.parametrize("told", ["121", "0", "999999999"])
async def test_a_timeout_that_is_too_long_is_not_waited_for(told: str) -> None:
    async with served(60) as inner, faulty(inner, edit("timeout=60", f"timeout={told}", of="SETUP")) as port:
        found = await outcomes(port)
    assert set(found.values()) == {Outcome.UNTRIED}


async def test_a_server_without_datagrams_is_not_waited_for() -> None:
    async with served(5) as inner, faulty(inner, status(461, of="client_port")) as port:
        found = await outcomes(port)
    assert set(found.values()) == {Outcome.UNTRIED}


def test_every_rule_has_a_fault() -> None:
    assert {rule.id for rule in keep_alive.RULES} == SIGNS | ENDS
