r"""What a step establishes, and whether two steps say the same.

Conclusions are short normalised texts, made to be compared: the same result reached again, or another one for the same
variable. Equations, boxes and options need few words; English and Chinese ones are known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from trigreason_graph.reasoning.markup import boxes
from trigreason_graph.reasoning.patterns import folded, has_one, later

MOST = 8
"""Conclusions kept of a step, the last ones: a step that lists more establishes none of them in particular."""
LONGEST = 40
"""Characters a conclusion may have: what is longer is prose, not a result."""
SENTENCE_READ = 400
"""Characters from the end of a sentence without equation that are read: what it states stands at its end."""
SAME_FROM = 0.95
"""Similarity from which two texts are the same, when their numbers are. Our choice."""
COMPARED = 4_000
"""Characters of a text that are compared, so that time is bounded; twice the cap of a step."""

_LATEX = (
    (later(r"\\(?:boxed|fbox|text|textbf|textrm|mathrm|mathbf)\s?\{([^{}]{0,80})\}"), r" \1 "),
    (later(r"\\[dt]?frac\s?\{([^{}]{1,40})\}\s?\{([^{}]{1,40})\}"), r"\1/\2"),
    (later(r"(?<=\d)(?:\{,\}|\\,)(?=\d{3})"), ","),
    (
        later(r"\\(?:implies|Rightarrow|Longrightarrow|rightarrow|to|iff|therefore)(?![A-Za-z])|=>|[→⇒⟹∴]|\\\\"),
        "\n",
    ),
    (later(r"\\[()\[\],;:! ]|\\(?:left|right|q?quad)(?![A-Za-z])|\$\$|\*\*(?!\d)|__|&"), " "),
    (later(r"\\(?:times|cdot|ast)(?![A-Za-z])|[×·✕]"), "*"),
    (later(r"\\div(?![A-Za-z])|÷"), "/"),
    (later(r"[<>!≤≥≠]=|\\[lgn]eq?(?![A-Za-z])"), "≠"),
    (later(r"\\(?:approx|equiv)(?![A-Za-z])|==|≈"), "="),
    (later(r"\\([$%])"), r"\1"),
)
_TO_REWRITE = later(
    r"[\\{$*_=<>!→⇒⟹∴&×·✕÷≤≥≠≈]"
    r"(?:(?<=[\\→⇒⟹∴&×·✕÷≤≥≠≈])|(?<=\{),\}|(?<=\$)\$|(?<=\*)\*|(?<=_)_|(?<=[=<>!])=|(?<==)>)"
)
"""Without any of these, none of `_LATEX` has anything to do. What begins with one set of characters is found fast."""
_CLAUSE_END = later(r"[\n;；。！？，、.!?,](?:(?<=[\n;；。！？，、])|(?=\s|\Z))")
_CONJUNCTION = later(
    r"""
      所以 | 因此 | 如果 | 假设 | 若 | 设
    | (?<![^\s(])(?:and|so|then|thus|hence|therefore|which|because|since|that|where
        |if|when|suppose|assume|assuming|let)(?=\s)
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""Begins another statement within a clause."""
_SUPPOSITIONS = frozenset(["if", "when", "suppose", "assume", "assuming", "let", "如果", "假设", "若", "设"])
_NUMBER = r"(?:\d{1,3}(?:,\d{3}){1,6}(?!\d)|\d{1,30})(?:\.\d{1,30})?|\.\d{1,30}"
_VALUE = later(
    rf"[\s~(]{{0,3}}(?P<minus>[-−]\s?)?[$€£¥]?\s?(?P<inner>[-−])?(?P<number>{_NUMBER})"
    r"(?:\s?/\s?(?P<below>\d{1,12})(?![\d.]))?\s?(?P<percent>%|percent\b)?"
)
_GOES_ON = later(
    r"""
      [.:,]\d | [ ][xX][ ]?\d | [(\\^] | [abcijknpqrtuvwxyzABCDNPQRSTXYZ](?![^\W\d_])
    | [ ]{0,2}(?:[^\W\d_]++[ .]{0,2}|\([^()]{0,30}\)[ ]?|/[^\W\d_]++[ ]?){0,5}(?:[+*^]|[-−/](?=[ ]?[\d$(\\]))
    """,
    re.VERBOSE,
)
"""After a number: it was the first operand of something longer, or only a coefficient."""
_VARIABLE = later(
    r"(?<![\w\\^+*/=)}-])(?P<name>(?:[A-Za-z]|\\[a-z]{2,8})(?:_\{?\w{1,8}\}?)?(?:\([A-Za-z\d]{1,3}\))?)\s*\Z"
)
_UNKNOWN = later(
    r"\d[a-zA-Z](?![^\W\d_])|[-+*/^]\s?\(?\d{0,9}[a-zA-Z](?![^\W\d_])|(?<![\w\\])(?<!\d[ ])[a-zA-Z]\s?[-+*/^(]"
)
_SYMBOLS = later(r"(?:\\[a-z]{2,8}|(?<![A-Za-z])[A-Za-z]{1,2}(?![A-Za-z])|[\d\s.+*/^(){}_-])+")
_STATED = later(
    r"\b(?:answer|result|total|sum|difference|average|remainder)\b.{0,60}?\b(?:is|are|equals|be|was)(?=[\s$])"
    r"(?:\s(?:exactly|about|therefore|thus|now))?|\b(?:we\s(?:get|obtain)|equals|gives)(?=[\s$])"
    r"|(?:答案|结果|总数|总共|一共|等于|得到)[是为有]?",
    re.IGNORECASE,
)
_RESULT_WORDS = (
    *("answer", "result", "total", "sum", "difference", "average", "remainder", "get", "obtain", "equals", "gives"),
    *("答案", "结果", "总数", "总共", "一共", "等于", "得到"),
)
"""Without one of them, `_STATED` finds nothing; without a digit it is no number."""
_DIGIT = re.compile(r"\d")
_ANSWERED = later(r"(?:\banswer|答案)\s?[:：](?P<written>[^\n]{1,200})", re.IGNORECASE)
_NUMERAL = later(rf"(?<![\w.])[-−]?[$€£¥]?(?:{_NUMBER})")
_CHOSEN = later(
    r"(?:(?i:\banswer\s(?:is|must\sbe|should\sbe)|\banswer|\bchoose|\bpick|\bselect|\bgo\swith)|答案[是为]?|选择?)"
    r"[\s:：]{0,3}(?:(?i:option|choice)\s|选项)?\(?(?P<chosen>[A-H])\)?(?![\w'’])"
    r"|(?:(?i:\boption|\bchoice)\s|选项)\(?(?P<right>[A-H])\)?\s?(?i:is|must\sbe|seems|looks|appears|是)"
    r"(?i:\s(?:the|to\sbe|most\slikely|probably|clearly)){0,3}\s?(?i:correct|right|best|true|answer|正确|对)"
)
_ANSWER_WORDS = ("answer", "答案")
"""Without one of them, `_ANSWERED` finds nothing."""
_CHOICE_WORDS = (*_ANSWER_WORDS, "option", "choice", "choose", "pick", "select", "go", "选")
"""Without one of them, `_CHOSEN` finds nothing."""
_LETTER = re.compile(r"[A-H](?:(?![\w'’])|(?i:is|must|seems|looks|appears)|是)")
"""Nor without one of these."""
_OPTION = re.compile(r"\(?([A-H])\)?")
_GUARDED = later(
    r"\d+(?:[.,]\d+)*|(?<![^\W_])(?![aI](?!\w))[A-Za-z](?![^\W_])|(?<![^\W\d_])[-+*/=<>^×÷≤≥≠]"
    r"|\b(?:no|not|never|cannot|without|two|three|four|five|six|seven|eight|nine|ten|half|twice|double|first|second|third)\b"
    r"|n['’]t\b|[不没无非一二两三四五六七八九十百千万]"
)


def conclusions(text: str) -> list[str]:
    """What a step establishes, in the order of the text, the boxed results last; at most `MOST`, none twice.

    Values of finished equations ("48 + 24 = 72" gives "72"), values of variables ("x=4", also "x=2y+1"), results said
    in words, the only number behind "Answer:", chosen options ("(B)"), boxed contents. Numbers are text without unit,
    currency, thousands separator and needless zeros; a percentage keeps its sign. What is only supposed ("if x = 4")
    is left out. Linear in `text`.
    """
    plain = _rewritten(text)
    found = [*_from_statements(plain)]
    said = folded(plain)
    if has_one(_ANSWER_WORDS, said):
        found += [only for answer in _ANSWERED().finditer(plain) if (only := _only_number(answer["written"]))]
    if has_one(_CHOICE_WORDS, said) and _LETTER.search(plain):
        found += [f"({chosen['chosen'] or chosen['right']})" for chosen in _CHOSEN().finditer(plain)]
    found += [normalised(box.content) for box in boxes(text)[-MOST:] if box.content]
    return list(dict.fromkeys(value for value in found if 0 < len(value) <= LONGEST))[-MOST:]


def normalised(value: str) -> str:
    """A result as it is compared: a number (see `conclusions`), "(B)" for an option, else the text without white space
    and case."""
    value = _rewritten(value).strip()
    if option := _OPTION.fullmatch(value):
        return f"({option[1]})"
    return _number(value) or "".join(value.split()).strip(".").casefold()


def _rewritten(text: str) -> str:
    """`text` with LaTeX and signs of the same meaning in one spelling."""
    if _TO_REWRITE().search(text):
        for pattern, replacement in _LATEX:
            text = pattern().sub(replacement, text)
    return text


def _from_statements(plain: str) -> Iterator[str]:
    begin = 0
    for clause_end in [*_CLAUSE_END().finditer(plain), None]:
        end, following = clause_end.span() if clause_end else (len(plain), len(plain))
        clause = plain[begin:end]
        if "=" in clause or (_DIGIT.search(clause) and has_one(_RESULT_WORDS, folded(clause))):
            yield from _from_clause(plain, begin, end, following)
        begin = following


def _from_clause(plain: str, begin: int, end: int, following: int) -> Iterator[str]:
    supposed = False
    for conjunction in [*_CONJUNCTION().finditer(plain, begin, following), None]:
        until = conjunction.start() if conjunction else end
        if until > begin and not supposed and (conclusion := _from_statement(plain[begin:until])):
            yield conclusion
        if conjunction:
            supposed = conjunction[0].lower() in _SUPPOSITIONS
            begin = conjunction.end()


def _from_statement(statement: str) -> str:
    """The conclusion of one statement: the end of its chain of equations, or a result said in words."""
    if "=" not in statement:
        statement = statement[-SENTENCE_READ:]
        said = _STATED().search(statement)
        return _number(statement[said.end() :]) if said else ""
    head, result = statement[: statement.index("=")], statement[statement.rindex("=") + 1 :]
    value = _number(result)
    near = max(len(head) - LONGEST, 0)
    variable = _VARIABLE().search(head, near)
    if variable and (not (before := head[: variable.start()].rstrip()) or before[-1] not in "+-*/^=<>≠0123456789"):
        return f"{variable['name']}={value or _expression(result)}" if value or _expression(result) else ""
    return "" if _UNKNOWN().search(head, near) else value


def _only_number(written: str) -> str:
    """The number in an answer's sentence; "" where there is none or more than one."""
    numerals = [numeral.start() for numeral in _NUMERAL().finditer(written)]
    return _number(written[numerals[0] :]) if len(numerals) == 1 else ""


def _number(text: str) -> str:
    """The number `text` begins with, normalised; "" where it begins with none, or with the first of an expression."""
    found = _VALUE().match(text)
    if found is None or _GOES_ON().match(text, found.end()):
        return ""
    whole, _, fraction = found["number"].replace(",", "").partition(".")
    fraction = fraction.rstrip("0")
    number = (whole.lstrip("0") or "0") + (f".{fraction}" if fraction else "")
    sign = "-" if (found["minus"] or found["inner"]) and number != "0" else ""
    return sign + number + (f"/{found['below']}" if found["below"] else "") + ("%" if found["percent"] else "")


def _expression(result: str) -> str:
    """A short symbolic result such as "2y+1"; "" for prose."""
    result = result.strip(" .$")
    if not result or len(result) > LONGEST // 2 or not _SYMBOLS().fullmatch(result):
        return ""
    return "".join(result.split())


def similarity(a: str, b: str) -> float:
    """How alike two texts are, 0..1, case and white space aside (rapidfuzz's normalised indel similarity)."""
    from rapidfuzz import fuzz

    return float(fuzz.ratio(_comparable(a), _comparable(b))) / 100.0


def same_text(a: str, b: str, threshold: float = SAME_FROM) -> bool:
    """Whether two steps say the same in nearly the same words.

    Steps that differ in a number, a single letter ("option A", "x"), an operator, a number word or a negation are not
    the same, however alike they are: going on with other numbers is progress.

    Args:
        threshold: Similarity from which on, 0..1.
    """
    one, other = _comparable(a), _comparable(b)
    if not one or not other:
        return one == other
    if 2 * min(len(one), len(other)) < threshold * (len(one) + len(other)):
        return False  # as alike as they could be; most pairs end here
    return (one == other or similarity(a, b) >= threshold) and _guarded(a) == _guarded(b)


@lru_cache(maxsize=512)  # a step is compared with each of the next ones
def _comparable(text: str) -> str:
    return " ".join(text[:COMPARED].split()).casefold()


def _guarded(text: str) -> list[str]:
    return [sign.rstrip(".,").replace(",", "") for sign in _GUARDED().findall(text[:COMPARED])]
