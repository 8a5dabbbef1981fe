"""What a text is about: its content words and numbers, in a form in which two texts can be compared.

Words of alphabets are compared by their first letters ("multiply" meets "multiplied"), Chinese and Japanese, which set
no spaces, by pairs of characters. No dictionary is needed, so that any language works; the short list of common words
only sharpens English and Chinese.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from trigreason_graph.reasoning.patterns import later

STEM = 5
"""Letters of a word that are compared. Ours: enough to tell words apart, few enough for their endings to be ignored."""
SHORTEST = 3
"""Letters a word must have. Ours: shorter ones are articles and the like in most languages."""

_TERM = later(
    r"""
      (?P<number>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)
    | (?P<pairs>[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+)
    | \\[A-Za-z]+
    | (?P<word>(?:(?![\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff])[^\W\d_])+)
    """,
    re.VERBOSE,
)
_WIDE = later(r"[\u3040-\u30ff\u3400-\u9fff]")
_COMMON = """
    all and any are amount answer calculate calculation can compute determine does each finally find first for from get
    give given had has have her his how identify into its let make many much need next not number off one our out
    problem result she should solve step steps subtract sum take than that the their them then there these they this
    total use using value was what when where which will with write you your
    计算 算出 求出 得到 得出 确定 根据 题目 问题 答案 结果 步骤 首先 然后 最后 一个 我们 多少 总数 数量 需要
"""
COMMON = frozenset(_COMMON.split())
"""Words of plans that say nothing about what a step is about. Ours, English and Chinese."""


def terms(text: str) -> frozenset[str]:
    """Stems of the content words, character pairs and numbers of `text` ("1,000" as "1000"). Linear."""
    return frozenset(_terms(text))


def same_script(one: str, other: str) -> bool:
    """Whether both texts have Chinese or Japanese characters, or neither has: else their terms cannot meet."""
    return bool(_WIDE().search(one)) == bool(_WIDE().search(other))


def _terms(text: str) -> Iterator[str]:
    for found in _TERM().finditer(text):
        match found.lastgroup:
            case "number":
                whole, _, fraction = found[0].replace(",", "").partition(".")
                fraction = fraction.rstrip("0")
                yield (whole.lstrip("0") or "0") + (f".{fraction}" if fraction else "")
            case "pairs":
                run = found[0]
                yield from (pair for pair in map("".join, pairwise(run)) if pair not in COMMON)
            case "word":
                word = found[0].casefold()
                if len(word) >= SHORTEST and word not in COMMON:
                    yield word[:STEM].removesuffix("s") if len(word) <= STEM else word[:STEM]
