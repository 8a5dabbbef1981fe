"""A saved trace, read back: what ``trigreason solve --json`` writes, a list of steps, or plain text."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, get_args

from trigreason_graph.nodes.reply import with_answer_marked
from trigreason_graph.reasoning.conclusions import conclusions
from trigreason_graph.reasoning.segment import SegmentMode, segment
from trigreason_graph.state import Author, Blueprint, Branch, Step, StepKind
from trigreason_graph.testing.samples import make_step

MAX_BYTES = 200_000_000
"""A larger file is no trace."""
FORMS = (
    'it may hold what "trigreason solve --json" writes, {"question": ..., "trace": [...]}, a JSON list of steps (texts '
    'or objects with "text"), or plain text'
)


@dataclass(frozen=True)
class SavedTrace:
    """What of a run can be judged again.

    Attributes:
        question: Text of the problem; empty when the file has none.
        blueprint: The LRM's strategy, or None.
        steps: The accepted steps.
        discarded: The discarded branches, oldest first.
    """

    question: str
    blueprint: Blueprint | None
    steps: list[Step]
    discarded: list[Branch]


def load_trace(path: str, mode: SegmentMode = "adaptive") -> SavedTrace:
    """Read a saved trace.

    Args:
        path: A file, or "-" for standard input.
        mode: How plain text is cut into steps.

    Raises:
        ValueError: It cannot be read as one; the text names the file and says what it may hold.
    """
    name = "standard input" if path == "-" else path
    try:
        return parse_trace(_text(path), mode)
    except ValueError as fault:
        raise ValueError(f"{name}: {fault}") from None


def parse_trace(text: str, mode: SegmentMode = "adaptive") -> SavedTrace:
    """A saved trace out of the text of its file.

    Raises:
        ValueError: Text that begins like JSON and is none, or JSON that holds no steps.
    """
    if not text.strip():
        raise ValueError(f"it is empty; {FORMS}")
    content = _json(text)
    if isinstance(content, Mapping):
        return _run(content)
    if isinstance(content, list):
        return SavedTrace("", None, _steps(content, "step"), [])
    pieces = segment(text, mode)
    steps = [_step(piece.text, f"step {index}", index - 1) for index, piece in enumerate(pieces, 1)]
    return SavedTrace("", None, with_answer_marked(steps, ""), [])


def _text(path: str) -> str:
    if path == "-":
        return sys.stdin.read()
    try:
        if Path(path).stat().st_size > MAX_BYTES:
            raise ValueError(f"it is larger than {MAX_BYTES // 10**6} MB, which no trace is")
        return Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ValueError("it is no UTF-8 text") from None
    except OSError as fault:
        raise ValueError(f"{fault.strerror or fault}") from None


def _json(text: str) -> Any:
    """Its JSON, or None for text that does not begin like an object or a list of texts or objects."""
    compact = "".join(text.lstrip()[:200].split())
    if not compact.startswith(('{"', '["', "[{", "[]", "{}")):
        return None
    try:
        return json.loads(text)
    except (json.JSONDecodeError, RecursionError) as fault:
        raise ValueError(f"it begins like JSON and is none ({fault}); {FORMS}") from None


def _run(content: Mapping[str, Any]) -> SavedTrace:
    if not isinstance(content.get("trace"), list):
        raise ValueError(f'this JSON object has no list "trace"; {FORMS}')
    question = content.get("question") or ""
    if not isinstance(question, str):
        raise ValueError('"question" must be a text')
    steps = _steps(content["trace"], "step")
    if not any(isinstance(entry, Mapping) for entry in content["trace"]):
        steps = with_answer_marked(steps, question)
    branches = content.get("discarded") or []
    if not isinstance(branches, list):
        raise ValueError('"discarded" must be a list')
    discarded = [_branch(branch, index) for index, branch in enumerate(branches, 1)]
    return SavedTrace(question, _blueprint(content.get("blueprint")), steps, discarded)


def _steps(entries: list[Any], what: str) -> list[Step]:
    return [_step(entry, f"{what} {index}", index - 1) for index, entry in enumerate(entries, 1)]


def _step(entry: Any, name: str, position: int) -> Step:
    """A step out of a text, or out of an object with at least "text"; conclusions are found where it has none."""
    if isinstance(entry, str):
        return make_step(entry, model="", id=position, conclusions=conclusions(entry))
    if not isinstance(entry, Mapping) or not isinstance(entry.get("text"), str):
        raise ValueError(f'{name} is neither a text nor an object with a text "text"')
    known = {field: entry[field] for field in Step.__annotations__ if field in entry}
    author, kind = known.pop("author", "small"), known.get("kind", "reasoning")
    if author not in get_args(Author):
        raise ValueError(f"{name}: author must be one of {', '.join(get_args(Author))}, not {author!r}")
    if kind not in get_args(StepKind):
        raise ValueError(f"{name}: kind must be one of {', '.join(get_args(StepKind))}, not {kind!r}")
    _check_numbers(known, name)
    fields = {"model": "", "id": position, "conclusions": conclusions(entry["text"]), **known}
    return make_step(fields.pop("text"), author, **fields)


def _check_numbers(fields: Mapping[str, Any], name: str) -> None:
    nats = fields.get("nats")
    if nats is not None and not (isinstance(nats, list) and all(isinstance(nat, int) for nat in nats)):
        raise ValueError(f"{name}: nats must be whole numbers (thousandths of a nat), or null")
    found = fields.get("conclusions", [])
    if not isinstance(found, list) or not all(isinstance(conclusion, str) for conclusion in found):
        raise ValueError(f"{name}: conclusions must be a list of texts")
    if not isinstance(fields.get("tokens", 0), int):
        raise ValueError(f"{name}: tokens must be a whole number")


def _branch(entry: Any, number: int) -> Branch:
    name = f"discarded branch {number}"
    if not isinstance(entry, Mapping) or not isinstance(entry.get("steps"), list):
        raise ValueError(f'{name} has no list "steps"')
    at = entry.get("at")
    if isinstance(at, bool) or not isinstance(at, int) or at < 0:
        raise ValueError(f'{name}: "at" must be a position, a whole number from 0')
    return Branch(
        at=at,
        steps=_steps(entry["steps"], f"{name}, step"),
        why=str(entry.get("why") or ""),
        by=str(entry.get("by") or ""),
        mistake=bool(entry.get("mistake")),
    )


def _blueprint(entry: Any) -> Blueprint | None:
    if not isinstance(entry, Mapping):
        return None
    given = {key: entry.get(key) for key in ("key_steps", "pitfalls")}
    lists = {key: [str(line) for line in lines] if isinstance(lines, list) else [] for key, lines in given.items()}
    texts = {key: str(entry.get(key) or "") for key in ("text", "goal")}
    return cast("Blueprint", {**texts, **lists})
