"""What was found, for a person and for a program."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from rich.console import Console

from relaycore.control.console import say, show_table
from relaycore.doctor.findings import Finding, Outcome
from relaycore.language import Message

__all__ = ["show_findings", "to_json"]

_WORDS: Final = {
    Outcome.HOLDS: Message("holds"),
    Outcome.FAILS: Message("fails"),
    Outcome.UNTRIED: Message("not tried"),
}


def show_findings(console: Console, findings: Sequence[Finding]) -> None:
    """A table of all rules, and what was said where one fails."""
    show_table(
        console,
        Message("Rules"),
        (Message("rule"), Message("outcome"), Message("what is demanded"), Message("source")),
        [
            (finding.rule.id, _WORDS[finding.outcome], finding.rule.text, finding.rule.source)
            for finding in findings
        ],
    )
    for why, untried in _by_reason(findings).items():
        say(console, "")
        say(console, Message("{rule}: {why}", rule=", ".join(untried), why=why), style="bold")
    for finding in findings:
        if finding.outcome is Outcome.FAILS:
            say(console, "")
            say(console, Message("{rule}: {why}", rule=finding.rule.id, why=finding.why), style="bold")
            for line in finding.shown:
                say(console, f"    {line}")
    counts = {outcome: sum(one.outcome is outcome for one in findings) for outcome in Outcome}
    say(console, "")
    say(
        console,
        Message(
            "Rules that hold: {holds}, that fail: {fails}, not tried: {untried}.",
            holds=counts[Outcome.HOLDS],
            fails=counts[Outcome.FAILS],
            untried=counts[Outcome.UNTRIED],
        ),
    )


def _by_reason(findings: Sequence[Finding]) -> dict[str, list[str]]:
    """The rules that were not tried by why not, since a stream has few of all formats."""
    reasons: dict[str, list[str]] = {}
    for finding in findings:
        if finding.outcome is Outcome.UNTRIED:
            reasons.setdefault(finding.why, []).append(finding.rule.id)
    return reasons


def to_json(url: str, findings: Sequence[Finding]) -> str:
    """The same as one JSON object, in English."""
    rules = [
        {
            "id": finding.rule.id,
            "outcome": finding.outcome.value,
            "text": str(finding.rule.text),
            "source": finding.rule.source,
            "why": str(finding.why),
            "shown": list(finding.shown),
        }
        for finding in findings
    ]
    return json.dumps({"url": url, "rules": rules}, indent=2, ensure_ascii=False)
