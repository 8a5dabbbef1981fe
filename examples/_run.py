"""What every example here does with its pair: check it (--dry-run), or solve one problem and show who wrote what."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from trigreason_graph import TrigReasonError, check_models, create_trigreason_graph

QUESTION = "A bakery bakes 7 trays of 12 rolls and sells 65. The rest is packed in bags of 4. How many full bags?"


def options_of(description: str, question: str = QUESTION) -> argparse.Namespace:
    """What every example takes: `--dry-run`, and a question."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--dry-run", action="store_true", help="check names, keys and servers; nothing is paid")
    parser.add_argument("question", nargs="?", default=question)
    return parser.parse_args()


def ready(options: argparse.Namespace, *models: Any) -> None:
    """With --dry-run: say of each model whether it is ready, and leave."""
    if not options.dry_run:
        return
    found = check_models(*models)
    for readiness in found:
        print(f"{readiness.model}: {readiness.state}: {readiness.detail}")
    sys.exit(0 if all(found) else 1)


def run(description: str, *models: Any, **arguments: Any) -> None:
    """Solve a problem with `models` (small, large and, if there is a third, the fallback).

    Args:
        description: Shown by --help.
        models: As `create_trigreason_graph` takes them.
        arguments: Its further arguments.
    """
    options = options_of(description)
    names = dict(zip(("small", "large", "fallback"), models, strict=False))
    try:
        builder = create_trigreason_graph(**names, **arguments)
        ready(options, *models)
        result = builder.compile().invoke({"question": options.question})
    except (TrigReasonError, ValueError) as error:
        sys.exit(str(error))
    for step in result["trace"]:
        print(f"[{step['author']}] {step['text']}")
    report = result["report"]
    print(f"\nAnswer: {result['answer']} ({report['outcome']['kind']})")
    print(f"Tokens by author: {report['tokens']}, called for: {report['interventions']}, cost: {report['cost']}")
    for note in report["notes"]:
        print(f"Note: {note}")
