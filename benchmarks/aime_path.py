"""The way of AIME24 through the harness, with scripted traces: thinking models behind Ollama's and SGLang's wire.

    python benchmarks/aime_path.py                    # 30 synthetic items, every policy, a few minutes
    TRIGREASON_AIME24=aime24.jsonl python benchmarks/aime_path.py

It proves that real reasoning models can be measured (30 integer answers, traces between <think> tags, both models over
HTTP, samples with seeds at temperature 0.6 and top_p 0.95), and says nothing about any model: both write what the
script below says. The table is marked "scripted". With TRIGREASON_AIME24 the questions and answers are the real ones;
the traces are the script's all the same.
"""

from __future__ import annotations

import os
import random
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from trigreason_graph import Budget, Policy
from trigreason_graph.evaluation import Evaluation, Problem, ProblemSet, RunResult, Standing, evaluate, read_problems
from trigreason_graph.evaluation.problems import digest
from trigreason_graph.evaluation.report_files import write_report
from trigreason_graph.policies import specreason_policy
from trigreason_graph.testing import Asked, OllamaServer, OpenAIServer, Scripted, ServedModel

REAL = "TRIGREASON_AIME24"
RESULTS = Path(__file__).parent / "results" / "aime_path.md"
MARK = "**Scripted traces.** Both models wrote what benchmarks/aime_path.py says; nothing here was measured on a model."
SMALL, LARGE = "deepseek-r1:1.5b", "Qwen/QwQ-32B"
POLICIES: tuple[str | Policy, ...] = (
    "small_only",
    "large_only",
    "paper",
    "default",
    specreason_policy(9),  # the published threshold for AIME
    "glimprouter",
    "one_way_handoff",
    "random@default",
    "early_only@default",
    "self_consistency(3)",
)
BUDGET = Budget(large_tokens=8_192, total_tokens=8_192, seconds=None, usd=None)
"""The published budget of accepted tokens; ours counts the discarded ones too."""
PARTS = 4
CERTAIN, UNCERTAIN = 0.99, 0.5
"""Probabilities of the script's tokens: perplexity below the paper's tau, and far above it."""


def problems(count: int = 30) -> ProblemSet:
    """The items: synthetic ones of our own, or the real ones where the environment says where they are."""
    if real := os.environ.get(REAL):
        given = read_problems(f"aime24={real}", limit=count)
        return ProblemSet("aime24 (scripted traces)", given.problems, given.sha256, given.private)
    items = tuple(_synthetic(number) for number in range(count))
    return ProblemSet("aime-like (scripted traces)", items, digest(items))


def _synthetic(number: int) -> Problem:
    chance = random.Random(number)
    terms = [chance.randint(100, 9_999) for _ in range(5)]
    listed = ", ".join(map(str, terms))
    question = f"The terms of a finite sequence are {listed}. Find the remainder when their sum is divided by 1000."
    return Problem(f"item-{number}", question, str(sum(terms) % 1000))


_TOTAL = re.compile(r"= (\d+)\.")
Writer = Callable[[Asked], Scripted]


def writer(given: ProblemSet, *, large: bool) -> Writer:
    """A thinking model: it adds up parts of the answer, goes on from whatever total the trace has, and answers.

    The small one miscalculates in every third problem, is overconfident in another third, and has bad luck with every
    third seed; the large one is wrong in every tenth problem.
    """

    def reply(asked: Asked) -> Scripted:
        prompt = "\n".join(turn["content"] for turn in asked.messages)
        index = next(index for index, one in enumerate(given.problems) if one.question in prompt)
        if "one digit" in prompt:  # SpecReason's score: a wrong sum is a bad step
            return Scripted("3" if _miscalculated(prompt) else "9", thinking="It is checked.")
        if "Do not solve" in prompt:
            return Scripted("Goal: the remainder\nKey steps: 1. add up 2. reduce", thinking="A plan.")
        begun = asked.prefill or ""
        steps = list(_steps(index, int(given.problems[index].answer), begun, large, asked.seed or 0))
        probability = CERTAIN if not large and index % 3 == 1 else UNCERTAIN
        thoughts, answer = "\n\n".join(steps[:-1]), steps[-1]
        if asked.prefill is None:
            return Scripted(answer, probability, thinking=thoughts)
        if asked.past_thinking:
            return Scripted(answer, probability)
        return Scripted(f"{thoughts}\n</think>\n\n{answer}", probability)

    return reply


def _steps(index: int, answer: int, begun: str, large: bool, seed: int) -> Iterator[str]:
    parts = _parts(index, answer)
    totals = [int(total) for total in _TOTAL.findall(begun)]
    value = totals[-1] if totals else 0
    for place in range(len(totals), PARTS):
        slip = 10 if place == 2 and ((not large and index % 3 == 0) or (large and index % 10 == 9)) else 0
        slip += 7 if place == 1 and not large and seed % 3 == 2 else 0
        value, before = value + parts[place] + slip, value
        yield f"Adding part {place + 1} of {PARTS}, {before} + {parts[place]} = {value}."
    yield f"The remainder is \\boxed{{{value}}}."


def _parts(index: int, answer: int) -> list[int]:
    chance = random.Random(index)
    cuts = sorted(chance.randint(0, answer) for _ in range(PARTS - 1))
    return [high - low for low, high in zip([0, *cuts], [*cuts, answer], strict=True)]


def _miscalculated(prompt: str) -> bool:
    sums = re.findall(r"(\d+) \+ (\d+) = (\d+)\.", prompt)
    return bool(sums) and int(sums[-1][0]) + int(sums[-1][1]) != int(sums[-1][2])


def servers(given: ProblemSet) -> tuple[OllamaServer, OpenAIServer]:
    """Both models' servers, not started yet."""
    small = ServedModel(writer(given, large=False), thinking=True)
    large = ServedModel(writer(given, large=True), thinking=True, opens=True)
    return OllamaServer({SMALL: small}), OpenAIServer({LARGE: large}, flavour="sglang", reasoning_field=None)


def small_on(server: OllamaServer) -> str:
    """The small model, as a model string."""
    return f"ollama:{SMALL}@{server.url}"


def large_on(server: OpenAIServer) -> str:
    """The large model, as a model string."""
    return f"sglang:{LARGE}@{server.url}/v1"


def measure(
    given: ProblemSet,
    policies: Sequence[str | Policy] = POLICIES,
    *,
    samples: int = 2,
    out: Path | None = None,
    tell: bool = False,
) -> Evaluation:
    """Every policy on every item, at the paper's sampling."""

    def show(run: RunResult, standing: Standing) -> None:
        if standing.made % 50 == 0:
            print(f"{standing.done}/{standing.total}", file=sys.stderr, flush=True)

    ollama, sglang = servers(given)
    with ollama, sglang:
        return evaluate(
            given,
            policies,
            small=small_on(ollama),
            large=large_on(sglang),
            samples=samples,
            temperature=0.6,
            top_p=0.95,
            budget=BUDGET,
            concurrency=4,
            out=out,
            on_item=show if tell else None,
            command=["python", "benchmarks/aime_path.py"],
        )


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        done = measure(problems(), out=Path(folder), tell=True)
        write_report(done.results, folder, provenance=done.provenance)
        table = (Path(folder) / "table.md").read_text(encoding="utf-8")
    RESULTS.write_text(f"{MARK}\n\n{table}", encoding="utf-8")
    print(table)


if __name__ == "__main__":
    main()
