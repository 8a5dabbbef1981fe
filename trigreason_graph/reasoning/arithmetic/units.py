"""The words around numbers: which only say what is counted, and which change the value."""

from __future__ import annotations

from collections.abc import Sequence

from trigreason_graph.reasoning.arithmetic.lexemes import Lexeme, words

CLAUSE_WORDS = words("if then is are was were equals equal which that so but because since while we i he she they it")
"""Words with which a sentence goes on after, or comes to, an expression. They change no value."""
NOT_UNITS = CLAUSE_WORDS | words(
    """and or of times plus minus over by to from than per every hundred thousand million billion bn trillion dozen
    dozens score half halves third thirds quarter quarters fourth fourths fifth fifths sixth sixths eighth eighths tenth
    tenths more less fewer squared cubed remainder rem mod modulo choose base divided multiplied added subtracted
    factorial degrees twice double triple thrice point am pm o'clock"""
)
"""Words after a number that change its value or go on with the sentence; never taken for a unit."""
_SAME_AS = {
    "hr": "hour", "mph": "hour", "kph": "hour", "min": "minute", "sec": "second", "lb": "pound", "oz": "ounce",
    "inche": "inch", "feet": "foot", "ft": "foot", "yd": "yard", "mi": "mile",
}  # fmt: skip
"""Other names of a unit; a speed counts by its hour, so that mph times minutes is seen to convert."""
_NOT_NAMING = words("each total altogether apiece left remaining")
_HAN_MULTIPLIERS = frozenset("万千百亿兆半倍余又多几成折点分之加减乘除的和与或")


def is_unit(lexeme: Lexeme) -> bool:
    """Whether a lexeme after a number only says what is counted."""
    if lexeme.kind != "word":
        return False
    return lexeme.text not in NOT_UNITS and not _HAN_MULTIPLIERS.intersection(lexeme.text)


def unit_of(names: Sequence[str]) -> str:
    """The unit that words after a number name: "red marbles left" is about marbles. Empty when none does."""
    naming = [name for name in names if name not in _NOT_NAMING]
    if not naming:
        return ""
    word = naming[-1]
    singular = word[:-1] if word.endswith("s") and len(word) > 2 else word
    return _SAME_AS.get(singular, singular)
