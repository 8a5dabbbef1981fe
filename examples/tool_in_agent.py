"""An agent that hands hard problems to a pair of models: its own model decides when, and sees the answer alone.

Needs: ollama pull qwen3:0.6b, and OPENAI_API_KEY.
"""

from __future__ import annotations

from typing import Any

from _run import options_of, ready
from langchain.agents import create_agent

from trigreason_graph import TrigReasonError, as_tool, create_trigreason_graph

SMALL, LARGE, AGENT = "ollama:qwen3:0.6b", "openai:gpt-4.1", "openai:gpt-4.1-mini"


def main(small: Any = SMALL, large: Any = LARGE, model: Any = AGENT) -> None:
    """Run the agent once; show the steps of the reasoning while they are written."""
    options = options_of(__doc__)
    ready(options, small, large, model)
    reason = as_tool(create_trigreason_graph(small=small, large=large))
    agent: Any = create_agent(model, [reason])
    state: Any = {}
    given = {"messages": [("user", options.question)]}
    for mode, data in agent.stream(given, stream_mode=["custom", "values"]):
        if mode == "values":
            state = data
        elif data["type"] == "step":
            print(f"  [{data['author']}] {data['text']}")
    for message in state["messages"]:
        print(f"{message.type}: {message.text or message.tool_calls}")
        if message.type == "tool" and message.artifact:
            print(f"  cost: {message.artifact['cost']}, called for: {message.artifact['interventions']}")


if __name__ == "__main__":
    try:
        main()
    except (TrigReasonError, ValueError) as error:
        raise SystemExit(str(error)) from None
