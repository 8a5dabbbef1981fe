"""The keyword arguments of one call of the chat model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from trigreason_graph.integrations.reply import Wanted

OF_TOOLS = frozenset({"strict", "parallel_tool_calls"})
"""What may stand beside `tools`, and goes on to ``bind_tools`` of the model that makes the answer call."""
OWN = frozenset({"model", "temperature", "max_tokens", "tools", "tool_choice"})
IGNORED = frozenset({"stream"})
"""LangChain's own."""


@dataclass(frozen=True)
class Asked:
    """What a call asks beyond its messages.

    Attributes:
        model: Another pair for this call, as a string.
        temperature, max_tokens: As the fields of the model, for this call.
        tools, tool_choice: As bound.
        of_tools: Further arguments of ``bind_tools``.
    """

    model: str | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    tools: tuple[Mapping[str, Any], ...] = ()
    tool_choice: str | dict[str, Any] | bool | None = None
    of_tools: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, arguments: Mapping[str, Any]) -> Asked:
        """Out of a call's keywords.

        Raises:
            TypeError: One that no call of ours takes: it would be lost silently.
        """
        unknown = arguments.keys() - OWN - OF_TOOLS - IGNORED
        if unknown:
            names = ", ".join(sorted(unknown))
            raise TypeError(
                f"ChatTrigReason takes no {names} with a call; it takes {', '.join(sorted(OWN | OF_TOOLS))}"
            )
        return cls(
            **{name: arguments[name] for name in OWN - {"tools"} if name in arguments},
            tools=tuple(arguments.get("tools") or ()),
            of_tools={name: arguments[name] for name in OF_TOOLS if arguments.get(name) is not None},
        )

    def wanted(self, max_tokens: int | None, stop: tuple[str, ...]) -> Wanted | None:
        """What the answer call gets; None where nothing is bound.

        Args:
            max_tokens: Where the call sets none.
            stop: Where the reply's text ends.
        """
        if not self.tools:
            return None
        return Wanted(self.tools, self.tool_choice, self.of_tools, self.max_tokens or max_tokens, stop)
