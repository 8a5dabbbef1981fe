"""An agent on a small model; the large one writes the turns in which the small one is stuck or unsure.

Needs: ollama pull qwen3:0.6b, and OPENAI_API_KEY.
"""

from __future__ import annotations

from typing import Any

from _run import options_of, ready
from langchain.agents import create_agent
from langchain_core.tools import tool

from trigreason_graph import TrigReasonError, TrigReasonMiddleware

SMALL, LARGE = "ollama:qwen3:0.6b", "openai:gpt-4.1"
STOCK = {"rolls": 19, "trays": 7}


@tool
def count(item: str) -> str:
    """Count what is in stock of an item; the items are "rolls" and "trays"."""
    return str(STOCK[item]) if item in STOCK else f"Error: there is no item {item!r}"


def main(small: Any = SMALL, large: Any = LARGE) -> None:
    """Run the agent once; say of each turn who wrote it and why, and at the end what it cost."""
    options = options_of(__doc__)
    ready(options, small, large)
    routed = TrigReasonMiddleware(small, large)
    agent: Any = create_agent(routed.small, [count], middleware=[routed])
    for event in agent.stream({"messages": [("user", options.question)]}, stream_mode="custom"):
        if event["type"] == "signal" and event["served"]:
            print(f"  {event['reason']}")
        elif event["type"] == "step":
            print(f"[{event['author']}] {event['text']}")
        elif event["type"] == "outcome":
            report = event["report"]
            print(f"Turns: {report['steps']}, called for: {report['interventions']}, cost: {report['cost']}")


if __name__ == "__main__":
    try:
        main()
    except (TrigReasonError, ValueError) as error:
        raise SystemExit(str(error)) from None
