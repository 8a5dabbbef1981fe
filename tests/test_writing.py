"""Each step gets the tokens it was written with."""

from __future__ import annotations

from trigreason_graph.models.pieces import Piece, Token
from trigreason_graph.nodes.writing import StepWriter
from trigreason_graph.state import Step


def written(*pieces: Piece) -> list[Step]:
    writer = StepWriter("blank_line", "", "small", "m", 0, 0)
    steps = [step for piece in pieces for step in writer.feed(piece)]
    return [*steps, *writer.finish()]


def token(size: int, nats: int, *top: float) -> Token:
    return Token(size, nats, top)


def test_a_chunk_may_hold_the_tokens_of_several_steps() -> None:
    text = "One is 3.\n\nTwo is 4."
    sizes = [4, 3, 4, 4, 3, 2]
    tokens = tuple(token(size, number) for number, size in enumerate(sizes))
    first, second = written(Piece(text, tokens))
    assert (first["nats"], second["nats"]) == ([0, 1, 2], [3, 4, 5])
    assert (first["tokens"], second["tokens"]) == (3, 3)


def test_the_entropy_is_that_of_the_first_token_of_each() -> None:
    sure, unsure = (-0.0001, -9.0), (-0.7, -0.7)
    first, second = written(
        Piece("One.", (token(3, 1, *sure), token(1, 1, *unsure))),
        Piece("\n\n", (token(2, 1, *unsure),)),
        Piece("Two.", (token(3, 1, *unsure), token(1, 1, *sure))),
    )
    assert first["entropy"] is not None
    assert second["entropy"] is not None
    assert first["entropy"] < 0.01 < 0.6 < second["entropy"]


def test_tokens_longer_than_their_text_keep_to_it() -> None:
    """OpenAI tells of a character that is two tokens as two texts of twelve letters, such as "bytes:\\xf0\\x9d"."""
    first, second = written(
        Piece("x", (token(12, 1), token(12, 2))),
        Piece(" is 3.\n\n", (token(6, 3), token(2, 4))),
        Piece("So", (token(2, 5),)),
        Piece(" done.", (token(6, 6),)),
    )
    assert first["nats"] == [1, 2, 3, 4]
    assert second["nats"] == [5, 6]
