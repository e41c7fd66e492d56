"""A table that strangers cannot make larger than it may be."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

__all__ = ["Table"]

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class Table(Generic[_Key, _Value]):
    """Values by key, at most ``most``: what was used longest ago is forgotten first.

    ``make`` makes the value of a key that is not there; ``forgotten`` is called with each that is forgotten.
    """

    def __init__(
        self,
        most: int,
        make: Callable[[], _Value],
        forgotten: Callable[[_Key, _Value], None] | None = None,
    ) -> None:
        self._most = most
        self._make = make
        self._forgotten = forgotten
        self._values: OrderedDict[_Key, _Value] = OrderedDict()

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, key: _Key) -> bool:
        return key in self._values

    def __iter__(self) -> Iterator[_Key]:
        return iter(list(self._values))

    def find(self, key: _Key) -> _Value | None:
        """The value of a key, if there is one."""
        return self._values.get(key)

    def use(self, key: _Key) -> _Value:
        """The value of a key, made where there is none."""
        value = self._values.get(key)
        if value is None:
            value = self._values[key] = self._make()
            if len(self._values) > self._most:
                old = self._values.popitem(last=False)
                if self._forgotten is not None:
                    self._forgotten(*old)
        else:
            self._values.move_to_end(key)
        return value

    def put(self, key: _Key, value: _Value) -> None:
        """Sets the value of a key."""
        self.use(key)
        self._values[key] = value

    def pop(self, key: _Key) -> _Value | None:
        """Takes a key out, and gives its value if there was one."""
        return self._values.pop(key, None)
