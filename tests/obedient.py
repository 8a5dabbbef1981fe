"""A scripted pair that does as it is told: reasons in three steps, and calls the tools it is given as asked."""

from __future__ import annotations

import re
from typing import Any

from langchain_core.messages import BaseMessage

from tests.graphs import LOCAL_SMALL, PAID_LARGE, STEPS
from trigreason_graph.testing import Scripted, ScriptedModel

PLAN = "Goal: what is asked\nKey steps: 1. do it"


class Obedient(ScriptedModel):
    """Calls one of the tools it is shown, with arguments out of the user's words; without tools it is the SRM's or
    the LRM's script."""

    script: Any = (STEPS,)
    loop: bool = True

    def _take(self, messages: list[BaseMessage], arguments: dict[str, Any]) -> Scripted:
        reply = super()._take(messages, arguments)
        tools = [tool["function"] for tool in arguments.get("tools") or ()]
        if not tools:
            return reply
        asked, choice = messages[-1].text, arguments.get("tool_choice")
        if choice is None and "What has happened since:" in asked:
            return Scripted("It is done.")
        tool = next((tool for tool in tools if tool["name"] == choice), tools[0])
        return Scripted(tool_calls=[{"name": tool["name"], "args": filled(tool["parameters"], asked)}])


def filled(schema: dict[str, Any], asked: str) -> dict[str, Any]:
    """Arguments of the wanted types: the first number of the question, the first quoted or the first words of it."""
    question = asked.removeprefix("Problem:\n").splitlines()[0]
    number = re.search(r"-?\d+", question)
    quoted = re.search(r"'([^']+)'", question)
    values = {
        "integer": int(number[0]) if number else 3,
        "string": quoted[1] if quoted else " ".join(re.findall(r"\w+", question)[:3]),
    }
    return {
        name: values[field.get("type", "string")]
        for name, field in schema.get("properties", {}).items()
        if field.get("type", "string") in values
    }


def obedient_pair(*, small_calls: bool = False) -> dict[str, Any]:
    """The two models, by argument name; `small_calls`: the small one is known to call tools."""
    from dataclasses import replace

    return {
        "small": Obedient(trigreason_card=replace(LOCAL_SMALL, tool_calling=small_calls)),
        "large": Obedient(script=(PLAN,), trigreason_card=PAID_LARGE),
    }
