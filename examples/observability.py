"""Prints the trace of one run as a tree: what LangSmith and Langfuse show, without either.

Needs: ollama pull qwen3:0.6b, and OPENAI_API_KEY.
"""

from __future__ import annotations

from typing import Any

from _run import options_of, ready
from langchain_core.tracers.run_collector import RunCollectorCallbackHandler

from trigreason_graph import TrigReasonError, create_trigreason_graph

SMALL, LARGE = "ollama:qwen3:0.6b", "openai:gpt-4.1"


def show(run: Any, depth: int = 0) -> None:
    """One line for each node, and one for each model call with what it is for and what it took."""
    line = f"{'  ' * depth}{run.name}"
    if run.run_type == "llm":
        ours = {key: value for key, value in run.extra["metadata"].items() if key.startswith("trigreason_")}
        told = ", ".join(f"{key.removeprefix('trigreason_')}={value}" for key, value in ours.items())
        message = {} if run.error else run.outputs["generations"][0][0]["message"]["kwargs"]
        usage = message.get("usage_metadata") or {"input_tokens": 0, "output_tokens": 0}
        ended = run.error or message["response_metadata"]["finish_reason"]
        line += f" ({told}): {usage['input_tokens']} tokens in, {usage['output_tokens']} out, {ended}"
    print(line)
    for child in run.child_runs:
        show(child, depth + 1)


def main(small: Any = SMALL, large: Any = LARGE) -> None:
    """Solve one problem, then show its trace."""
    options = options_of(__doc__)
    ready(options, small, large)
    collector = RunCollectorCallbackHandler()
    graph = create_trigreason_graph(small=small, large=large).compile()
    result = graph.invoke({"question": options.question}, {"callbacks": [collector], "tags": ["example"]})
    show(collector.traced_runs[0])
    print(f"\nAnswer: {result['answer']}")


if __name__ == "__main__":
    try:
        main()
    except (TrigReasonError, ValueError) as error:
        raise SystemExit(str(error)) from None
