"""A turn as a generator, which sync and async agents share word for word: it yields requests and gets the replies."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from functools import partial
from typing import Any, cast

from langchain.agents.middleware.types import ExtendedModelResponse, ModelRequest, ModelResponse
from langgraph.errors import GraphBubbleUp

Request = ModelRequest[Any]
Response = ModelResponse[Any]
Extended = ExtendedModelResponse[Any]
Moves = Generator[Request, Response, Extended]


def drive(moves: Moves, handler: Callable[[Request], Response]) -> Extended:
    """Run a turn with a sync handler.

    Args:
        moves: The turn, not begun.
        handler: Of ``wrap_model_call``. What it raises is raised where the turn asked; LangGraph's control flow passes.
    """
    forward: Callable[[], Request] = partial(next, moves)
    while True:
        try:
            request = forward()
        except StopIteration as done:
            return cast("Extended", done.value)
        try:
            forward = partial(moves.send, handler(request))
        except GraphBubbleUp:
            moves.close()
            raise
        except Exception as fault:
            forward = partial(moves.throw, fault)


async def adrive(moves: Moves, handler: Callable[[Request], Awaitable[Response]]) -> Extended:
    """As `drive`, with an async handler."""
    forward: Callable[[], Request] = partial(next, moves)
    while True:
        try:
            request = forward()
        except StopIteration as done:
            return cast("Extended", done.value)
        try:
            forward = partial(moves.send, await handler(request))
        except GraphBubbleUp:
            moves.close()
            raise
        except Exception as fault:
            forward = partial(moves.throw, fault)
