"""``relaycore doctor``: whether a camera or server keeps to the rules, with the bytes that show it."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

from relaycore.control.checking import did_you_mean
from relaycore.control.console import make_console
from relaycore.doctor.credentials import Credentials
from relaycore.doctor.examine import examine
from relaycore.doctor.findings import Broken, Finding, Outcome, Rule, Untried
from relaycore.doctor.onvif.asking import ask_openly, need_answer
from relaycore.doctor.onvif.profiles import first_stream
from relaycore.doctor.onvif.questions import TIME
from relaycore.doctor.report import show_findings, to_json
from relaycore.doctor.rules import RULES
from relaycore.doctor.target import Target, onvif_address
from relaycore.doctor.visit import Visit
from relaycore.errors import ConfigurationError, SourceError
from relaycore.language import Message, _

NAME = "doctor"
HELP = "check whether a camera or server keeps to the rules, and show where it does not"
DESCRIPTION = (
    "Speaks RTSP and ONVIF to any camera or server, checks rule by rule what the specifications demand, and "
    "shows what was sent and what came back where one fails. Nothing is changed at the camera. The exit code "
    "is 0 when no rule fails, 1 when one does, and 2 when the server cannot be reached."
)

PASSWORD_VARIABLE: Final = "RELAYCORE_DOCTOR_PASSWORD"  # noqa: S105
"""Environment variable of the password of ``--user``."""

LONGEST_S: Final = 60.0
"""Seconds that a stream is played at most."""

LONGEST_PATH: Final = 1024
"""Characters of a path that is taken."""

LONGEST_PASSWORD: Final = 256
"""Characters of a password that is taken."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument(
        "url",
        metavar="URL",
        help=(
            "what is examined, like rtsp://192.168.1.20/stream1, or http://192.168.1.20 with its web services"
        ),
    )
    parser.add_argument("--onvif", metavar="URL", help="address of the web services of ONVIF of a stream")
    parser.add_argument(
        "--user",
        metavar="NAME",
        help=Message(
            "who reads; the password is in {password_variable}, or asked for",
            password_variable=PASSWORD_VARIABLE,
        ),
    )
    parser.add_argument("--transport", metavar="HOW", help="`tcp` or `udp` for the media; `tcp` by default")
    parser.add_argument("--duration", metavar="S", help="seconds that are played, 1 to 60; 6 by default")
    parser.add_argument(
        "--http-port",
        metavar="N",
        help="port of RTSP over HTTP and in WebSockets; that of the URL by default",
    )
    parser.add_argument("--websocket-path", metavar="PATH", help="path of RTSP in WebSockets; / by default")
    parser.add_argument(
        "--thorough", action="store_true", help="wait for sessions to end as well, which takes minutes"
    )
    parser.add_argument("--only", metavar="IDS", help="check these rules, separated by commas")
    parser.add_argument("--skip", metavar="IDS", help="leave these rules out, separated by commas")
    parser.add_argument("--json", action="store_true", help="print everything for programs")


def run(arguments: argparse.Namespace) -> int:
    """Examines the server. ConfigurationError for a mistake, SourceError when it cannot be reached."""
    rules = chosen(RULES, arguments.only, arguments.skip)
    asked_by_onvif = arguments.url.partition("://")[0] in ("http", "https")
    if asked_by_onvif and arguments.onvif is not None:
        raise ConfigurationError(Message("--onvif: the URL is one of ONVIF already."))
    address = arguments.url if asked_by_onvif else arguments.onvif
    onvif = None if address is None else onvif_address(address)
    # Of ONVIF's, the one that is played is asked for later.
    host = urlsplit(onvif or "").netloc
    target = Target.parse(f"rtsp://{host}" if asked_by_onvif else arguments.url)
    visit = Visit(
        target,
        credentials_for(arguments.user, os.environ),
        transport_of(arguments.transport or "tcp"),
        duration=duration_of(arguments.duration or "6"),
        http_port=None if arguments.http_port is None else port_of(arguments.http_port),
        websocket_path=path_of(arguments.websocket_path or "/"),
        thorough=arguments.thorough,
        onvif=onvif,
    )
    findings = asyncio.run(_examine(visit, rules, asked_by_onvif=asked_by_onvif))
    if arguments.json:
        url = arguments.url.partition("?")[0]
        sys.stdout.write(to_json(url, findings) + "\n")
    else:
        show_findings(make_console(), findings)
    return int(any(finding.outcome is Outcome.FAILS for finding in findings))


async def _examine(visit: Visit, rules: Sequence[Rule], *, asked_by_onvif: bool) -> list[Finding]:
    """The findings. Where ONVIF tells of no stream, there are those of its own rules alone."""
    if visit.onvif is not None:
        await _need_device(visit)
    if not asked_by_onvif:
        return await examine(visit, rules)
    try:
        visit.target = Target.parse(await first_stream(visit))
    except (Broken, Untried, ConfigurationError):
        own = [rule for rule in rules if rule.id.startswith("onvif-")]
        return await examine(visit, own, streams=False)
    finally:
        visit.end_rule()
    return await examine(visit, rules)


async def _need_device(visit: Visit) -> None:
    """SourceError where no device of ONVIF answers at its address."""
    try:
        answer = await ask_openly(visit, TIME)
        if not answer.refuses:
            # That it takes a login is for the rules to tell.
            need_answer(answer)
    except Broken as error:
        url = visit.onvif or ""
        raise SourceError(
            Message("{url} is not answered: {why}", url=url.partition("?")[0], why=error.why)
        ) from None
    finally:
        visit.end_rule()


def chosen(rules: Sequence[Rule], only: str | None, skip: str | None) -> list[Rule]:
    """The rules that are asked for. ConfigurationError for an id that there is not."""
    known = [rule.id for rule in rules]
    wanted = set(known if only is None else _ids(only, known)) - set(_ids(skip or "", known))
    return [rule for rule in rules if rule.id in wanted]


def transport_of(text: str) -> str:
    """``tcp`` or ``udp``. ConfigurationError for anything else."""
    if text not in ("tcp", "udp"):
        raise ConfigurationError(Message("--transport: write tcp or udp."))
    return text


def duration_of(text: str) -> float:
    """Seconds from 1 to 60. ConfigurationError for anything else."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 1 <= seconds <= LONGEST_S:
        raise ConfigurationError(Message("--duration: write a number of seconds from 1 to 60."))
    return seconds


def port_of(text: str) -> int:
    """A port from 1 to 65535. ConfigurationError for anything else."""
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 1 <= int(text) <= 65535):
        raise ConfigurationError(Message("--http-port: write a port from 1 to 65535."))
    return int(text)


def path_of(text: str) -> str:
    """A path, with its query. ConfigurationError for anything else."""
    plain = text.isascii() and text.isprintable() and " " not in text
    if not text.startswith("/") or not plain or len(text) > LONGEST_PATH:
        raise ConfigurationError(Message("--websocket-path: write a path like /websocket."))
    return text


def credentials_for(
    user: str | None, environment: Mapping[str, str], ask: Callable[[str], str] | None = None
) -> Credentials | None:
    """Name and password, which is in the environment or typed. ConfigurationError when it is missing."""
    if user is None:
        return None
    password = environment.get(PASSWORD_VARIABLE)
    if password is None and ask is None and sys.stdin is not None and sys.stdin.isatty():
        ask = getpass.getpass
    if password is None and ask is not None:
        password = ask(_("Password for {name}: ", name=user))
    if password is None:
        raise ConfigurationError(
            Message(
                "The password for {user} is missing: put it into {password_variable}, or start this at a "
                "terminal, where it is asked for.",
                user=user,
                password_variable=PASSWORD_VARIABLE,
            )
        )
    if not 1 <= len(password) <= LONGEST_PASSWORD or not password.isprintable():
        raise ConfigurationError(Message("A password has 1 to 256 characters on one line."))
    if not user.isprintable() or '"' in user:
        raise ConfigurationError(Message("A name has no quotes in it."))
    return Credentials(user, password)


def _ids(text: str, known: Sequence[str]) -> list[str]:
    ids = [part.strip() for part in text.split(",") if part.strip()]
    for name in ids:
        if name not in known:
            raise ConfigurationError(
                Message("There is no rule {name}; {hint}", name=repr(name), hint=did_you_mean(name, known))
            )
    return ids
