r"""Right equations in many surface forms, and slips in them: what the arithmetic is measured on.

Independent of the parser under test: values are computed here with Fraction, and written here, digit by digit. Seeded.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

SEED = 20_260_417


@dataclass(frozen=True)
class Written:
    """An equation in its sentence.

    Attributes:
        form: The kind of surface form it has.
        before: All up to the result.
        result: The result as written, without currency and unit.
        after: All behind it.
    """

    form: str
    before: str
    result: str
    after: str

    @property
    def text(self) -> str:
        """The whole sentence."""
        return self.before + self.result + self.after


def right_equations(count: int, seed: int = SEED) -> Iterator[Written]:
    """`count` right equations, the forms in turn."""
    chance = random.Random(seed)
    for index in range(count):
        form, make = FORMS[index % len(FORMS)]
        expression, result, after = make(chance)
        yield Written(form, *_in_a_sentence(expression, result, after, chance))


def corrupted(written: Written, seed: int = SEED) -> Written:
    """The same with a slip in the result, as writers make them: it is another number, in the same form."""
    chance = random.Random(f"{seed} {written.text}")
    while True:
        slipped = chance.choice(SLIPS)(written.result, chance)
        if plain(slipped) != plain(written.result):
            return replace(written, result=slipped)


def plain(result: str) -> Fraction:
    """The value of a written result, whatever groups its digits."""
    return Fraction(result.replace("{,}", "").replace(",", "").replace("\\,", ""))


def decimals(value: Fraction, places: int) -> str:
    """A value rounded half up to so many places."""
    scaled = abs(value) * 10**places
    rounded = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    digits = str(rounded).rjust(places + 1, "0")
    sign = "-" if value < 0 and rounded else ""
    return sign + (digits if not places else f"{digits[:-places]}.{digits[-places:]}")


def shortest(value: Fraction, most: int = 4) -> str:
    """A value without needless zeros, rounded to at most `most` places."""
    text = decimals(value, most)
    return text.rstrip("0").rstrip(".") if "." in text else text


def grouped(value: int) -> str:
    """1,234,567."""
    return f"{value:,}"


LEADS = [
    "",
    "So ",
    "- ",
    "2. ",
    "Total: ",
    "The cost is ",
    "Therefore, ",
    "She pays ",
    "This gives ",
    "x = ",
    "Then we have ",
]
TAILS = ["", ".", ", so", " in total.", ";", "\nNext", " (see above)", " which is right", ". Then 1 more."]


def _in_a_sentence(expression: str, result: str, after: str, chance: random.Random) -> tuple[str, str, str]:
    equals = chance.choice([" = ", " = ", " = ", "="])
    before = f"{expression}{equals}"
    if after.startswith("<"):  # a currency sign that stands before the result
        before, after = before + after[1], after[2:]
    match chance.randrange(8):
        case 0 if "\\" in expression:
            return rf"\[ {before}", result, rf"{after} \]"
        case 1 if "$" not in expression + before:
            return f"We get ${before}", result, f"{after}$."
        case 2:
            return f"**{before}", result, f"{after}**"
        case 3 if "\\" in expression:
            return rf"So \({before}", result, rf"{after}\)."
        case _:
            return chance.choice(LEADS) + before, result, after + chance.choice(TAILS)


Made = tuple[str, str, str]
"""The expression, its result as written, and what belongs behind it ("<$": a sign before it)."""
Form = Callable[[random.Random], Made]


def _whole(low: int, high: int) -> Callable[[random.Random], int]:
    return lambda chance: chance.randint(low, high)


_small, _middle, _large = _whole(2, 30), _whole(2, 99), _whole(100, 99_999)
NOUNS = ["apples", "clips", "red marbles", "pages", "miles", "students", "eggs", "tickets"]
TIMES = ["*", "×", " x ", "·", r" \times ", r" \cdot "]


def _noun(chance: random.Random) -> str:
    return chance.choice(NOUNS)


def _times(chance: random.Random) -> str:
    sign = chance.choice(TIMES)
    return sign if sign.startswith(" ") or chance.random() < 0.3 else f" {sign} "


def _cents(chance: random.Random) -> int:
    return chance.randint(100, 9_999)


def _money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}"


def sum_of_three(c: random.Random) -> Made:
    a, b, d = _middle(c), _middle(c), _small(c)
    return f"{a} + {b} - {d}", str(a + b - d), ""


def tight_sum(c: random.Random) -> Made:
    a, b = _large(c), _middle(c)
    return f"{a}+{b}", str(a + b), ""


def difference(c: random.Random) -> Made:
    a, b = _large(c), _middle(c)
    return f"{a} {c.choice('-−–')} {b}", str(a - b), ""


def negative_result(c: random.Random) -> Made:
    a, b = _small(c), _large(c)
    return f"{a} - {b}", str(a - b), ""


def product(c: random.Random) -> Made:
    a, b = _middle(c), _small(c)
    return f"{a}{_times(c)}{b}", str(a * b), ""


def thousands(c: random.Random) -> Made:
    a, b = c.randint(1_000, 999_999), _small(c)
    return f"{grouped(a)}{_times(c)}{b}", grouped(a * b), ""


def latex_thousands(c: random.Random) -> Made:
    a, b = c.randint(1_000, 99_999), c.randint(1_000, 99_999)
    written = grouped(a).replace(",", "{,}"), grouped(b).replace(",", "{,}")
    return f"{written[0]} + {written[1]}", grouped(a + b).replace(",", "{,}"), ""


def exact_division(c: random.Random) -> Made:
    a, b = _middle(c), _small(c)
    return f"{a * b} {c.choice(['/', '÷', chr(92) + 'div'])} {b}", str(a), ""


def rounded_division(c: random.Random) -> Made:
    a, b = _middle(c), _small(c)
    return f"{a} / {b}", decimals(Fraction(a, b), 2), ""


def precedence(c: random.Random) -> Made:
    a, b, d = _middle(c), _small(c), _small(c)
    return f"{a} + {b}{_times(c)}{d}", str(a + b * d), ""


def brackets(c: random.Random) -> Made:
    a, b, d = _middle(c), _middle(c), _small(c)
    return f"({a} + {b}){_times(c)}{d}", str((a + b) * d), ""


def touching_bracket(c: random.Random) -> Made:
    a, b, d = _large(c), _middle(c), _small(c)
    return f"{d}({a} - {b})", str(d * (a - b)), ""


def nested_brackets(c: random.Random) -> Made:
    a, b, d, e = _middle(c), _small(c), _small(c), _small(c)
    return f"(({a} + {b}) * {d} - {e}) / {d}", shortest(Fraction((a + b) * d - e, d)), ""


def decimal_sum(c: random.Random) -> Made:
    a, b = _cents(c), _cents(c)
    return f"{_money(a)} + {_money(b)}", _money(a + b), ""


def decimal_product(c: random.Random) -> Made:
    a, b = _middle(c), _small(c)
    return f"{a}.5{_times(c)}{b}", shortest(Fraction(2 * a + 1, 2) * b), ""


def dollars(c: random.Random) -> Made:
    a, b = _middle(c), _small(c)
    return f"${a}{_times(c)}{b}", str(a * b), "<$"


def cents(c: random.Random) -> Made:
    a, b = _cents(c), _small(c)
    return f"${_money(a)}{_times(c)}{b}", _money(a * b), "<$"


def escaped_dollars(c: random.Random) -> Made:
    a, b = _large(c), _middle(c)
    return rf"\${grouped(a)} + \${b}", grouped(a + b), ""


def price_per_piece(c: random.Random) -> Made:
    a, b = _middle(c), _small(c)
    return f"${a}/box * {b} boxes", str(a * b), "<$"


def other_currency(c: random.Random) -> Made:
    a, b, sign = _middle(c), _middle(c), c.choice("€£")
    return f"{sign}{a + b} - {sign}{b}", str(a), f"<{sign}"


def units_in_a_sum(c: random.Random) -> Made:
    a, b, noun = _middle(c), _middle(c), _noun(c)
    return f"{a} {noun} + {b} {noun}", str(a + b), f" {noun}"


def units_in_a_product(c: random.Random) -> Made:
    a, b, noun = _small(c), _small(c), _noun(c)
    return f"{a} boxes * {b} {noun}", str(a * b), f" {noun}"


def rate(c: random.Random) -> Made:
    a, b, noun = _small(c), _small(c), _noun(c)
    return f"{a} boxes × {b} {noun}/box", str(a * b), f" {noun}"


def latex_units(c: random.Random) -> Made:
    a, b, noun = _large(c), _middle(c), _noun(c)
    return rf"{a} \text{{ {noun}}} - {b} \text{{ {noun}}}", str(a - b), rf" \text{{ {noun}}}"


def speed(c: random.Random) -> Made:
    a, b = _middle(c), _small(c)
    return f"{a} miles / {b} hours", decimals(Fraction(a, b), 2), " mph"


def percent_of(c: random.Random) -> Made:
    a, b = _middle(c), _large(c)
    return f"{a}% of {b}", shortest(Fraction(a * b, 100)), ""


def percent_times(c: random.Random) -> Made:
    a, b = _middle(c), _middle(c)
    return rf"{b}{_times(c)}{a}{c.choice(['%', chr(92) + '%'])}", shortest(Fraction(a * b, 100)), ""


def percent_result(c: random.Random) -> Made:
    a, b = _small(c), c.randint(30, 999)
    return f"{a} / {b}{_times(c)}100", decimals(Fraction(a * 100, b), 1), "%"


def percent_sum(c: random.Random) -> Made:
    a = c.randint(1, 99)
    return f"100% - {a}%", str(100 - a), "%"


def fraction_of(c: random.Random) -> Made:
    a, b, noun = _middle(c), _small(c), _noun(c)
    return f"1/{b} of {a * b} {noun}", str(a), f" {noun}"


def fraction_product(c: random.Random) -> Made:
    a, b, d = c.randint(1, 9), c.randint(2, 12), _middle(c)
    return f"{a}/{b}{_times(c)}{d * b}", str(a * d), ""


def latex_fraction(c: random.Random) -> Made:
    a, b, d = _small(c), _small(c), _middle(c)
    return rf"\frac{{{a}}}{{{b}}}{_times(c)}{d}", shortest(Fraction(a * d, b), 3), ""


def short_latex_fraction(c: random.Random) -> Made:
    a, b, d = c.randint(1, 9), c.randint(2, 9), _middle(c)
    return rf"\{c.choice('dt')}frac{a}{b}{_times(c)}{b * d}", str(a * d), ""


def nested_latex_fraction(c: random.Random) -> Made:
    a, b, d = _middle(c), _middle(c), _small(c)
    return rf"\frac{{{a} + {b}}}{{{d}}}", shortest(Fraction(a + b, d), 3), ""


def mixed_number(c: random.Random) -> Made:
    a, b = _small(c), _small(c)
    return f"{a} 1/2 + {b}", f"{a + b}.5", ""


def power(c: random.Random) -> Made:
    a, b = c.randint(2, 12), c.randint(2, 4)
    return c.choice([f"{a}^{b}", f"{a}^{{{b}}}", f"{a}**{b}"]) + " + 1", str(a**b + 1), ""


def superscript(c: random.Random) -> Made:
    a, b = _middle(c), _middle(c)
    return f"{a}² + {b}²", str(a * a + b * b), ""


def interest(c: random.Random) -> Made:
    a, b = c.randint(1, 90) * 100, c.randint(1, 20)
    return f"${grouped(a)} × (1 + {decimals(Fraction(b, 100), 2)})^2", _money(a * (100 + b) ** 2 // 100), "<$"


def root(c: random.Random) -> Made:
    a, b = _middle(c), _middle(c)
    return rf"\sqrt{{{a * a}}} + {b}", str(a + b), ""


def chain(c: random.Random) -> Made:
    a, b, d = _middle(c), _middle(c), _small(c)
    return f"{a} + {b} + {d} = {a + b} + {d}", str(a + b + d), ""


def chain_of_results(c: random.Random) -> Made:
    a, b = _middle(c), _small(c)
    return f"{a} × {b} = {a * b}.0", str(a * b), ""


def running_total(c: random.Random) -> Made:
    a, b, d = _middle(c), _middle(c), _small(c)
    return f"{a} + {b} = {a + b} - {d}", str(a + b - d), ""


def calculator(c: random.Random) -> Made:
    a, b = _middle(c), _small(c)
    return f"{a}*{b} = <<{a}*{b}", str(a * b), f">>{a * b}"


def approximation(c: random.Random) -> Made:
    a, b = _large(c), _small(c)
    return f"{a} / {b} ≈ {decimals(Fraction(a, b), 3)}", decimals(Fraction(a, b), 1), ""


def negative_numbers(c: random.Random) -> Made:
    a, b, d = _middle(c), _middle(c), _small(c)
    return f"{a} - (-{b}) + (-{d})", str(a + b - d), ""


FORMS: list[tuple[str, Form]] = [
    (make.__name__, make)
    for make in (
        sum_of_three, tight_sum, difference, negative_result, product, thousands, latex_thousands, exact_division,
        rounded_division, precedence, brackets, touching_bracket, nested_brackets, decimal_sum, decimal_product,
        dollars, cents, escaped_dollars, price_per_piece, other_currency, units_in_a_sum, units_in_a_product, rate,
        latex_units, speed, percent_of, percent_times, percent_result, percent_sum, fraction_of, fraction_product,
        latex_fraction, short_latex_fraction, nested_latex_fraction, mixed_number, power, superscript, interest, root,
        chain, chain_of_results, running_total, calculator, approximation, negative_numbers,
    )
]  # fmt: skip


def _digits(result: str) -> list[int]:
    return [index for index, character in enumerate(result) if character.isdigit()]


def another_digit(result: str, chance: random.Random) -> str:
    """One digit is another one."""
    at = chance.choice(_digits(result))
    return result[:at] + chance.choice("0123456789") + result[at + 1 :]


def swapped_digits(result: str, chance: random.Random) -> str:
    """Two neighbouring digits changed places."""
    digits = _digits(result)
    if len(digits) < 2:
        return result
    at = chance.randrange(len(digits) - 1)
    one, other = digits[at], digits[at + 1]
    letters = list(result)
    letters[one], letters[other] = letters[other], letters[one]
    return "".join(letters)


def factor_of_ten(result: str, chance: random.Random) -> str:
    """A zero too many, or one digit short."""
    if "." in result or not result.lstrip("-").isdigit():
        return result
    return result + "0" if chance.random() < 0.5 or len(result) < 2 else result[:-1]


def carry_lost(result: str, chance: random.Random) -> str:
    """Ten more or less, or one."""
    if not result.lstrip("-").isdigit():
        return result
    return str(int(result) + chance.choice([-10, -1, 1, 10]))


SLIPS = [another_digit, swapped_digits, factor_of_ten, carry_lost]
