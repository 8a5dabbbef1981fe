"""Tools inside the reasoning: either model may look something up, or calculate, between two steps.

Runs the embedded pair, the 1.5B in both roles. Needs the extra "embedded", and: trigreason models pull.
"""

from __future__ import annotations

import ast
import operator
from pathlib import Path
from typing import Any

from _run import options_of, ready
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import tool

from trigreason_graph import Budget, Prompts, TrigReasonError, create_trigreason_graph

SMALL, LARGE = "embedded:large", "embedded:large"
FOLDER = Path(__file__).parent / "data" / "shop"
QUESTION = "How much are 37 Zorvik lamps?"
OPERATIONS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}


@tool
def calculator(expression: str) -> str:
    """Works out an arithmetic expression exactly: numbers, + - * / and brackets."""
    return f"{worked_out(ast.parse(expression, mode='eval').body):g}"


def worked_out(node: ast.expr) -> float:
    """The value of an expression; nothing but arithmetic is run."""
    match node:
        case ast.Constant(value=int() | float() as value):
            return value
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in OPERATIONS:
            return OPERATIONS[type(sign)](worked_out(left), worked_out(right))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -worked_out(operand)
    raise ValueError("only numbers, + - * / and brackets")


@tool
def search_files(word: str) -> str:
    """Finds the lines of the shop's files that contain a word."""
    found = [
        f"{path.name}: {line}"
        for path in sorted(FOLDER.glob("*.txt"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if word.casefold() in line.casefold()
    ]
    return "\n".join(found) or f"no line contains {word!r}"


TEXTS = Prompts(version="tools-example", tools="Tools:\n{tools}", solve="Put the final answer within \\boxed{}.")
"""Shorter than the default: the form of a call is shown by the example."""
WORKED_EXAMPLE = [
    HumanMessage("How much are 3 Brixo chairs?"),
    AIMessage(
        "The price is needed.\n\n"
        '<tool>{"name": "search_files", "args": {"word": "Brixo"}}</tool>\n'
        "> search_files: chairs.txt: Brixo chair: 45\n\n"
        "Now 3 times 45.\n\n"
        '<tool>{"name": "calculator", "args": {"expression": "3 * 45"}}</tool>\n'
        "> calculator: 135\n\n"
        "The chairs cost \\boxed{135} dollars."
    ),
]
"""An earlier turn, as a model should do it: the smallest models do what they have seen, not what they are told."""


def main(small: Any = SMALL, large: Any = LARGE) -> dict[str, Any]:
    """Solve one problem; show the steps, the tools' among them."""
    options = options_of(__doc__, QUESTION)
    ready(options, small, large)
    graph = create_trigreason_graph(
        small=small,
        large=large,
        policy="small_only",
        tools=[calculator, search_files],
        prompts=TEXTS,
        budget=Budget(tool_calls=5, total_tokens=1_000, usd=None),
    ).compile()
    result: dict[str, Any] = graph.invoke({"messages": [*WORKED_EXAMPLE, HumanMessage(options.question)]})
    for step in result["trace"]:
        print(f"[{step['author']}] {step['text']}")
    print(f"\nAnswer: {result['answer']}, calls: {result['report']['tool_calls']}")
    return result


if __name__ == "__main__":
    try:
        main()
    except (TrigReasonError, ValueError) as error:
        raise SystemExit(str(error)) from None
