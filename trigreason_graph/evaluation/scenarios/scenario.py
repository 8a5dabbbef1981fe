"""Where the two models run in a scenario, what that costs, and how long it takes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from trigreason_graph.state import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where one model runs: its prices, its speed, its prompt cache.

    Attributes:
        input, output: Dollars per million tokens.
        cached: Dollars per million input tokens that come from the prompt cache; None: the price of input.
        rtt_seconds: What every call takes besides reading and writing: the network, the queue, the first token.
        prefill_tokens_per_second: How fast input that is not cached is read.
        decode_tokens_per_second: How fast output is written, hidden reasoning included.
        reads_prefix_cached: Whether the server keeps prompts, and reads only what is new behind a known beginning.
        cache_seconds: How long it keeps them after a call has ended; None: as long as a run takes.
        cache_minimum: Tokens of the shortest beginning that is taken from the cache.
        cache_block: Beginnings are taken in whole blocks of so many tokens.

    Raises:
        ValueError: A number out of range; the text names the field.
    """

    input: float
    output: float
    rtt_seconds: float
    prefill_tokens_per_second: float
    decode_tokens_per_second: float
    cached: float | None = None
    reads_prefix_cached: bool = True
    cache_seconds: float | None = None
    cache_minimum: int = 0
    cache_block: int = 1

    def __post_init__(self) -> None:
        if not isinstance(self.reads_prefix_cached, bool):
            raise ValueError(f"reads_prefix_cached must be true or false, not {self.reads_prefix_cached!r}")
        for name in ("input", "output", "rtt_seconds", "cached", "cache_seconds"):
            _check(name, getattr(self, name), at_least=0.0, optional=name in ("cached", "cache_seconds"))
        for name in ("prefill_tokens_per_second", "decode_tokens_per_second"):
            _check(name, getattr(self, name), above=0.0)
        for name, least in (("cache_minimum", 0), ("cache_block", 1)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise ValueError(f"{name} must be a whole number of tokens, {least} or more, not {value!r}")

    def dollars(self, uncached: int, cached: int, output: int) -> float:
        """What a call costs, by its tokens."""
        per_cached = self.input if self.cached is None else self.cached
        return (uncached * self.input + cached * per_cached + output * self.output) / 1e6

    def seconds(self, uncached: int, output: int) -> float:
        """How long a call takes, by its tokens: RTT + prefill of what is not cached + decoding."""
        read, written = uncached / self.prefill_tokens_per_second, output / self.decode_tokens_per_second
        return self.rtt_seconds + read + written


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Prices and latencies of both roles.

    Attributes:
        name: Shown beside every figure that depends on it.
        small, large: Where the two models run.
        about: One sentence for people.
        sources: Where the numbers come from, in words, by what they are about.
    """

    name: str
    small: Place
    large: Place
    about: str = ""
    sources: Mapping[str, str] = field(default_factory=dict)

    def place(self, role: Role) -> Place:
        """Where the model of a role runs."""
        return self.small if role == "small" else self.large


def _check(
    name: str, value: object, *, at_least: float = -math.inf, above: float = -math.inf, optional: bool = False
) -> None:
    if optional and value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{name} must be a number, not {value!r}")
    if value < at_least or value <= above:
        wanted = f"{at_least:g} or more" if at_least > -math.inf else f"above {above:g}"
        raise ValueError(f"{name} must be {wanted}, not {value!r}")
