"""How a sequence repeats itself."""

from __future__ import annotations

from collections.abc import Sequence


def borders_of(ids: Sequence[int]) -> list[int]:
    """For each prefix the length of its longest proper border (Knuth, Morris, Pratt)."""
    borders = [0] * len(ids)
    length = 0
    for index in range(1, len(ids)):
        while length and ids[index] != ids[length]:
            length = borders[length - 1]
        if ids[index] == ids[length]:
            length += 1
        borders[index] = length
    return borders


def sums_of(values: Sequence[int]) -> list[int]:
    """Running totals, 0 first."""
    sums = [0]
    for value in values:
        sums.append(sums[-1] + value)
    return sums
