"""step_generator: one request of the SRM, cut into drafts until something is seen in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, cast

from langgraph.runtime import get_runtime

from trigreason_graph.models.dialects import Options
from trigreason_graph.models.pieces import Piece
from trigreason_graph.models.wrapper import Exchange
from trigreason_graph.nodes.bookkeeping import Call
from trigreason_graph.nodes.endings import onward, repeats
from trigreason_graph.nodes.judging import Bench
from trigreason_graph.nodes.kit import Kit, handover
from trigreason_graph.nodes.paid_gate import grant_small, seconds_left
from trigreason_graph.nodes.progress import TokenFeed
from trigreason_graph.nodes.prompting import trace_prompt, turn_prompt
from trigreason_graph.nodes.reply import UNNATURAL, tidied, with_answer_marked
from trigreason_graph.nodes.trigger_router import trigger_router
from trigreason_graph.nodes.verdicts import Judged, Verdict
from trigreason_graph.nodes.writing import StepWriter, step_writer
from trigreason_graph.reasoning.prompts import ask_for
from trigreason_graph.reasoning.tool_calls import is_call
from trigreason_graph.settings import Settings
from trigreason_graph.state import State, Step

RUN_TOKENS = 2_048
"""Longest run of the SRM in tokens; longer ones go on in a further request."""
PARTIAL_EVERY = 48
"""Characters between two looks at a growing draft."""


async def step_generator(state: State, kit: Kit) -> dict[str, Any]:
    """Stream drafts until the first signal, `commit_every` drafts, the end of the turn, or a limit.

    `commit_every` drafts in which nothing fired are accepted here: the trigger router is for all that is to be decided.
    """
    turn = kit.small.card.style == "turn"
    given = handover(state, "small")
    prompt = (
        turn_prompt(kit.small.card, given, ask_for("continue", texts=kit.prompts), kit.prompts)
        if turn
        else trace_prompt(kit.small.card, given, "small", kit.prompts)
    )
    messages = prompt.messages
    grant = grant_small(kit, state, messages, RUN_TOKENS)
    if not grant:
        return {"drafts": [], "finish": "budget", "why": grant.reason}
    call = Call(state, kit.small, "continue")
    writer = step_writer(kit, state, kit.small, state["trace"], call.id)
    run = _Run(kit, state, writer, turn)
    options = Options(grant.max_tokens, kit.settings.temperature, probabilities_at=kit.policy.probabilities_at)
    exchange = Exchange(
        kit.small.card.style,
        options,
        run,
        seconds=seconds_left(kit, state),
        shown=kit.settings.stream_reasoning,
    )
    step = len(state["trace"]) + 1
    last = await kit.small.write(messages, exchange, name="small:step_generator", purpose="continue", step=step)
    finish = run.finish
    if not finish:
        finish = _finish_of(last.status, last.finish, bool(run.drafts), grant.limit in ("budget", "dollars"))
        if finish == "error" and last.finish == "broken" and state["finish"] != "cut":
            finish = "cut"  # once more; a second time it is taken to be down
    full = "what was left of the budget or the model's window is written full"
    out_of_time = f"the budget of {kit.budget.seconds:g} s is used up" if kit.budget.seconds else ""
    why = {"budget": out_of_time if last.finish == "seconds" else full, "error": last.fault}
    if finish == "end":
        run.take(writer.finish())
    kit.verdicts.keep(state["run_id"], run.judged)  # one that is marked as the answer below is judged anew
    if finish == "end":
        if run.finish == "tool":
            finish = "tool"
        else:  # where the last step itself fired, the turn has ended all the same
            run.drafts = with_answer_marked(run.drafts, state["problem"])
    rows, spent = call.end(exchange)
    update: dict[str, Any] = {
        "drafts": run.drafts,
        "finish": finish,
        "why": why.get(finish, "") or ("" if finish != "error" else f"its reply held no finished step ({last.finish})"),
        "ledger": rows,
        "spent": spent,
        "next_id": writer.next_id,
        "left_out": {**state["left_out"], "small": prompt.left_out} if prompt.left_out else state["left_out"],
        "notes": [*state["notes"], last.fault] if last.fault and last.fault not in state["notes"] else state["notes"],
    }
    if finish == "commit" and not kit.policy.judges:  # nothing fired, and nobody else is to be asked: no superstep more
        update |= await trigger_router(cast("State", {**state, **update}), kit)
    return update


def after_generator(state: State) -> Literal["accept", "judge"]:
    """Pure route: a run of steps in which nothing fired has been committed, and the next one begins.

    What a person has put there since (a signal, a call of a tool) is the router's to decide.
    """
    committed = state.get("finish") == "commit" and not state.get("drafts") and not state.get("signal")
    return "accept" if committed and onward(state, "accept") == "accept" else "judge"


def _finish_of(status: str, finish: str, progress: bool, limited: bool) -> str:
    """Why the stream ended, where it was not us who closed it."""
    if status == "ok" and finish not in UNNATURAL:
        return "end"
    if finish == "seconds" or (finish == "length" and limited):
        return "budget"
    if progress:
        return "length" if finish == "length" else "cut"
    return "error"  # a stream that brings no finished step would be tried for ever


class _Run:
    """Reads the stream: collects drafts, and closes it when the policy sees something."""

    def __init__(self, kit: Kit, state: State, writer: StepWriter, tidy: bool) -> None:
        self.drafts: list[Step] = []
        self.finish = ""
        self._kit, self._writer, self._tidy = kit, writer, tidy
        self._tokens = TokenFeed(state["run_id"], "small", kit.settings.token_events)
        self._bench = Bench.of(kit, state)
        self._trace = list(state["trace"])
        self._runtime = get_runtime(Settings)
        # Asked at every token, and at every step.
        self._watches_growing, self._run_length = kit.policy.watches_growing_drafts, kit.policy.run_length
        self._stops_on_repeat = kit.policy.stop_on_repeat
        self._looked = (-1, 0)
        self._verdicts: list[Verdict] = []

    @property
    def judged(self) -> Judged:
        """The drafts so far, with the verdict on each."""
        return Judged(self._bench.under, tuple(self.drafts), self._verdicts)

    def __call__(self, piece: Piece) -> bool:
        if self._runtime.drain_requested:
            self.finish = "drain"
            return True
        self.take(self._writer.feed(piece))
        if not self.finish and self._watches_growing:
            self._look_at_growing()
        return bool(self.finish)

    def take(self, steps: list[Step]) -> None:
        """Judge finished drafts in order; what comes after one that fires was never wanted."""
        for index, step in enumerate(steps):
            if self.finish:
                return
            self._tokens.finished([step])
            draft = tidied(step) if self._tidy else step
            self.drafts.append(draft)
            verdict = self._bench.look(self._trace, draft)
            self._trace.append(draft)
            self._verdicts.append(verdict)
            if verdict.action != "accept":
                self.finish = "signal"
            elif draft["kind"] == "tool":
                self.finish = "tool"
            elif self._is_over(steps[index + 1 : index + 2]):
                self.finish = "commit"
        if not self.finish:
            self._tokens.growing(self._writer.next_id, self._writer.settled)

    def _is_over(self, following: Sequence[Step]) -> bool:
        """Whether the run of steps ends with the newest one, given the step behind it where that is known.

        A step that leads into a call of a tool is not committed without it. Whether two equal steps end the reasoning
        as well is the router's to say.
        """
        if self._stops_on_repeat and repeats(self._trace):
            return True
        return len(self.drafts) >= self._run_length and not any(map(is_call, following))

    def _look_at_growing(self) -> None:
        known, length = self._looked
        if known == self._writer.next_id and self._writer.pending < length + PARTIAL_EVERY:
            return  # asked at every token: a draft is built only to be looked at
        draft = self._writer.growing()
        if draft is None:
            return
        self._looked = (draft["id"], len(draft["text"]))
        verdict = self._bench.look(self._trace, draft, complete=False, first=known != draft["id"])
        if verdict.action != "accept":
            self.drafts.append(draft)
            self._verdicts.append(verdict)
            self._writer.next_id += 1
            self.finish = "partial"
