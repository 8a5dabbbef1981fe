"""What is looked for between the turns of an agent: two rules of its own, and ours with values that suit turns.

Both rules are triggers like all others: pure, over a `View` whose steps come from the agent's messages
(`messages`), so that they go into any policy, and take settings by their name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from trigreason_graph.integrations.middleware.messages import calls_of, failed, result_of
from trigreason_graph.policies import Policy
from trigreason_graph.state import Signal, Step
from trigreason_graph.triggers import CognitiveOffload, InterventionRequest, Limit, View
from trigreason_graph.triggers.base import When
from trigreason_graph.triggers.fields import flag, texts, whole
from trigreason_graph.triggers.window import LOOK_BACK, last_fired, small_draft

EXCERPT = 120
UNSURE = 0.4
"""Mean nats a token above which a paragraph of 8 tokens or more counts as unsure. Set by its firing rate, not by its
worth, which nobody has measured on agents: of 706 greedy steps of Qwen2.5-Coder-0.5B on GSM8K and SVAMP 2 % are above
0.3, 0.3 % above 0.4, none above 0.5. Sampled text is less sure."""


@dataclass(frozen=True, slots=True)
class RepeatedCall:
    """Fires on a reply of the small model that calls a tool with the same arguments as before, before it is called.

    Attributes:
        times: The call would be the same for so many times since the last signal. Default 3, ours: OpenHands' stuck
            detector ends a run at 4 equal pairs of action and observation; here it costs one call, so one earlier.
        same_result: Only calls that brought the same result count, so that waiting for a change is no repetition.
        ignore: Names of tools that may be called again and again.
        steps: How many turns the large model writes; None: to the end of the run.
    """

    times: int = 3
    same_result: bool = True
    ignore: tuple[str, ...] = ()
    steps: int | None = 1

    name: ClassVar[str] = "repeated_call"
    when: ClassVar[When] = "step"

    def __post_init__(self) -> None:
        whole(self, "times", 2, most=LOOK_BACK)
        flag(self, "same_result")
        texts(self, "ignore")
        whole(self, "steps", 1, optional=True)

    def check(self, view: View) -> Signal | None:
        """A signal to have the turn written by the large model, or None."""
        draft = small_draft(view)
        if draft is None:
            return None
        after = last_fired(view.signals, self.name, len(view.trace))
        before = [step for step in _newest(view.trace, after) if step["author"] == "tool"]
        for call in calls_of(draft):
            if call.split("(", 1)[0] in self.ignore:
                continue
            results = [result_of(step) for step in before if call in calls_of(step)]
            if self.same_result:
                results = [result for result in results if result == results[0]]
            if len(results) >= self.times - 1:
                return Signal(
                    trigger=self.name,
                    reason=f"The small model makes the same tool call for the {_nth(len(results) + 1)} time.",
                    evidence={"call": call[:EXCERPT], "times": str(len(results) + 1)},
                    route="rewrite",
                    steps=self.steps,
                )
        return None


@dataclass(frozen=True, slots=True)
class RepeatedError:
    """Fires at the beginning of a turn when the tool calls of the latest turns have all failed.

    A call has failed where its message's status is "error", or where its text begins like an error.

    Attributes:
        times: So many turns in a row, since the last signal. Default 2, ours: OpenHands' stuck detector ends a run at
            3 errors of the same action; here it costs one call, so one earlier, and one failure alone is often mended.
        words: How the text of a failed call begins, in lower case.
        steps: How many turns the large model writes; None: to the end of the run.
    """

    times: int = 2
    words: tuple[str, ...] = ("error", "traceback", "exception")
    steps: int | None = 1

    name: ClassVar[str] = "repeated_error"
    when: ClassVar[When] = "start"

    def __post_init__(self) -> None:
        whole(self, "times", 1, most=LOOK_BACK)
        texts(self, "words")
        whole(self, "steps", 1, optional=True)

    def check(self, view: View) -> Signal | None:
        """A signal to have the next turn written by the large model, or None."""
        if view.draft is not None or not view.trace or view.trace[-1]["author"] != "tool":
            return None
        after = last_fired(view.signals, self.name, len(view.trace))
        by_turn: dict[int, list[Step]] = {}
        for step in _newest(view.trace, after):
            if step["author"] == "tool":
                by_turn.setdefault(step["call"], []).append(step)
        latest = list(by_turn.values())[: self.times]  # the newest first
        if len(latest) < self.times or not all(failed(step, self.words) for turn in latest for step in turn):
            return None
        many = f"The tool calls of the last {self.times} turns" if self.times > 1 else "The latest tool calls"
        return Signal(
            trigger=self.name,
            reason=f"{many} have failed.",
            evidence={"turns": str(self.times), "error": result_of(latest[0][0])[:EXCERPT]},
            route="rewrite",
            steps=self.steps,
        )


def _newest(trace: Sequence[Step], after: int) -> list[Step]:
    """The newest steps behind a position, newest first."""
    first = max(after + 1, len(trace) - LOOK_BACK, 0)
    return [trace[position] for position in range(len(trace) - 1, first - 1, -1)]


def _nth(number: int) -> str:
    return {2: "second", 3: "third"}.get(number, f"{number}th")


AGENT = Policy(
    "agent",
    triggers=(
        RepeatedCall(),
        RepeatedError(),
        InterventionRequest(k=2, min_step=0, repeats=False, circles=False),
        CognitiveOffload(rho=1.0, ceiling=UNSURE, min_tokens=8, text="never"),
    ),
    limits=(Limit("intervention_request", most=6, cooldown=1), Limit("cognitive_offload", most=10)),
    description="For the turns of an agent: repeated calls and errors, hesitation, lingering, low confidence.",
    source="Ours, of values and rules alike: the paper has no agents. Two hesitant paragraphs in a row from the first "
    "on, since replies are short where reasoning traces are long. Repeated paragraphs and circles are off: agents "
    "introduce every call in the same words; repeated calls and conclusions count. Overconfidence is off (rho = 1): "
    "the JSON and the set phrases of an agent are nearly certain; a paragraph that is unsure throughout counts.",
)
"""What `TrigReasonMiddleware` goes by unless it is told otherwise."""
