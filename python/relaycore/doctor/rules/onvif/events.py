"""Rules of ONVIF about events: what recorders that wait for motion need. A subscription is made and ended."""

from __future__ import annotations

import time
from typing import Final

from relaycore.doctor.findings import Broken, Rule, Untried
from relaycore.doctor.onvif.asking import answer_to, ask, need_here, need_text, service
from relaycore.doctor.visit import Visit
from relaycore.language import Message

__all__ = ["RULES"]

WAIT_S: Final = 2
"""Seconds that a question for messages waits."""

LATE_S: Final = 3.0
"""Seconds that its answer may come later."""

CREATE: Final = (
    "<tev:CreatePullPointSubscription><tev:InitialTerminationTime>PT60S</tev:InitialTerminationTime>"
    "</tev:CreatePullPointSubscription>"
)
PULL: Final = (
    f"<tev:PullMessages><tev:Timeout>PT{WAIT_S}S</tev:Timeout><tev:MessageLimit>100</tev:MessageLimit>"
    "</tev:PullMessages>"
)
RENEW: Final = "<wsnt:Renew><wsnt:TerminationTime>PT60S</wsnt:TerminationTime></wsnt:Renew>"
END: Final = "<wsnt:Unsubscribe/>"


async def _subscribe(visit: Visit) -> str:
    answer = await ask(visit, CREATE, await service(visit, "tev"))
    return need_here(visit, need_text(answer, ".//tev:SubscriptionReference/wsa:Address"))


async def _end(visit: Visit, address: str) -> None:
    """Ends a subscription whatever comes back."""
    await answer_to(visit, END, address)


async def pull_point(visit: Visit) -> None:
    """A subscription is made, asked, renewed and ended."""
    address = await _subscribe(visit)
    try:
        begin = time.monotonic()
        await ask(visit, PULL, address, wait_s=WAIT_S)
        if time.monotonic() - begin > WAIT_S + LATE_S:
            raise Broken(Message("PullMessages is answered later than its timeout."))
        await ask(visit, RENEW, address)
    except BaseException:
        await _end(visit, address)
        raise
    await ask(visit, END, address)


async def ended(visit: Visit) -> None:
    """Who asks for what has ended is told so, and subscribes anew."""
    address = await _subscribe(visit)
    await ask(visit, END, address)
    answer = await answer_to(visit, PULL, address, wait_s=WAIT_S)
    if answer.status == 200:
        raise Broken(Message("It is answered {status}.", status=answer.status))


async def initial_states(visit: Visit) -> None:
    """Who subscribes is told what is the case already."""
    properties = await ask(visit, "<tev:GetEventProperties/>", await service(visit, "tev"))
    states = [
        one for one in properties.all(".//tt:MessageDescription") if one.get("IsProperty") in ("true", "1")
    ]
    if not states:
        raise Untried(Message("The device has no states to tell of."))
    address = await _subscribe(visit)
    try:
        answer = await ask(visit, PULL, address, wait_s=WAIT_S)
    finally:
        await _end(visit, address)
    operations = [one.get("PropertyOperation") for one in answer.all(".//tt:Message")]
    if "Initialized" not in operations:
        raise Broken(Message("No message says Initialized."))


RULES: Final = (
    Rule(
        "onvif-pull-point",
        Message("A pull point is made, answers in its time, is renewed and ended."),
        "ONVIF Core, real-time pull-point notification",
        pull_point,
    ),
    Rule(
        "onvif-ended",
        Message("A subscription that has ended is not answered."),
        "ONVIF Core, real-time pull-point notification",
        ended,
    ),
    Rule(
        "onvif-initial-states",
        Message("Who subscribes is told of all states first."),
        "ONVIF Core, properties",
        initial_states,
    ),
)
"""In the order in which they are checked."""
