"""The pair as two nodes of a parent graph: one shares its messages, one is called by a function for another state.

Needs: ollama pull qwen3:0.6b, and OPENAI_API_KEY.
"""

from __future__ import annotations

from typing import Any

from _run import options_of, ready
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.config import get_stream_writer
from langgraph.graph import END, START, MessagesState, StateGraph

from trigreason_graph import TrigReasonError, create_trigreason_graph

SMALL, LARGE = "ollama:qwen3:0.6b", "openai:gpt-4.1"


class Desk(MessagesState, total=False):
    """The parent's state."""

    checked: str


def main(small: Any = SMALL, large: Any = LARGE) -> None:
    """Solve a problem, have the answer checked, and show the steps of both runs while they are written."""
    options = options_of(__doc__)
    ready(options, small, large)
    builder = create_trigreason_graph(small=small, large=large)
    reasoning = builder.compile()

    def check(state: Desk) -> dict[str, Any]:
        question, answer = state["messages"][0].text, state["messages"][-1].text
        asked = {"question": f"{question}\n\nSomebody says that it is {answer}. Is that right?"}
        write, result = get_stream_writer(), {}
        for mode, data in reasoning.stream(asked, stream_mode=["custom", "values"]):
            if mode == "custom":
                write(data)  # passed on, so that nobody has to ask for subgraphs
            else:
                result = data
        return {"checked": result["answer"]}

    parent: Any = StateGraph(Desk).add_node("solve", builder.compile()).add_node("check", check)
    parent.add_edge(START, "solve").add_edge("solve", "check").add_edge("check", END)
    graph = parent.compile(checkpointer=InMemorySaver())
    arguments = {"config": {"configurable": {"thread_id": "1"}}, "context": {"trigreason": {"max_rollbacks": 1}}}
    given = {"messages": [("user", options.question)]}
    state: Any = {}
    for namespace, mode, data in graph.stream(given, stream_mode=["custom", "values"], subgraphs=True, **arguments):
        node = namespace[0].split(":")[0] if namespace else "desk"
        if mode == "values" and not namespace:
            state = data
        elif mode == "custom" and data["type"] == "step":
            print(f"{node} [{data['author']}] {data['text']}")
    print(f"\nAnswer: {state['messages'][-1].text}\nChecked: {state['checked']}")


if __name__ == "__main__":
    try:
        main()
    except (TrigReasonError, ValueError) as error:
        raise SystemExit(str(error)) from None
