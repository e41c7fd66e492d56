"""Checks the rules one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from relaycore.doctor.findings import Broken, Finding, Outcome, Rule, Untried
from relaycore.doctor.visit import Visit
from relaycore.errors import SourceError
from relaycore.language import Message

__all__ = ["examine"]

RULE_S: Final = 30.0
"""Seconds that one rule may take, beside those that are played."""


async def examine(
    visit: Visit,
    rules: Sequence[Rule],
    tell: Callable[[Finding], None] | None = None,
    *,
    streams: bool = True,
) -> list[Finding]:
    """The outcome of every rule; ``tell`` hears of each at once. SourceError when nobody is there.

    ``streams`` is whether there have to be streams at all.
    """
    try:
        if streams:
            await visit.connect()
    except Broken:
        raise SourceError(
            Message(
                "{host} cannot be reached at port {port}.", host=visit.target.host, port=visit.target.port
            )
        ) from None
    finally:
        visit.end_rule()
    found = []
    for rule in rules:
        found.append(await _check(visit, rule))
        if tell is not None:
            tell(found[-1])
    return found


async def _check(visit: Visit, rule: Rule) -> Finding:
    outcome, why = Outcome.HOLDS, ""
    try:
        async with asyncio.timeout(RULE_S + visit.duration + rule.seconds):
            await rule.check(visit)
    except TimeoutError:
        outcome, why = Outcome.FAILS, Message("There was no answer in time.")
    except Broken as error:
        outcome, why = Outcome.FAILS, error.why
    except Untried as error:
        outcome, why = Outcome.UNTRIED, error.why
    finally:
        shown = visit.end_rule()
    return Finding(rule, outcome, why, shown)
