"""When does calling a large model step by step pay, if its reasoning is hidden? A calculation, not a measurement.

    python benchmarks/hidden_reasoning.py

Assumptions are the arguments of `Case`; prices are dollars per million tokens. The large model alone thinks once and
writes the whole solution. Step by step it is sent the growing trace (its beginning from the cache), thinks anew, and
writes one step. By `blueprint_handoff` it thinks for the plan, and once more for everything to the end where a trigger
fires.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """Tokens of one problem, and what they cost."""

    name: str
    hidden: int
    """Hidden reasoning for the whole problem."""
    hidden_plan: int
    """Hidden reasoning for a plan."""
    hidden_step: int
    """Hidden reasoning for one step, at low effort."""
    solution: int = 600
    step: int = 40
    problem: int = 200
    dollars_in: float = 1.25
    dollars_cached: float = 0.125
    dollars_out: float = 10.0

    def cost(self, fresh: float, cached: float, out: float) -> float:
        """Dollars."""
        return (fresh * self.dollars_in + cached * self.dollars_cached + out * self.dollars_out) / 1e6

    def alone(self) -> float:
        return self.cost(self.problem, 0, self.hidden + self.solution)

    def by_step(self, calls: int) -> float:
        """The LRM writes `calls` steps, evenly spread over the trace."""
        total = 0.0
        for call in range(calls):
            written = self.solution * (call + 1) / (calls + 1)
            new = self.solution / (calls + 1) + (self.problem if call == 0 else 0)
            total += self.cost(new, self.problem + written - new if call else 0, self.hidden_step + self.step)
        return total

    def handoff(self, share: float) -> float:
        """A plan for each problem, and for `share` of them the rest to the end."""
        plan = self.cost(self.problem, 0, self.hidden_plan + 120)
        rest = self.cost(self.solution / 2, self.problem, self.hidden + self.solution / 2)
        return plan + share * rest

    def break_even(self) -> int:
        """Most steps that the LRM may write before it is cheaper to ask it for all."""
        calls = 0
        while calls < 100 and self.by_step(calls + 1) < self.alone():
            calls += 1
        return calls


CASES = (
    Case("no hidden reasoning", 0, 0, 0),
    Case("short thought for a step", 4_000, 1_500, 300),
    Case("a step takes as long as a plan", 4_000, 1_500, 1_500),
    Case("a plan takes as long as the solution", 4_000, 4_000, 300),
    Case("easy problems", 800, 600, 600),
)


def table() -> str:
    """As Markdown."""
    heads = ("alone", "3 steps", "8 steps", "plan, hand-off of 1 in 4", "steps until it is dearer than alone")
    rows = [f"| large model (hidden tokens: whole / plan / step) | {' | '.join(heads)} |", "|---" * 6 + "|"]
    for case in CASES:
        name = f"{case.name} ({case.hidden} / {case.hidden_plan} / {case.hidden_step})"
        figures = (case.alone(), case.by_step(3), case.by_step(8), case.handoff(0.25))
        rows.append(f"| {name} | {' | '.join(f'${value:.4f}' for value in figures)} | {case.break_even()} |")
    return "\n".join(rows)


if __name__ == "__main__":
    print(table())
