"""The file that a load test leaves: what was asked for, what was found, where and with what."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from relaycore.bench.machine import Host, this_host, versions
from relaycore.bench.plan import FloorPlan, Plan, shareable
from relaycore.bench.quality import Quality
from relaycore.bench.report import FloorReport, Report
from relaycore.bench.run import Outcome
from relaycore.bench.server import ServerFigures
from relaycore.errors import ConfigurationError
from relaycore.language import Message
from relaycore.settings.urls import masked

__all__ = [
    "FORMAT",
    "VERSION",
    "Floor",
    "Result",
    "Search",
    "Step",
    "make_result",
    "read_result",
    "write_result",
]

FORMAT: Final = "relaycore bench"
VERSION: Final = 1
"""Counts up when a reader of the file has to know more."""

LARGEST: Final = 1 << 30
"""Bytes of a file that is read: a million readers have 200 MB."""


class Floor(msgspec.Struct, frozen=True, kw_only=True):
    """What a bare loop needed for the same, in the same run."""

    plan: FloorPlan
    report: FloorReport


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a search."""

    readers: int
    held: bool
    shortfalls: list[str] = []
    p99_ms: float = 0.0
    busiest_thread: float = 0.0
    cpu_seconds_per_gigabit: float | None = None

    others: float = 0.0
    """Processors that other programs used, where that is known."""


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """The search for the largest number of readers."""

    quality: Quality
    steps: list[Step]

    largest: int | None
    """Most readers that the quality was held for; ``None`` where it was for none."""

    limit: str
    """What ended the search, in words: the server, the load generator, or what was asked for."""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """A load test. With ``search``, plan, report and server are those of the largest count that was held."""

    format: str = FORMAT
    version: int = VERSION
    made_at: str
    """Date and time of its end (ISO 8601, UTC)."""

    command: list[str] = []
    profile: str
    plan: Plan
    report: Report
    server: ServerFigures | None = None
    server_ended: bool = False
    interrupted: bool = False
    floor: Floor | None = None
    search: Search | None = None
    host: Host
    versions: dict[str, str] = {}


def make_result(
    profile: str,
    plan: Plan,
    outcome: Outcome,
    command: list[str],
    *,
    floor: Floor | None = None,
    search: Search | None = None,
) -> Result:
    """All of a load test, without passwords and tokens."""
    return Result(
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        command=[masked(word) for word in command],
        profile=profile,
        plan=shareable(plan),
        report=_shareable(outcome.report, _secrets(plan)),
        server=outcome.server,
        server_ended=outcome.server_ended,
        interrupted=outcome.interrupted,
        floor=floor,
        search=search,
        host=this_host(),
        versions=versions(),
    )


def write_result(result: Result, path: Path) -> None:
    """Writes the file. ConfigurationError when it cannot be written."""
    text = msgspec.json.format(msgspec.json.encode(result), indent=1)
    try:
        path.write_bytes(text + b"\n")
    except OSError as error:
        raise ConfigurationError(
            Message("{path} cannot be written: {strerror}.", path=path, strerror=error.strerror)
        ) from None


def read_result(path: Path) -> Result:
    """Reads the file. ConfigurationError when it is none."""
    try:
        if path.stat().st_size > LARGEST:
            raise ConfigurationError(Message("{path} is too large for the result of a load test.", path=path))
        data = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            Message("{path} cannot be read: {strerror}.", path=path, strerror=error.strerror)
        ) from None
    try:
        head = msgspec.json.decode(data, type=_Head)
    except (msgspec.DecodeError, RecursionError):
        raise ConfigurationError(Message("{path} is not JSON.", path=path)) from None
    if head.format != FORMAT:
        raise ConfigurationError(
            Message("{path} is not the result of a load test: make one with --json.", path=path)
        )
    if head.version != VERSION:
        raise ConfigurationError(
            Message(
                "{path} has version {version} of the format; this program reads {known}.",
                path=path,
                version=head.version,
                known=VERSION,
            )
        )
    try:
        return msgspec.json.decode(data, type=Result)
    except msgspec.ValidationError as error:
        raise ConfigurationError(Message("{path} is broken: {error}.", path=path, error=error)) from None


class _Head(msgspec.Struct):
    format: object = None
    version: object = None


def _secrets(plan: Plan) -> set[str]:
    """What a server that echoes requests could have sent back: passwords, as such and as Basic has them."""
    found: set[str] = set()
    users = [(source.user, source.password) for source in plan.sources]
    users += [(group.user, group.password) for group in plan.groups]
    for user, password in users:
        if password:
            found |= {password, b64encode(f"{user}:{password}".encode()).decode()}
    return found


def _shareable(report: Report, secrets: set[str]) -> Report:
    """The report without what is secret in the URLs of sources and the examples of findings."""
    replace = msgspec.structs.replace
    return replace(
        report,
        sources=[replace(source, url=masked(source.url)) for source in report.sources],
        findings=[
            replace(finding, example=_without(secrets, masked(finding.example)))
            for finding in report.findings
        ],
    )


def _without(secrets: set[str], text: str) -> str:
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    return text
