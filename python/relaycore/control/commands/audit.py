"""``relaycore audit``: verifies the ledger, lists it, and answers who asks what is known of them."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Iterable
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any, get_args

import msgspec

from relaycore.control.checking import did_you_mean
from relaycore.control.console import make_console, say, show_table
from relaycore.control.on_record import put_on_record
from relaycore.control.state_folder import folder_of
from relaycore.errors import ConfigurationError, StateError
from relaycore.language import Message, _, message_lines, message_n
from relaycore.ledger.export import Format, as_csv, as_json, moment
from relaycore.ledger.keys import NEW_FILE, PUBLIC_KEY_FILE, PublicKey
from relaycore.ledger.query import Question, all_of, ask
from relaycore.ledger.records import KINDS, Act, Opening, Record, Refusal, Removal, Session, now_ms
from relaycore.ledger.verify import SignedHead, Verification, read_head, verify

NAME = "audit"
HELP = "verify the ledger, list it, and export what is known of a person"
DESCRIPTION = (
    "The ledger is kept in the state folder of a relay with `enabled = true` in [ledger]. What is listed or "
    "exported is itself put on record, unless the folder is a copy without the key."
)

EXIT_FOUND = 1
"""Exit code where the ledger is not as it was written."""

MOST_FINDINGS = 100
"""Findings that are shown one by one."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    acts = parser.add_subparsers(metavar="ACT", required=True)
    check = _act(acts, "verify", "find records that were edited, removed or inserted", _verify)
    check.add_argument(
        "--key", metavar="FILE", help="the public key, kept elsewhere; that of the folder by default"
    )
    check.add_argument("--head", metavar="FILE", help="a head that was kept, from `relaycore audit head`")
    listing = _act(acts, "list", "list records, the newest first", _list)
    listing.add_argument("--subject", metavar="NAME", help="only what is about this user")
    listing.add_argument("--path", metavar="PATH", help="only what is about this path")
    listing.add_argument(
        "--kind", metavar="KIND", help=Message("only one kind: {names}", names=", ".join(KINDS))
    )
    _add_times(listing)
    listing.add_argument("--limit", metavar="N", default="100", help="at most this many, 100 by default")
    export = _act(acts, "export", "write all that is about one user, to answer the user's request", _export)
    export.add_argument("--subject", metavar="NAME", required=True, help="name of the user")
    _add_times(export)
    export.add_argument("--format", metavar="FORMAT", default="csv", help="csv or json; csv by default")
    export.add_argument("--output", metavar="FILE", help="a new file; standard output by default")
    _act(acts, "key", "print the public key, to be kept elsewhere", _key)
    _act(acts, "head", "print the signed head of now, to be kept elsewhere", _head)


def run(arguments: argparse.Namespace) -> int:
    """Does one of the acts. ConfigurationError or StateError when it cannot be done."""
    code: int = arguments.act(arguments)
    return code


def _act(acts: Any, name: str, help_text: str, act: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = acts.add_parser(name, help=help_text, allow_abbrev=False)
    parser.add_argument(
        "--state-folder", metavar="FOLDER", help="folder of the relay, if it is not that of the platform"
    )
    parser.set_defaults(act=act)
    return parser


def _add_times(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--from", dest="since", metavar="TIME", help="a day like 2026-11-26, or a time like 2026-11-26T09:30"
    )
    parser.add_argument("--to", dest="until", metavar="TIME", help="likewise; a day counts to its end")


def _verify(arguments: argparse.Namespace) -> int:
    folder = folder_of(arguments)
    key = PublicKey.load(folder / PUBLIC_KEY_FILE if arguments.key is None else Path(arguments.key))
    kept = None if arguments.head is None else _kept_head(Path(arguments.head))
    found = verify(folder, key, kept)
    console = make_console()
    for finding in found.findings[:MOST_FINDINGS]:
        say(console, str(finding))
    if len(found.findings) > MOST_FINDINGS:
        more = len(found.findings) - MOST_FINDINGS
        say(console, message_n("And {count} finding more.", "And {count} findings more.", more))
    say(console, _summary(found, key))
    return 0 if found.intact else EXIT_FOUND


def _summary(found: Verification, key: PublicKey) -> str:
    counts = ", ".join(f"{found.records[kind]} {kind}" for kind in KINDS)
    if not found.intact:
        return Message(
            "The ledger is NOT as it was written ({counts} records looked at, key {fingerprint}).",
            counts=counts,
            fingerprint=key.fingerprint,
        )
    removed = sum(found.removed.values())
    if found.head is None:
        return Message(
            "The ledger is as it was written: {counts} records, {removed} deleted on record; "
            "key {fingerprint}.",
            counts=counts,
            removed=removed,
            fingerprint=key.fingerprint,
        )
    return Message(
        "The ledger is as it was written: {counts} records, {removed} deleted on record; key {fingerprint}, "
        "signed {signed}.",
        counts=counts,
        removed=removed,
        fingerprint=key.fingerprint,
        signed=moment(found.head.at),
    )


def _kept_head(file: Path) -> SignedHead:
    try:
        return msgspec.json.decode(file.read_bytes(), type=SignedHead)
    except OSError as error:
        raise ConfigurationError(
            Message("{file} cannot be read: {strerror}.", file=file, strerror=error.strerror)
        ) from None
    except msgspec.DecodeError:
        raise ConfigurationError(
            Message("{file} is no head: name what `relaycore audit head` has printed.", file=file)
        ) from None


def _list(arguments: argparse.Namespace) -> int:
    question = Question(
        kinds=KINDS if arguments.kind is None else (_one_of(arguments.kind, KINDS, Message("kind")),),
        subject=arguments.subject,
        path=None if arguments.path is None else arguments.path.strip("/"),
        since=_time(arguments.since, "--from"),
        until=_time(arguments.until, "--to", end=True),
        limit=_limit(arguments.limit),
    )
    folder = folder_of(arguments)
    put_on_record(folder, "audit list", arguments.subject or arguments.path, unless_copy=True)
    page = ask(folder, question)
    console = make_console()
    if not page.records:
        say(console, Message("There are no such records."))
        return 0
    show_table(console, Message("Records"), _COLUMNS, [_cells(record) for record in page.records])
    if page.next is not None:
        say(console, Message("There are more: raise --limit, or ask for less."))
    return 0


def _export(arguments: argparse.Namespace) -> int:
    written: Format = _one_of(arguments.format, get_args(Format), Message("format"))
    question = Question(
        subject=arguments.subject,
        since=_time(arguments.since, "--from"),
        until=_time(arguments.until, "--to", end=True),
    )
    folder = folder_of(arguments)
    put_on_record(folder, "audit export", arguments.subject, unless_copy=True)
    records = all_of(folder, question)
    if written == "json":
        head = {"subject": arguments.subject, "exported": moment(now_ms()), "times": "UTC"}
        _write(as_json(head, records), arguments.output)
    else:
        _write(as_csv(records), arguments.output)
    return 0


def _write(parts: Iterable[str], output: str | None) -> None:
    if output is None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            # The same bytes as in a file, whatever the terminal is.
            sys.stdout.reconfigure(encoding="utf-8", newline="")
        sys.stdout.writelines(parts)
        sys.stdout.flush()
        return
    try:
        # What is known of a person is nobody else's business.
        descriptor = os.open(output, NEW_FILE, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.writelines(parts)
    except FileExistsError:
        raise ConfigurationError(
            Message("{output} is there already: name a new file.", output=output)
        ) from None
    except OSError as error:
        raise StateError(
            Message("{output} cannot be written: {strerror}.", output=output, strerror=error.strerror)
        ) from None


def _key(arguments: argparse.Namespace) -> int:
    key = PublicKey.load(folder_of(arguments) / PUBLIC_KEY_FILE)
    sys.stdout.write(key.pem)
    sys.stderr.write(_("fingerprint {fingerprint}", fingerprint=key.fingerprint) + "\n")
    return 0


def _head(arguments: argparse.Namespace) -> int:
    sys.stdout.write(msgspec.json.encode(read_head(folder_of(arguments))).decode() + "\n")
    return 0


_COLUMNS = (
    Message("at"),
    Message("kind"),
    Message("number"),
    Message("user"),
    Message("what"),
    Message("where"),
    Message("network"),
    Message("more"),
)


def _cells(record: Record) -> tuple[str, ...]:
    what, where, network, more = _of_kind(record)
    user = record.subject or "-"
    return moment(record.at), record.kind(), str(record.number), user, what, where, network, more


def _of_kind(record: Record) -> tuple[str, str, str, str]:
    match record:
        case Session():
            parts: list[str] = [
                Message("size unknown")
                if record.bytes is None
                else message_n("{count} byte", "{count} bytes", record.bytes)
            ]
            if record.to is not None:
                parts.append(f"{(record.to - record.begun) / 1000:.1f} s")
            more = message_lines([*parts, record.reason], ", ")
            return _over(record), record.path, record.network or "-", more
        case Opening():
            return _over(record), record.path, record.network or "-", Message("has not ended")
        case Refusal():
            more = f"{record.status}: {record.reason}"
            if record.count != 1:
                times = message_n("{count} time", "{count} times", record.count)
                more = message_lines([more, times], ", ")
            return record.action, record.path or "-", record.network or "-", more
        case Act():
            parts = [record.means]
            if record.operator:
                parts = [Message("{means} by {operator}", means=record.means, operator=record.operator)]
            if record.failed is not None:
                parts.append(Message("nothing came of it: {failed}", failed=record.failed))
            return record.act, record.target or "-", record.network or "-", message_lines(parts, ", ")
        case Removal():
            more = message_n(
                "older than {count} day, up to {newest}",
                "older than {count} days, up to {newest}",
                record.days,
                newest=moment(record.newest),
            )
            what = Message("{kind} {first} to {last}", kind=record.of, first=record.first, last=record.last)
            return Message("deleted"), what, "-", more
    raise AssertionError(record)


def _over(record: Session | Opening) -> str:
    return Message("{action} over {transport}", action=record.action, transport=record.transport)


def _one_of(text: str, known: tuple[Any, ...], what: str) -> Any:
    if text not in known:
        raise ConfigurationError(
            Message(
                "There is no {what} {text}; {hint}",
                what=what,
                text=repr(text),
                hint=did_you_mean(text, known),
            )
        )
    return text


def _limit(text: str) -> int:
    if text.isdecimal() and 1 <= int(text) <= 100_000:
        return int(text)
    raise ConfigurationError(
        Message("--limit: {text} is not right; it should be a number from 1 to 100000.", text=repr(text))
    )


def _time(text: str | None, option: str, *, end: bool = False) -> int | None:
    """The time of records that a person means, by the clock of this machine unless it names a zone."""
    if text is None:
        return None
    try:
        if len(text) <= len("2026-11-26"):
            day = datetime.fromisoformat(text).date() + timedelta(days=1 if end else 0)
            at = datetime.combine(day, time.min).astimezone()
        else:
            at = datetime.fromisoformat(text).astimezone()
        return int(at.timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        raise ConfigurationError(
            Message(
                "{option}: {text} is no time; write a day like 2026-11-26, or a time like 2026-11-26T09:30.",
                option=option,
                text=repr(text),
            )
        ) from None
