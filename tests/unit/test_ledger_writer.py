"""The thread that writes: what waits, what is told, and what a full disk or a locked file does to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from relaycore.errors import StateError
from relaycore.ledger import writer as writer_module
from relaycore.ledger.addresses import kept_address
from relaycore.ledger.records import Act, Refusal, now_ms
from relaycore.ledger.refusals import MORE, MOST_NETWORKS, OF_A_NETWORK, OF_ALL, PERIOD_S, Refusals
from relaycore.ledger.running import Running
from relaycore.ledger.store import LedgerFile
from relaycore.ledger.writer import MOST_WAITING, Writer
from relaycore.settings import RetentionSettings
from relaycore.settings.ledger import Addresses
from tests.support.ledger import DAY_MS, START_MS, act, look, opening, refusal, rewrite, session

FOREVER = RetentionSettings(session=0, refusal=0, act=0)
TIMEOUT = 30.0


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Callable[..., Writer]]:
    """Makes writers of the ledger in ``tmp_path``, and ends them."""
    made: list[Writer] = []

    def begin(retention: RetentionSettings = FOREVER) -> Writer:
        file = LedgerFile(tmp_path, synchronous="normal", busy_s=0.01)
        writer = Writer(file, Running(tmp_path), retention)
        writer.start()
        made.append(writer)
        return writer

    yield begin
    for writer in made:
        await asyncio.to_thread(writer.close, TIMEOUT)


async def test_what_is_acknowledged_is_in_the_file(start: Callable[..., Writer], tmp_path: Path) -> None:
    writer = start()
    entries = [writer.put(act(target=f"p{number}")) for number in range(3000)]
    async with asyncio.timeout(TIMEOUT):
        await writer.wait(entries[-1])
    assert look(tmp_path).records["act"] == 3000
    assert all(entry.written for entry in entries)
    assert (writer.written["act"], writer.waiting, writer.lost, writer.failure) == (3000, 0, 0, None)
    await writer.wait(entries[0])


async def test_what_waits_at_the_end_is_written(start: Callable[..., Writer], tmp_path: Path) -> None:
    writer = start()
    for _ in range(50):
        writer.put(act())
    await asyncio.to_thread(writer.close, TIMEOUT)
    assert look(tmp_path).records["act"] == 50
    assert writer.put(act()).lost


async def test_the_loop_never_waits_for_a_locked_ledger(start: Callable[..., Writer], tmp_path: Path) -> None:
    """Who waits is told of each failure; the record stays, and is written once that can be done."""
    writer = start()
    first = writer.put(act(target="first"))
    await writer.wait(first)
    with rewrite(tmp_path) as database:
        database.execute("BEGIN IMMEDIATE")
        entry = writer.put(act(target="second"))
        for _ in range(2):
            with pytest.raises(StateError, match="locked"):
                async with asyncio.timeout(TIMEOUT):
                    await writer.wait(entry)
        assert "locked" in (writer.failure or "")
        others = [writer.put(act()) for _ in range(100)]
        assert not any(other.written for other in others)
        database.execute("ROLLBACK")
    async with asyncio.timeout(TIMEOUT):
        await writer.wait(entry)
        await writer.wait(others[-1])
    assert writer.failure is None
    assert (look(tmp_path).records["act"], writer.lost) == (102, 0)


async def test_a_ledger_that_cannot_be_opened_is_tried_again(
    start: Callable[..., Writer], tmp_path: Path
) -> None:
    file = LedgerFile(tmp_path)
    file.open()
    file.close()
    with rewrite(tmp_path) as database:
        database.execute("BEGIN IMMEDIATE")
        writer = start()
        with pytest.raises(StateError, match="locked"):
            await writer.wait(writer.put(None))
        database.execute("ROLLBACK")
    async with asyncio.timeout(TIMEOUT):
        await writer.wait(writer.put(None))
        await writer.wait(writer.put(act()))


async def test_too_many_are_lost_counted_and_told(
    start: Callable[..., Writer], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    writer = start()
    await writer.wait(writer.put(act()))
    with rewrite(tmp_path) as database:
        database.execute("BEGIN IMMEDIATE")
        with pytest.raises(StateError):
            await writer.wait(writer.put(act()))
        entries = [writer.put(act()) for _ in range(MOST_WAITING + writer_module.MOST_TOGETHER)]
        assert writer.lost > 0
        assert entries[-1].lost
        with pytest.raises(StateError, match="Too many records wait"):
            await writer.wait(entries[-1])
        database.execute("ROLLBACK")
    kept = [entry for entry in entries if not entry.lost]
    async with asyncio.timeout(TIMEOUT):
        await writer.wait(kept[-1])
    assert look(tmp_path).records["act"] == len(kept) + 2
    told = [record.getMessage() for record in caplog.records]
    assert any("too many records wait for the ledger" in message for message in told)
    assert any(f"written again; {writer.lost} records are lost" in message for message in told)


async def test_a_full_disk_is_told_and_its_records_wait(tmp_path: Path) -> None:
    """SQLite says that the disk is full when it may not have another page."""
    file = LedgerFile(tmp_path, synchronous="normal")
    file.open()
    file.limit_pages(1)
    writer = Writer(file, Running(tmp_path), FOREVER)
    entries = [writer.put(act(target="x" * 200)) for _ in range(500)]
    writer.start()
    with pytest.raises(StateError, match="full"):
        async with asyncio.timeout(TIMEOUT):
            await writer.wait(entries[-1])
    assert look(tmp_path).records["act"] == 0
    # The thread rests after a failure: the file is nobody's for a moment.
    file.limit_pages(100_000)
    async with asyncio.timeout(TIMEOUT):
        await writer.wait(entries[-1])
    await asyncio.to_thread(writer.close, TIMEOUT)
    assert look(tmp_path).records["act"] == 500


async def test_a_record_that_cannot_be_written_keeps_no_other_from_it(
    start: Callable[..., Writer], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    writer = start()
    entries = [writer.put(act(target=target)) for target in ("a", "\udcff", "b")]
    async with asyncio.timeout(TIMEOUT):
        await writer.wait(entries[-1])
    assert [entry.written for entry in entries] == [True, False, True]
    assert (entries[1].lost, writer.lost, writer.failure) == (True, 1, None)
    assert "a record cannot be written, and is lost" in caplog.text
    assert look(tmp_path).records["act"] == 2


async def test_what_is_old_enough_is_deleted_at_the_start(
    start: Callable[..., Writer], tmp_path: Path
) -> None:
    """Each kind after its own time, sessions with their openings, and on record."""
    now = now_ms()
    file = LedgerFile(tmp_path)
    for days in (400, 100, 40, 10):
        at = now - days * DAY_MS
        begun = opening(at=at)
        file.append([begun, session(begun), refusal(at=at), act(at=at)])
    file.close()
    writer = start(RetentionSettings())
    async with asyncio.timeout(TIMEOUT):
        await writer.wait(writer.put(act()))
    await asyncio.to_thread(writer.close, TIMEOUT)
    verification = look(tmp_path)
    assert verification.findings == ()
    assert verification.records == {"opening": 2, "session": 2, "refusal": 1, "act": 4, "removal": 4}
    assert verification.removed == {"opening": 2, "session": 2, "refusal": 3, "act": 1, "removal": 0}


def test_a_relay_that_is_killed_leaves_sessions_for_the_next_one_to_end(tmp_path: Path) -> None:
    """But not for one that starts beside it."""
    calls: list[int] = []
    one, two, three = Running(tmp_path), Running(tmp_path), Running(tmp_path)
    one.begin(lambda: calls.append(1))
    two.begin(lambda: calls.append(2))
    one.end()
    three.begin(lambda: calls.append(3))
    assert calls == [1]
    two.end()
    three.end()
    one.begin(lambda: calls.append(1))
    assert calls == [1, 1]
    one.end()


@pytest.mark.parametrize(
    ("peer", "policy", "kept"),
    [
        ("192.0.2.77:5000", "truncated", "192.0.2.0/24"),
        ("192.0.2.77:5000", "full", "192.0.2.77"),
        ("192.0.2.77:5000", "none", None),
        ("[2001:db8:1:2:3::4]:5000", "truncated", "2001:db8:1::/48"),
        ("[2001:db8:1:2:3::4]:5000", "full", "2001:db8:1:2:3::4"),
        ("[fe80::1%3]:5000", "truncated", "fe80::/48"),
        ("[::ffff:192.0.2.77]:5000", "truncated", "192.0.2.0/24"),
        ("[::ffff:192.0.2.77]:5000", "full", "192.0.2.77"),
        ("nonsense", "full", None),
        ("", "truncated", None),
    ],
)
def test_addresses_are_kept_as_the_settings_say(peer: str, policy: Addresses, kept: str | None) -> None:
    assert kept_address(peer, policy) == kept


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def counted(records: list[Refusal]) -> list[tuple[str | None, int]]:
    return [(record.network, record.count) for record in records]


def test_a_flood_of_refusals_is_counted_and_not_recorded_one_by_one() -> None:
    clock = Clock()
    refusals = Refusals(clock)
    taken = [refusals.take(refusal(), "198.51.100.9") for _ in range(OF_A_NETWORK + 100)]
    assert [len(records) for records in taken] == [1] * OF_A_NETWORK + [0] * 100
    assert len(refusals.take(refusal(), "203.0.113.1")) == 1, "others are recorded as before"
    assert refusals.due() == []
    assert refusals.due_in_s == PERIOD_S
    clock.now += PERIOD_S
    (summed,) = refusals.due()
    assert (summed.count, summed.reason, summed.path) == (100, MORE, None)
    assert refusals.due_in_s is None
    assert len(refusals.take(refusal(), "198.51.100.9")) == 1, "a new period"


def test_refusals_of_many_networks_are_bounded_and_none_is_forgotten() -> None:
    clock = Clock()
    refusals = Refusals(clock)
    networks = [f"10.{number // 256}.{number % 256}.1" for number in range(OF_ALL + 2 * MOST_NETWORKS)]
    recorded = sum(len(refusals.take(refusal(), host)) for host in networks)
    clock.now += PERIOD_S
    summed = refusals.due()
    assert recorded == OF_ALL
    assert len(summed) == MOST_NETWORKS + 1
    assert recorded + sum(record.count for record in summed) == len(networks)


def test_refusals_that_were_counted_come_with_the_next_one() -> None:
    clock = Clock()
    refusals = Refusals(clock)
    for _ in range(OF_A_NETWORK + 5):
        refusals.take(refusal(), "198.51.100.9")
    clock.now += PERIOD_S
    records = refusals.take(refusal(), "198.51.100.9")
    assert counted(records) == [("198.51.100.0/24", 5), ("198.51.100.0/24", 1)]
    for _ in range(OF_A_NETWORK + 5):
        refusals.take(refusal(), "198.51.100.9")
    assert counted(refusals.due(all_of_them=True)) == [("198.51.100.0/24", 6)]


def test_an_act_has_its_place_in_time() -> None:
    assert abs(Act(act="x", target=None, means="api").at - now_ms()) < DAY_MS
    assert now_ms() > START_MS
