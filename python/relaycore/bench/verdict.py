"""A result in a sentence, and the sentences that speak against believing it."""

from __future__ import annotations

from relaycore.bench.quality import MANY_OTHERS, Quality, doubts, shortfalls
from relaycore.bench.result import Result
from relaycore.bench.text import tame
from relaycore.language import _, _n, shown

__all__ = ["verdict", "warnings"]


def verdict(result: Result, quality: Quality) -> tuple[bool, str]:
    """Whether the quality was held, and the same in the language that holds; of a search, what it found."""
    if result.search is not None:
        largest, held = result.search.largest, shown(result.search.quality.said())
        if largest is None:
            return False, _("No count held {quality}. {limit}", quality=held, limit=result.search.limit)
        most = _n("{count} reader held {quality}.", "{count} readers held {quality}.", largest, quality=held)
        return True, f"{most} {result.search.limit}"
    missed = shortfalls(result.plan, result.report, quality)
    said = shown(quality.said())
    if missed:
        return False, tame(_("Not held ({quality}): {missed}.", quality=said, missed="; ".join(missed)))
    return True, _("Held: {quality}.", quality=said)


def warnings(result: Result) -> list[str]:
    """What makes the figures less than they look."""
    found = [shown(doubt) for doubt in doubts(result.plan, result.report)]
    if result.server is not None and result.server.others >= MANY_OTHERS:
        found.append(
            _(
                "Other programs used {processors} processors meanwhile: figures are theirs, too.",
                processors=f"{result.server.others:.1f}",
            )
        )
    if result.server_ended:
        found.append(_("The server under test ended before the load test did."))
    if result.interrupted:
        found.append(_("It was ended before its time: the figures are those until then."))
    return found
