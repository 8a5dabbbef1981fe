"""A pair of models in the place of a chat model: streams the reasoning, then the answer, then calls a tool.

Needs: ollama pull qwen3:0.6b, and OPENAI_API_KEY.
"""

from __future__ import annotations

from typing import Any

from _run import options_of, ready
from langchain_core.tools import tool

from trigreason_graph import ChatTrigReason, TrigReasonError

SMALL, LARGE = "ollama:qwen3:0.6b", "openai:gpt-4.1"


@tool
def pack(bags: int) -> str:
    """Order bags to be packed."""
    return f"{bags} bags are being packed."


def main(small: Any = SMALL, large: Any = LARGE) -> None:
    """Ask once as text, once with a tool bound."""
    options = options_of(__doc__)
    ready(options, small, large)
    model = ChatTrigReason(small=small, large=large)
    for chunk in model.stream(options.question):
        for block in chunk.content_blocks:
            print(block.get("reasoning") or block.get("text") or "", end="", flush=True)
        if chunk.usage_metadata:
            print(f"\n\nTokens: {chunk.usage_metadata}")
    reply = model.bind_tools([pack]).invoke(f"{options.question} Have that many packed.")
    print(f"Calls: {reply.tool_calls}, says: {reply.text}")


if __name__ == "__main__":
    try:
        main()
    except (TrigReasonError, ValueError) as error:
        raise SystemExit(str(error)) from None
