"""Rules of ONVIF about pull points: what recorders that wait for motion need. Each one is ended."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from relaycore.doctor.findings import Broken, Rule, Untried
from relaycore.doctor.onvif.asking import ask, need_text, service
from relaycore.doctor.onvif.client import Soap
from relaycore.doctor.onvif.demands import TRUE, need_range, need_utc
from relaycore.doctor.onvif.subscription import WAIT_S, create, pull, subscription
from relaycore.doctor.visit import Visit
from relaycore.language import Message

__all__ = ["RULES"]

LATE_S: Final = 3.0
"""Seconds that an answer may come later than its timeout."""

EARLY_S: Final = 0.5
"""Seconds that an answer without a message may come earlier, since clocks of cameras are coarse."""

ASKED_S: Final = 60
"""Seconds that a subscription is asked for."""

ROUNDED_S: Final = 2
"""Seconds that may be lost where times have no fractions."""

LONGEST_S: Final = 366 * 86_400
"""Seconds that a device may make of them at most."""

QUIET: Final = 4
"""Questions after which it is given up to wait for one without a message."""

LONG_S: Final = 60
"""Seconds that every device lets a question for messages wait."""

RENEW: Final = f"<wsnt:Renew><wsnt:TerminationTime>PT{ASKED_S}S</wsnt:TerminationTime></wsnt:Renew>"
SYNCHRONISE: Final = "<tev:SetSynchronizationPoint/>"


async def pull_point(visit: Visit) -> None:
    """A subscription is made, asked and ended."""
    async with subscription(visit) as made:
        if (await made.pull()).seconds > WAIT_S + LATE_S:
            raise Broken(Message("PullMessages is answered later than its timeout."))
        await made.end()


async def renew(visit: Visit) -> None:
    """Who waits for longer says so, and is told until when."""
    answer = await ask(visit, "<tev:GetServiceCapabilities/>", await service(visit, "tev"))
    if any(one.get("MaxNotificationProducers") == "0" for one in answer.all(".//tev:Capabilities")):
        raise Untried(Message("The device does not have this service."))
    async with subscription(visit) as made:
        _need_lasting(await made.ask(RENEW))


async def ended(visit: Visit) -> None:
    """Who asks for what has ended is told so, and subscribes anew."""
    async with subscription(visit) as made:
        await made.end()
        answer = await made.answer_to(pull(), wait_s=WAIT_S)
        if answer.status == 200:
            raise Broken(Message("It is answered {status}.", status=answer.status))


async def termination(visit: Visit) -> None:
    """It does not end while a client that keeps to its own times still counts on it."""
    async with subscription(visit, create(f"PT{ASKED_S}S")) as made:
        _need_lasting(made.answer)


async def absolute_time(visit: Visit) -> None:
    """Some clients say until when, and not for how long."""
    async with subscription(visit) as made:
        now = need_utc("CurrentTime", need_text(made.answer, ".//wsnt:CurrentTime"))
    until = (now + timedelta(seconds=ASKED_S)).strftime("%Y-%m-%dT%H:%M:%SZ")
    async with subscription(visit, create(until)) as made:
        _need_lasting(made.answer)


async def times(visit: Visit) -> None:
    """Times without a zone are taken for local ones."""
    async with subscription(visit) as made:
        pulled = await made.pull()
        for answer, prefix in ((made.answer, "wsnt"), (pulled.answer, "tev")):
            now, until = (
                need_utc(name, need_text(answer, f".//{prefix}:{name}"))
                for name in ("CurrentTime", "TerminationTime")
            )
            need_range("TerminationTime - CurrentTime", (until - now).total_seconds(), 0, LONGEST_S)


async def apart(visit: Visit) -> None:
    """Two recorders do not take messages from each other."""
    async with subscription(visit) as first, subscription(visit) as second:
        if first.reference == second.reference:
            raise Broken(Message("Two subscriptions have the same reference."))
        told = [len((await one.pull()).messages) for one in (first, second)]
    if min(told) == 0 and max(told) > 0:
        raise Broken(Message("Of two who subscribe, one is told nothing."))


async def message_limit(visit: Visit) -> None:
    """Small clients have no room for more, and lose nothing by that."""
    await _need_states(visit)
    async with subscription(visit) as made:
        need_range("NotificationMessage", len((await made.pull(limit=1)).messages), 0, 1)


async def patience(visit: Visit) -> None:
    """Who is answered at once with nothing asks without end."""
    async with subscription(visit) as made:
        for _ in range(QUIET):
            pulled = await made.pull()
            if not pulled.messages:
                need_range("PullMessages, s", pulled.seconds, WAIT_S - EARLY_S, WAIT_S + LATE_S)
                return


async def long_timeout(visit: Visit) -> None:
    """Many recorders ask for a minute. It is over at once where there are states to tell of."""
    if not visit.thorough:
        await _need_states(visit)
    async with subscription(visit) as made:
        await made.pull(LONG_S)


async def synchronisation(visit: Visit) -> None:
    """Who has lost what was told asks for it again."""
    await _need_states(visit)
    async with subscription(visit) as made:
        await made.pull()
        await made.ask(SYNCHRONISE)
        _need_initialized((await made.pull()).answer)


async def initial_states(visit: Visit) -> None:
    """Who subscribes is told what is the case already."""
    await _need_states(visit)
    async with subscription(visit) as made:
        _need_initialized((await made.pull()).answer)


async def _need_states(visit: Visit) -> None:
    """Untried where the device tells of no states."""
    properties = await ask(visit, "<tev:GetEventProperties/>", await service(visit, "tev"))
    if not any(one.get("IsProperty") in TRUE for one in properties.all(".//tt:MessageDescription")):
        raise Untried(Message("The device has no states to tell of."))


def _need_initialized(answer: Soap) -> None:
    if "Initialized" not in [one.get("PropertyOperation") for one in answer.all(".//tt:Message")]:
        raise Broken(Message("No message says Initialized."))


def _need_lasting(answer: Soap) -> None:
    """Broken where the subscription does not last for as long as was asked for."""
    now, until = (
        need_utc(name, need_text(answer, f".//wsnt:{name}")) for name in ("CurrentTime", "TerminationTime")
    )
    lasting = (until - now).total_seconds()
    need_range("TerminationTime - CurrentTime", lasting, ASKED_S - ROUNDED_S, LONGEST_S)


RULES: Final = (
    Rule(
        "onvif-pull-point",
        Message("A pull point is made, answers in its time, and is ended."),
        "ONVIF Core §9.1",
        pull_point,
    ),
    Rule(
        "onvif-renew",
        Message("Renew makes a subscription last for longer."),
        "ONVIF Core §9.1.3",
        renew,
    ),
    Rule(
        "onvif-ended",
        Message("A subscription that has ended is not answered."),
        "ONVIF Core §9.1.4, §9.1.6",
        ended,
    ),
    Rule(
        "onvif-termination",
        Message("A subscription lasts for at least as long as was asked for."),
        "ONVIF Core §9.1.1",
        termination,
    ),
    Rule(
        "onvif-absolute-time",
        Message("A subscription may be asked for until a point in time."),
        "ONVIF Core §9.1.1",
        absolute_time,
    ),
    Rule(
        "onvif-event-times",
        Message("Times of subscriptions are in UTC, and end after now."),
        "ONVIF Core §9.1.1, §9.1.2",
        times,
    ),
    Rule(
        "onvif-apart",
        Message("Every subscription has a reference of its own, and is told by itself."),
        "ONVIF Core §9.1.6",
        apart,
    ),
    Rule(
        "onvif-message-limit",
        Message("An answer has no more messages than were asked for."),
        "ONVIF Core §9.1.2",
        message_limit,
    ),
    Rule(
        "onvif-patience",
        Message("Without a message, PullMessages is answered when its time is over, and not before."),
        "ONVIF Core §9.1.2",
        patience,
    ),
    Rule(
        "onvif-long-timeout",
        Message("PullMessages may wait for a minute."),
        "ONVIF Core §9.1.2",
        long_timeout,
        seconds=LONG_S,
    ),
    Rule(
        "onvif-synchronization",
        Message("SetSynchronizationPoint brings all states again."),
        "ONVIF Core §9.5",
        synchronisation,
    ),
    Rule(
        "onvif-initial-states",
        Message("Who subscribes is told of all states first."),
        "ONVIF Core §9.4.2",
        initial_states,
    ),
)
"""In the order in which they are checked."""
