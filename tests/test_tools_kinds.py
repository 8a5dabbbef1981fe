"""Every kind of tool that LangChain knows, and what is refused when the graph is built."""

from __future__ import annotations

import sys
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from langchain_core.tools import BaseTool, StructuredTool, tool
from langgraph.prebuilt import ToolRuntime
from pydantic import BaseModel, Field

from tests.graphs import large, policy, small
from tests.test_tools_graph import END_STEP, QUESTION, add, built, call, told
from trigreason_graph import create_trigreason_graph
from trigreason_graph.nodes.toolbox import make_toolbox
from trigreason_graph.reasoning.prompts import DEFAULT_PROMPTS, with_tools
from trigreason_graph.reasoning.tool_descriptions import DESCRIPTION_LIMIT, described


class Doubling(BaseTool):
    name: str = "double"
    description: str = "Doubles a number."

    def _run(self, n: int) -> str:
        return str(2 * n)


class Sum(BaseModel):
    """Adds numbers."""

    a: int = Field(description="The first.")
    b: int = 1


async def async_add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


KINDS: dict[str, tuple[Any, str, str]] = {
    "function": (add, call("add", a=3, b=4), "> add: 7"),
    "async function": (async_add, call("async_add", a=3, b=4), "> async_add: 7"),
    "@tool": (tool("plus")(add), call("plus", a=3, b=4), "> plus: 7"),
    "BaseTool": (Doubling(), call("double", n=4), "> double: 8"),
    "StructuredTool": (
        StructuredTool.from_function(lambda a, b: a + b, name="sum", description="Adds.", args_schema=Sum),
        call("sum", a=3),
        "> sum: 4",
    ),
    "async only": (
        StructuredTool.from_function(coroutine=async_add, name="late", description="Adds."),
        call("late", a=3, b=4),
        "> late: 7",
    ),
    "described by a dict": (
        StructuredTool(
            name="raw",
            description="Adds.",
            args_schema={"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
            func=lambda a: a + 1,
        ),
        call("raw", a=3),
        "> raw: 4",
    ),
    "content and artifact": (
        StructuredTool.from_function(
            lambda n: (f"{n} found", {"rows": [object()] * n}),
            name="rows",
            description="Finds.",
            response_format="content_and_artifact",
            args_schema={"type": "object", "properties": {"n": {"type": "integer"}}},
        ),
        call("rows", n=2),
        "> rows: 2 found",
    ),
    "dict result": (
        tool("facts", description="Facts.")(lambda: {"a": [1, "ü"]}),
        call("facts"),
        '> facts: {"a": [1, "ü"]}',
    ),
    "blocks": (
        tool("see", description="Sees.")(
            lambda: [{"type": "text", "text": "a cat"}, {"type": "image", "url": "http://localhost/cat.png"}]
        ),
        call("see"),
        "> see:\n> a cat\n> (left out, being no text: image)",
    ),
}


@pytest.mark.parametrize("kind", KINDS)
async def test_a_tool_of_each_kind_runs(kind: str) -> None:
    given, written, said = KINDS[kind]
    assert told(await built(small(written, END_STEP), given).ainvoke(QUESTION)) == [said]


@pytest.mark.parametrize("kind", ["async only", "async function", "@tool"])
def test_a_tool_of_each_kind_runs_for_sync_callers(kind: str) -> None:
    given, written, said = KINDS[kind]
    assert told(built(small(written, END_STEP), given).invoke(QUESTION)) == [said]


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ([add, tool("add", description="Other.")(lambda a: a)], "two tools have the name 'add'"),
        ([lambda x: x], "<lambda>"),
        ([tool("f", description="  ")(lambda x: x)], "'f' has no description"),
        ([tool("a b", description="x")(lambda x: x)], "the name 'a b' must be"),
        ([Doubling], "'Doubling' is no tool"),
        ([{"type": "function", "function": {"name": "f"}}], "'dict' is no tool"),
        (["search"], "'str' is no tool"),
        (add, "a list of tools is needed"),
        ("search", "a list of tools is needed"),
    ],
)
def test_what_cannot_be_used_is_an_error_when_the_graph_is_built(given: Any, why: str) -> None:
    with pytest.raises(ValueError, match=f"tools=: .*{why}"):
        create_trigreason_graph(small=small(), large=large(), policy=policy(), tools=given)


def undescribed(x: int) -> int:
    return x


def test_a_function_without_a_docstring_is_named() -> None:
    with pytest.raises(ValueError, match="the function 'undescribed' cannot be made a tool"):
        make_toolbox([undescribed])


def test_annotations_that_cannot_be_read_are_named() -> None:
    def f(x: Unknown) -> int:  # type: ignore[name-defined]  # noqa: F821
        """Does f."""
        return 1

    with pytest.raises(ValueError, match=r"the function 'f' cannot be made a tool: .*Unknown"):
        make_toolbox([f])


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Place(BaseModel):
    x: int
    tags: list[str] = []


def test_tools_are_told_in_words() -> None:
    @tool(parse_docstring=True)
    def paint(
        where: Place, colour: Colour, mode: Literal["fast", "slow"], runtime: ToolRuntime, times: int | None = None
    ) -> str:
        """Paints
        a place.

        Args:
            where: The place.
            colour: One of the
                colours.
            mode: How.
            runtime: Not told.
            times: How often.
        """
        return ""

    toolbox = make_toolbox([paint])
    assert toolbox is not None
    first, *rest = toolbox.described.split("\n")
    assert first.startswith('- paint(where: {x: integer, tags: list of string}, colour: "red" | "blue", mode: ')
    assert "times?: integer | null" in first
    assert first.endswith(": Paints a place.")
    assert "runtime" not in toolbox.described
    assert rest[0] == "  where: The place."


def test_descriptions_are_short_and_odd_schemas_are_told_too() -> None:
    assert len(described("f", "x" * 5_000, {})) < DESCRIPTION_LIMIT + 10
    odd = {"properties": {"a": True, "b": {}, "c": {"type": ["string", "null"]}, "d": {"$ref": "#/$defs/None"}}}
    assert described("f", "F.", odd) == "- f(a?: any, b?: any, c?: string | null, d?: any): F."
    loop = {
        "properties": {"a": {"$ref": "#/$defs/A"}},
        "$defs": {"A": {"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}}},
    }
    assert described("f", "F.", loop).startswith("- f(a?: ")


def test_braces_in_a_description_stay() -> None:
    assert "{x} {{y}}" in with_tools(DEFAULT_PROMPTS, "- f(): {x} {{y}}").solve


def test_without_tools_every_text_is_the_same() -> None:
    assert with_tools(DEFAULT_PROMPTS, "") is DEFAULT_PROMPTS
    assert make_toolbox([]) is None
    bare = create_trigreason_graph(small=small(), large=large(), policy=policy())
    assert set(bare.nodes) == {
        *("prepare", "strategist", "step_generator", "trigger_router", "large_offload", "checkpoint_rollback"),
        "answer",
    }


class TestMcp:
    """Tools of a real MCP server in a process of its own: async only, described by dicts, with artifacts."""

    @pytest.fixture
    async def tools(self) -> list[BaseTool]:
        from langchain_mcp_adapters.client import MultiServerMCPClient

        connection: Any = {
            "command": sys.executable,
            "args": [str(Path(__file__).parent / "mcp_server.py")],
            "transport": "stdio",
        }
        return await MultiServerMCPClient({"shop": connection}).get_tools()

    async def test_they_run_and_their_errors_are_results(self, tools: list[BaseTool]) -> None:
        model = small(
            call("price_of", item="lamp"),
            call("price_of", item="boat"),
            call("stock", item="lamp", warehouses=["A"]),
            call("price_of", thing="lamp"),
            END_STEP,
        )
        result = await built(model, *tools).ainvoke(QUESTION, {"recursion_limit": 60})
        said = told(result)
        assert said[0] == "> price_of: 23"
        assert "> price_of failed: " in said[1]
        assert "there is no boat in the list" in said[1]
        assert '"A": 4' in said[2]
        assert said[3].startswith("> price_of failed:")
        assert result["report"]["tool_failures"] == 2
        assert "- price_of(item: string): Looks up the price" in model.prompts[0][0].content

    def test_they_run_for_sync_callers(self, tools: list[BaseTool]) -> None:
        assert told(built(small(call("price_of", item="chair"), END_STEP), *tools).invoke(QUESTION)) == [
            "> price_of: 45"
        ]


def test_an_annotated_description_is_told() -> None:
    def f(a: Annotated[int, "The number."]) -> int:
        """Does f."""
        return a

    toolbox = make_toolbox([f])
    assert toolbox is not None
    assert "  a: The number." in toolbox.described
