"""The ledger over HTTP: for whom, in pages, and on record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from openapi_schema_validator import OAS31Validator

from relaycore import LedgerSettings, Relay, User
from relaycore.ledger import ledger as ledger_module
from relaycore.ledger import store
from relaycore.ledger.store import LedgerFile
from relaycore.settings import RetentionSettings
from relaycore.web.api.openapi import describe
from relaycore.web.server import ROUTES
from tests.support.ledger import START_MS, act, opening, refusal, rewrite, session, written

USERS = [
    User(name="eva", password="eva", role="auditor"),
    User(name="ada", password="ada", role="administrator"),
    User(name="olga", password="olga", role="operator"),
    User(name="vic", password="vic", role="viewer"),
]
DESCRIPTION = describe(ROUTES)


def relay_of(folder: Path, *, enabled: bool = True) -> Relay:
    ledger = LedgerSettings(enabled=enabled, retention=RetentionSettings(session=0, refusal=0, act=0))
    return Relay(port=0, users=USERS, basic=True, state_folder=str(folder), ledger=ledger)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A ledger with what happened before."""
    file = LedgerFile(tmp_path)
    for number in range(5):
        begun = opening("anna", at=START_MS + number * 1000)
        file.append([begun, session(begun)])
    file.append([refusal("anna"), act("olga", "door")])
    file.remove("refusal", START_MS + 1, 30)
    file.close()
    return tmp_path


async def ask(relay: Relay, user: str | None, query: str = "") -> tuple[int, Any]:
    """Ask as a user, and hold the answer against the description."""
    host, port = relay.address
    auth = None if user is None else aiohttp.encode_basic_auth(user, user)
    headers = {} if auth is None else {"Authorization": auth}
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.get(f"http://{host}:{port}/api/v1/ledger{query}") as response,
    ):
        found = await response.json()
        content = DESCRIPTION["paths"]["/api/v1/ledger"]["get"]["responses"][str(response.status)]["content"]
        schema = {**content["application/json"]["schema"], "components": DESCRIPTION["components"]}
        OAS31Validator(schema).validate(found)
        return response.status, found


async def test_auditors_and_administrators_read_it_and_nobody_else(folder: Path) -> None:
    async with relay_of(folder) as relay:
        statuses = {user: (await ask(relay, user))[0] for user in (None, "eva", "ada", "olga", "vic")}
    assert statuses == {None: 401, "eva": 200, "ada": 200, "olga": 403, "vic": 403}
    refusals = [(record.subject, record.action) for record in written(folder, "refusal")]
    assert refusals == [("olga", "audit"), ("vic", "audit")]


async def test_without_users_nobody_reads_it(folder: Path) -> None:
    async with Relay(port=0, state_folder=str(folder), ledger=LedgerSettings(enabled=True)) as relay:
        assert (await ask(relay, None))[0] == 403


async def test_records_come_in_pages_and_as_they_are(folder: Path) -> None:
    async with relay_of(folder) as relay:
        found: list[Any] = []
        query = "?subject=anna&kind=session&limit=2"
        status, page = await ask(relay, "eva", query)
        while page["next"] is not None:
            found += page["records"]
            status, page = await ask(relay, "eva", f"{query}&after={page['next']}")
        found += page["records"]
        assert status == 200
        status, page = await ask(relay, "eva", "?kind=removal")
        assert page["records"][0]["of"] == "refusal"
        status, page = await ask(relay, "eva", f"?since={START_MS + 62_000}&until={START_MS + 63_000}")
        assert {record["kind"] for record in page["records"]} == {"session"}
        assert len(page["records"]) == 3
    records = [msgspec.to_builtins(record) for record in written(folder, "session")]
    assert found == records[::-1]


async def test_reading_is_on_record_before_the_answer(folder: Path) -> None:
    async with relay_of(folder) as relay:
        status, page = await ask(relay, "eva", "?subject=anna")
        assert status == 200
        assert (page["records"][0]["act"], page["records"][0]["subject"]) == ("readLedger", "eva")
        assert (await ask(relay, "eva", "?subject=anna&limit=0"))[0] == 400
    (read,) = [record for record in written(folder, "act") if record.act == "readLedger"]
    assert (read.subject, read.target, read.network) == ("eva", "anna", "127.0.0.0/24")


async def test_what_cannot_be_put_on_record_is_not_shown(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store.LedgerFile.__init__, "__kwdefaults__", {"synchronous": "full", "busy_s": 0.01})
    monkeypatch.setattr(ledger_module, "PATIENCE_S", 1.0)
    async with relay_of(folder) as relay:
        with rewrite(folder) as database:
            database.execute("BEGIN IMMEDIATE")
            status, found = await ask(relay, "eva")
            database.execute("ROLLBACK")
        assert (status, "cannot be put on record" in found["error"]) == (503, True)


@pytest.mark.parametrize(
    "query",
    [
        "?kind=none",
        "?limit=1001",
        "?limit=x",
        "?after=x",
        "?since=-1",
        "?colour=red",
        f"?subject={'x' * 300}",
        "?kind=act&kind=session",
    ],
)
async def test_queries_that_are_not_right_are_refused(folder: Path, query: str) -> None:
    async with relay_of(folder) as relay:
        status, found = await ask(relay, "eva", query)
    assert (status, bool(found["error"])) == (400, True)


async def test_without_a_ledger_there_is_nothing_to_read(tmp_path: Path) -> None:
    async with relay_of(tmp_path, enabled=False) as relay:
        status, found = await ask(relay, "eva")
    assert (status, "keeps no ledger" in found["error"]) == (404, True)
