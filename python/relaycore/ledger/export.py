"""Records for people: as JSON and as CSV, with times as ISO 8601 has them, in UTC."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final, Literal

import msgspec

from relaycore.ledger.records import Act, Opening, Record, Refusal, Removal, Session

__all__ = ["Format", "as_csv", "as_json", "moment", "plain"]

Format = Literal["csv", "json"]

_TIMES: Final = ("at", "from", "to", "newest")
"""Fields that are times."""

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula; clients may call themselves anything."""


def moment(ms: int) -> str:
    """A time of records as text, like ``2026-11-26T09:30:00.125Z``."""
    at = datetime.fromtimestamp(ms / 1000, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def plain(record: Record) -> dict[str, Any]:
    """A record as plain data, with its kind first and times as text."""
    fields = msgspec.to_builtins(record)
    kind = fields.pop("kind")
    times = {name: moment(fields[name]) for name in _TIMES if fields.get(name) is not None}
    return {"kind": kind, **fields, **times}


def as_json(head: dict[str, Any], records: Iterable[Record]) -> Iterator[str]:
    """One object: what ``head`` says, and the records."""
    text = msgspec.json.encode(head).decode()
    yield text.removesuffix("}") + ',"records":['
    separator = "\n"
    for record in records:
        yield separator + msgspec.json.encode(plain(record)).decode()
        separator = ",\n"
    yield "\n]}\n"


def as_csv(records: Iterable[Record]) -> Iterator[str]:
    """A table with a column for every field that some record may have."""
    line = io.StringIO()
    writer = csv.DictWriter(line, _COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    yield line.getvalue()
    for record in records:
        line.seek(0)
        line.truncate()
        writer.writerow({name: _cell(value) for name, value in plain(record).items()})
        yield line.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value


def _columns() -> list[str]:
    names = ["kind", "at"]
    for kind in (Opening, Session, Refusal, Act, Removal):
        names += [field.encode_name for field in msgspec.structs.fields(kind)]
    return list(dict.fromkeys(names))


_COLUMNS: Final = _columns()
