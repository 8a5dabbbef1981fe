"""An MCP server for the tests, over standard input and output: real wire, real process."""

from __future__ import annotations

from mcp.server.fastmcp import FastMCP

server = FastMCP("shop")


@server.tool()
def price_of(item: str) -> str:
    """Looks up the price of an item in dollars."""
    prices = {"lamp": "23", "chair": "45"}
    if item not in prices:
        raise ValueError(f"there is no {item} in the list")
    return prices[item]


@server.tool()
def stock(item: str, warehouses: list[str]) -> dict[str, int]:
    """Counts what is in stock, by warehouse."""
    return {warehouse: len(item) for warehouse in warehouses}


if __name__ == "__main__":
    server.run("stdio")
