"""A person decides about each paid call: approve it, deny it, or add an instruction to it.

Needs: ollama pull qwen3:0.6b, and OPENAI_API_KEY.
"""

from __future__ import annotations

from typing import Any

from _run import options_of, ready
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from trigreason_graph import Settings, TrigReasonError, create_trigreason_graph

SMALL, LARGE = "ollama:qwen3:0.6b", "openai:gpt-4.1"


def asked(call: dict[str, Any]) -> dict[str, str] | str:
    """What the person at the terminal says to a call."""
    print(f"{call['summary']}\n  why: {call['reason']}\n  asks: {call['instruction']}")
    said = input("approve, deny, or what to tell it besides: ").strip()
    return said if said in ("approve", "deny") else {"decision": "edit", "instruction": said}


def main(small: Any = SMALL, large: Any = LARGE) -> None:
    """Solve a problem; stop before each paid call."""
    options = options_of(__doc__)
    ready(options, small, large)
    builder = create_trigreason_graph(small=small, large=large, settings=Settings(large="ask"))
    graph = builder.compile(checkpointer=InMemorySaver())  # an approval needs somewhere to wait
    config: Any = {"configurable": {"thread_id": "1"}}
    result = graph.invoke({"question": options.question}, config)
    while waiting := result.get("__interrupt__"):
        result = graph.invoke(Command(resume=asked(waiting[0].value)), config)
    print(f"\nAnswer: {result['answer']}, told by you: {result['report'].get('instructions', [])}")


if __name__ == "__main__":
    try:
        main()
    except (TrigReasonError, ValueError) as error:
        raise SystemExit(str(error)) from None
