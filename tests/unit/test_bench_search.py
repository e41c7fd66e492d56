"""The search for the largest count, against servers that carry so many readers and no more."""

import pytest

from relaycore.bench.plan import Plan
from relaycore.bench.quality import Quality
from relaycore.bench.run import Outcome
from relaycore.bench.search import PRECISION, CountSearch, Found, find_max
from tests.support.bench import plan, report

QUALITY = Quality()


class Server:
    """Carries ``most`` readers well; with more, pictures are late. ``busy`` is the load generator."""

    def __init__(self, most: int, *, busy: float = 0.2, ends_at: int | None = None) -> None:
        self.asked: list[int] = []
        self.settled = 0
        self._most, self._busy, self._ends_at = most, busy, ends_at
        self.interrupted_at: int | None = None

    async def run(self, wanted: Plan) -> Outcome:
        readers = wanted.readers
        self.asked.append(readers)
        return Outcome(
            report=report(wanted, 1.0 if readers <= self._most else 500.0, busy=self._busy),
            interrupted=len(self.asked) == self.interrupted_at,
            server_ended=self._ends_at is not None and readers >= self._ends_at,
        )

    async def settle(self) -> None:
        self.settled += 1


async def search(server: Server, start: int = 100, most: int = 100_000) -> Found:
    return await find_max(
        CountSearch(start, most), lambda readers: plan(readers=readers), server.run, server.settle, QUALITY
    )


@pytest.mark.parametrize("most", [1, 2, 7, 60, 100, 101, 463, 1000, 2025, 99_999])
@pytest.mark.parametrize("start", [1, 100, 3000])
async def test_the_largest_count_is_found_as_closely_as_it_is_meant_to_be(most: int, start: int) -> None:
    server = Server(most)
    found = await search(server, start)
    largest = found.search.largest
    assert largest is not None
    assert largest <= most
    assert most - largest <= max(1, PRECISION * largest)
    assert len(server.asked) == len(set(server.asked)) <= 24
    assert server.settled == len(server.asked) - 1
    assert found.plan.readers == largest
    assert found.outcome.report.playing == largest


async def test_the_steps_say_how_each_went() -> None:
    found = await search(Server(250))
    assert [(step.readers, step.held) for step in found.search.steps] == [
        (100, True),
        (200, True),
        (400, False),
        (300, False),
        (250, True),
        (275, False),
        (262, False),
    ]
    assert found.search.steps[2].shortfalls == ["p99 2,000.0 ms"]
    assert found.search.steps[2].p99_ms == 2000.0
    assert found.search.limit == "At 262 the server missed it."


async def test_a_server_that_carries_nobody_holds_no_count() -> None:
    server = Server(0)
    found = await search(server)
    assert server.asked == [100, 50, 25, 12, 6, 3, 1]
    assert found.search.largest is None
    assert found.plan.readers == 1


async def test_no_more_than_the_most_are_tried() -> None:
    server = Server(10_000)
    found = await search(server, most=300)
    assert server.asked == [100, 200, 300]
    assert (found.search.largest, found.search.limit) == (300, "No more were asked for.")
    server = Server(10_000)
    await search(server, start=500, most=300)
    assert server.asked == [300]


async def test_a_busy_load_generator_is_named_as_the_limit() -> None:
    found = await search(Server(100, busy=0.97))
    assert found.search.limit == (
        "At 103 the load generator was the limit (its busiest thread worked 97% of the time): the server may "
        "carry more."
    )


async def test_a_server_that_ends_ends_the_search() -> None:
    server = Server(1000, ends_at=400)
    found = await search(server)
    assert server.asked == [100, 200, 400]
    assert (found.search.largest, found.search.limit) == (200, "The server ended.")
    assert found.search.steps[-1].shortfalls == ["the server ended"]


async def test_a_search_that_is_ended_keeps_its_steps() -> None:
    server = Server(1000)
    server.interrupted_at = 3
    found = await search(server)
    assert [step.readers for step in found.search.steps] == [100, 200]
    assert (found.search.largest, found.plan.readers) == (200, 200)
    assert found.search.limit == "The search was ended before its time."
    server = Server(1000)
    server.interrupted_at = 1
    found = await search(server)
    assert (found.search.steps, found.search.largest) == ([], None)
    assert found.outcome.interrupted
