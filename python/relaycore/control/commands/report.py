"""``relaycore report``: what is on record, as a table or a page."""

from __future__ import annotations

import argparse
import os
import sys
from datetime import date
from pathlib import Path

import msgspec

from relaycore.control.config import load_config
from relaycore.control.console import make_console, say, show_table
from relaycore.control.state_folder import folder_of
from relaycore.errors import ConfigurationError
from relaycore.journeys.charts import number, share, span
from relaycore.journeys.page import (
    causes_of,
    name_of,
    playback_lines,
    report_page,
    stage_name,
    title_of,
    titles_of,
    uncounted_line,
)
from relaycore.journeys.report import DIMENSIONS, Dimension, Funnel, Question, Report, ask
from relaycore.journeys.stages import FIRST_KEY_FRAME, STAGES, WATCHED
from relaycore.language import Message
from relaycore.privacy.page import record_page
from relaycore.privacy.record import PathProtocol, fields_of, protocols_of

NAME = "report"
HELP = "write down what is processed for which purpose, or how far attempts to view came"
DESCRIPTION = "Reports of a relay, for people who have to account for it. Starts nothing."


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    reports = parser.add_subparsers(metavar="REPORT", required=True)
    protocol = reports.add_parser(
        "protocol",
        help="the record of processing activities (GDPR article 30), one line for each path",
        allow_abbrev=False,
    )
    protocol.add_argument("config", metavar="CONFIG", help="a configuration file (TOML)")
    form = protocol.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print it as JSON")
    form.add_argument("--html", metavar="FILE", help="write it as a page that needs nothing else")
    protocol.set_defaults(report=_protocol)
    journeys = reports.add_parser(
        "journeys", help="how far attempts to view came, and why they ended", allow_abbrev=False
    )
    journeys.add_argument(
        "--state-folder", metavar="FOLDER", help="folder of the relay, if it is not that of the platform"
    )
    journeys.add_argument("--since", metavar="DAY", help="only this day and later: 2026-01-31, in UTC")
    journeys.add_argument("--until", metavar="DAY", help="only this day and before")
    journeys.add_argument("--path", metavar="PATH", help="only attempts at this path")
    journeys.add_argument("--client", metavar="FAMILY", help="only this family of clients, such as VLC")
    journeys.add_argument("--protocol", metavar="NAME", help="only this protocol, such as rtsps")
    journeys.add_argument(
        "--by", metavar="WHAT", help=Message("all stages by {names}", names=", ".join(DIMENSIONS))
    )
    form = journeys.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print it as JSON, like the API")
    form.add_argument("--html", metavar="FILE", help="write it as a page that needs nothing else")
    journeys.set_defaults(report=_journeys)


def run(arguments: argparse.Namespace) -> int:
    """Makes one of the reports. ConfigurationError when it cannot be made."""
    code: int = arguments.report(arguments)
    return code


def _protocol(arguments: argparse.Namespace) -> int:
    protocols = protocols_of(load_config(Path(arguments.config), os.environ))
    if arguments.json:
        sys.stdout.write(
            msgspec.json.format(msgspec.json.encode({"paths": protocols}), indent=2).decode() + "\n"
        )
    elif arguments.html is not None:
        _write(arguments.html, record_page(protocols))
    else:
        _show(protocols)
    return 0


def _write(name: str, page: str) -> None:
    file = Path(name)
    try:
        file.write_text(page, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            Message("{file} cannot be written: {strerror}.", file=file, strerror=error.strerror)
        ) from None


def _show(protocols: list[PathProtocol]) -> None:
    console = make_console()
    if not protocols:
        say(console, Message("The configuration names no path."))
    for protocol in protocols:
        rows = [(title, text or Message("not set")) for title, text in fields_of(protocol)]
        show_table(console, protocol.path, (Message("about"), Message("on record")), rows)


def _journeys(arguments: argparse.Namespace) -> int:
    by = arguments.by
    if by is not None and by not in DIMENSIONS:
        raise ConfigurationError(
            Message("--by takes one of {names}, not {by}.", names=", ".join(DIMENSIONS), by=repr(by))
        )
    question = Question(
        since=_day("--since", arguments.since),
        until=_day("--until", arguments.until),
        path=None if arguments.path is None else arguments.path.strip("/"),
        client=arguments.client,
        protocol=arguments.protocol,
    )
    report = ask(folder_of(arguments), question)
    if arguments.json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(report), indent=2).decode() + "\n")
    elif arguments.html is not None:
        _write(arguments.html, report_page(question, report))
    elif by is not None:
        _show_stages(report, by)
    else:
        _show_journeys(question, report)
    return 0


def _day(option: str, text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(
            Message("{option} takes a day such as 2026-01-31, not {text}.", option=option, text=repr(text))
        ) from None


def _show_journeys(question: Question, report: Report) -> None:
    console = make_console()
    whole = report.all
    if not whole.attempts:
        say(console, Message("No attempt to view was counted."))
        return
    rows = [
        (
            stage_name(stage.stage),
            number(stage.passed),
            share(stage.passed, whole.attempts),
            number(sum(cause.count for cause in stage.ended)),
            span(stage.median_ms),
            ", ".join(f"{cause.cause} {number(cause.count)}" for cause in stage.ended),
        )
        for stage in whole.stages
    ]
    columns = (
        Message("stage"),
        Message("passed"),
        Message("of all"),
        Message("ended here"),
        Message("median time"),
        Message("why"),
    )
    show_table(console, Message("Journeys: {of}", of=titles_of(question, report)), columns, rows)
    say(
        console,
        Message(
            "startup time (median): {startup}   video start failures: {failures}   exits before video "
            "start: {exits}   refused: {refused}",
            startup=span(whole.startup_ms),
            failures=number(whole.start_failures),
            exits=number(whole.exits_before_start),
            refused=number(whole.refused),
        ),
    )
    if report.uncounted:
        say(
            console,
            uncounted_line(report),
        )
    if whole.playbacks is not None:
        show_table(
            console,
            Message("Reported by players in browsers"),
            (Message("what"), Message("value")),
            playback_lines(whole.playbacks),
        )
    for dimension in DIMENSIONS:
        titles = (
            title_of(dimension),
            Message("attempts"),
            Message("first key frame"),
            Message("watched"),
            Message("ended well"),
            Message("startup"),
            Message("why not"),
        )
        show_table(
            console,
            Message("By {dimension}", dimension=title_of(dimension)),
            titles,
            [_summary(dimension, funnel) for funnel in report.by(dimension)],
        )


def _summary(dimension: Dimension, funnel: Funnel) -> tuple[str, ...]:
    reached = (funnel.stages[place].passed for place in (FIRST_KEY_FRAME, WATCHED, len(STAGES) - 1))
    return (
        name_of(dimension, funnel),
        number(funnel.attempts),
        *(share(passed, funnel.attempts) for passed in reached),
        span(funnel.startup_ms),
        causes_of(funnel),
    )


def _show_stages(report: Report, dimension: Dimension) -> None:
    rows = [
        (
            name_of(dimension, funnel),
            *(number(stage.passed) for stage in funnel.stages),
            span(funnel.startup_ms),
        )
        for funnel in report.by(dimension)
    ]
    show_table(
        make_console(),
        Message("Stages by {dimension}", dimension=title_of(dimension)),
        (title_of(dimension), *map(stage_name, STAGES), Message("startup")),
        rows,
    )
