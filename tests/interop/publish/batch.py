"""Cases that wait most of their time are run several at once, before their tests ask for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

import pytest

__all__ = ["Batch", "cases_of"]

AT_ONCE = 6
"""Cases that run at the same time: each waits for a second of live pictures or sound."""

Case = TypeVar("Case")
Result = TypeVar("Result")


def cases_of(request: pytest.FixtureRequest) -> list[Any]:
    """The values of the parameter ``case`` of the selected tests in the file of a fixture's user."""
    return [
        item.callspec.params["case"]
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.module is request.module and hasattr(item, "callspec")
    ]


class Batch(Generic[Case, Result]):
    """Runs a function for each case, in their order."""

    def __init__(self, do: Callable[[Case], Result], cases: Iterable[Case]) -> None:
        self._pool = ThreadPoolExecutor(AT_ONCE)
        self._results: dict[Case, Future[Result]] = {
            case: self._pool.submit(do, case) for case in dict.fromkeys(cases)
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def __getitem__(self, case: Case) -> Result:
        """What the function gave, or its exception."""
        return self._results[case].result()
