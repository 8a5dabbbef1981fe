"""What a tool said, as it stands in a trace: quoted, so that no line of it can be taken for anything but a quotation.

Every line begins with ">". What reads answers, conclusions and hesitation passes quoted lines over anyway, and steps of
tools altogether; the quotation is for the models. Tags and the control tokens of chat templates are taken apart, since
a server reads them in the text of a message too.
"""

from __future__ import annotations

import re

from trigreason_graph.reasoning.text import clean

RESULT_LIMIT = 2_000
"""Characters of a tool's output that enter the trace; the rest is left out, which is said. Ours: as long as the longest
step. A tool that finds more should be asked for less."""

_TAG = re.compile(r"<(?=[^\s\d=<>-])")
_BRACKET = re.compile(r"\[(?=/?[A-Z_]{3,}\])")


def quoted(name: str, output: str) -> str:
    """The text of a tool's step.

    Args:
        name: The tool's name.
        output: What it said, or why it failed.

    Returns:
        "> name: output", or the name on a line of its own before several lines. Never empty, and no line of it ends in
        a space or tab.
    """
    kept = clean(output).strip()
    left_out = len(kept) - RESULT_LIMIT
    lines = disarmed(kept[:RESULT_LIMIT]).splitlines() or ["(nothing)"]
    if left_out > 0:
        lines.append(f"(cut off: {left_out} further characters)")
    said = disarmed(clean(name)).split()
    head = " ".join(said) or "tool"
    whole = [f"{head}: {lines[0]}"] if len(lines) == 1 else [f"{head}:", *lines]
    return "\n".join(f"> {line}".rstrip() for line in whole)


def disarmed(text: str) -> str:
    """Text in which nothing is a tag or a control token: "< tool>", "< |im_end|>", "[ INST]"."""
    return _BRACKET.sub("[ ", _TAG.sub("< ", text))
