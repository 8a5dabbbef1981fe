"""A sequence that counts how many of its items are read: what a trigger looks at, told without a clock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar, overload

_T = TypeVar("_T")


class Counting(Sequence[_T]):
    """`items`, and in `reads` how many of them were read; a slice reads all that it holds."""

    def __init__(self, items: Sequence[_T]) -> None:
        self._items, self.reads = items, 0

    def __len__(self) -> int:
        return len(self._items)

    @overload
    def __getitem__(self, index: int) -> _T: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[_T]: ...

    def __getitem__(self, index: int | slice) -> _T | Sequence[_T]:
        found = self._items[index]
        self.reads += len(found) if isinstance(index, slice) else 1  # type: ignore[arg-type]
        return found
