"""Thresholds without labels: the share of the work that the LRM gets is chosen, and the SRM's own traces say where the
thresholds must be for it.

A firing rate carries over to another small model, another server or another space of log-probabilities; a threshold
does not. What share is worth its price, only labelled problems can tell (`tuning.tune`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

from trigreason_graph.bridge import run_blocking
from trigreason_graph.evaluation.recordings import RecordingStore
from trigreason_graph.evaluation.statistics import Estimate
from trigreason_graph.evaluation.workers import check_concurrency
from trigreason_graph.models.cards import ModelCard
from trigreason_graph.models.prices import Price
from trigreason_graph.models.resolve import ModelSpec, resolve_model
from trigreason_graph.policies import Policy, resolve_policy
from trigreason_graph.policies.matching import made_for
from trigreason_graph.policies.origin import Evidence, Figure, MadeFor
from trigreason_graph.reasoning.prompts import PROMPTS_VERSION
from trigreason_graph.tuning.fitting import TOLERANCE, Method, fitter, spread
from trigreason_graph.tuning.knobs import knobs_of
from trigreason_graph.tuning.questions import Asked, Question, as_questions, hash_of, once_each
from trigreason_graph.tuning.replay import UNITS, Replay, Unit, check_price, share_of
from trigreason_graph.tuning.traces import Progress, Trace, recording_model, write_traces

LEAST = 30
"""Problems below which nothing is promised: the interval of a few says little of itself. Ours."""
UNIT_NAMES: dict[Unit, str] = {
    "steps": "share of steps",
    "large_tokens": "share of tokens",
    "usd": "share of the dollars that the large model alone would cost",
}


@dataclass(frozen=True)
class Calibration:
    """What calibration found.

    Attributes:
        policy: With the thresholds, what it was made for and its evidence; `dump_policy` writes its file.
        thresholds: By name, "cognitive_offload.rho"; its tau among them.
        unit: Of what the share is.
        target: The share wanted; None: the boundary between two kinds of steps was.
        share: On the traces themselves, with the 95 % interval of what it is on all problems of this kind.
        firing: Share of the judged steps over the threshold.
        problems, steps: How many.
        promised: Whether that interval lies within 20 % of the target; None without one.
        needed: About how many problems it would take for that; None where it is promised, or cannot be said.
        notes: What to know about the recordings.
    """

    policy: Policy
    thresholds: dict[str, float]
    unit: Unit
    target: float | None
    share: Estimate
    firing: float
    problems: int
    steps: int
    promised: bool | None
    needed: int | None
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """Whether the target can be promised, in a sentence."""
        if self.promised is None:
            return "No share was asked for: the boundary between two kinds of steps decides."
        if self.promised:
            return (
                f"On further problems of this kind the {UNIT_NAMES[self.unit]}, as replay counts it, will be within "
                f"{TOLERANCE:.0%} of {self.target:g} (19 times out of 20, over many problems)."
            )
        more = f" About {self.needed} problems would be enough." if self.needed else ""
        return (
            f"The sample is too small to promise a {UNIT_NAMES[self.unit]} within {TOLERANCE:.0%} of {self.target:g} "
            f"on further problems: it may be {self.share.low:.2g} to {self.share.high:.2g}.{more}"
        )


def fit_policy(
    traces: Sequence[Trace],
    *,
    policy: Policy | str | Path | None = None,
    escalation: float | None = 0.2,
    unit: Unit = "steps",
    method: Method = "quantile",
    price: Price | None = None,
    made: MadeFor | None = None,
    command: str = "trigreason_graph.tuning.fit_policy",
    data: Sequence[str] = (),
    name: str | None = None,
    notes: Sequence[str] = (),
) -> Calibration:
    """Calibrate on traces that are there already. Pure.

    Args:
        traces: The SRM's, cut the way the policy cuts them.
        policy: Whose thresholds are set; all else stays.
        escalation: Share that its triggers hand to the LRM, above 0 and below 1. What the policy begins with (a
            blueprint) comes on top. None, with method="mixture": whatever lies beyond the boundary.
        unit: Share of the "steps", of the tokens ("large_tokens"), or of the dollars that the LRM alone would cost
            ("usd").
        method: "quantile" of the signals, or the "mixture" of two kinds of steps that is fitted to them.
        price: Of the LRM, for "usd".
        made: What the policy is made for, for its file.
        command, data, name, notes: For its file; `name` None: the policy's own and the target.

    Raises:
        ValueError: An argument that cannot be used, or a target out of reach; the text says which and why.
    """
    _check(escalation, unit, method)
    if not traces:
        raise ValueError("there are no problems to calibrate on")
    chosen = resolve_policy(policy)
    replay = Replay(traces)
    fitting = fitter(replay, chosen, escalation, unit, price, method)
    fit = fitting.fit(range(len(traces)))
    share = share_of(fit.parts)
    low, high = around = spread(fitting, len(traces), method)
    promised = needed = None
    if escalation is not None:
        away = around.away(escalation)
        promised = away <= TOLERANCE and len(traces) >= LEAST
        needed = None if promised else max(math.ceil(len(traces) * (away / TOLERANCE) ** 2 / 10) * 10, LEAST)
    steps = sum(len(trace.steps) for trace in traces)
    thresholds: dict[str, float] = {}
    for knob in knobs_of(fit.policy):
        thresholds[f"{knob.trigger.name}.tau"] = knob.trigger.tau
        thresholds[knob.name] = getattr(knob.trigger, knob.field)
    found = Calibration(
        policy=fit.policy,
        thresholds=thresholds,
        unit=unit,
        target=escalation,
        share=Estimate(share, low, high),
        firing=fit.rate,
        problems=len(traces),
        steps=steps,
        promised=promised,
        needed=needed,
        notes=tuple(notes),
    )
    evidence = Evidence(
        command=command,
        data=tuple(data),
        sha256=hash_of([Question(trace.id, trace.question) for trace in traces]),
        problems=len(traces),
        steps=steps,
        figures=(
            Figure(UNIT_NAMES[unit], round(share, 6), round(low, 6), round(high, 6)),
            Figure("share of judged steps over the threshold", round(fit.rate, 6)),
        ),
        notes=(found.verdict, *notes),
    )
    name = name or f"{chosen.name}-{'mixture' if escalation is None else f'{100 * escalation:g}'}"
    described = replace(
        fit.policy,
        name=name,
        description=f"Policy {chosen.name} with thresholds for a {UNIT_NAMES[unit]} of {share:.2g}.",
        source=f"Calibrated without labels ({method}); what it does to accuracy was not measured.",
        made_for=made,
        evidence=evidence,
    )
    return replace(found, policy=described)


async def acalibrate(
    problems: Sequence[Asked | str] | Sequence[Trace],
    *,
    small: ModelSpec | None = None,
    policy: Policy | str | Path | None = None,
    escalation: float | None = 0.2,
    unit: Unit = "steps",
    method: Method = "quantile",
    large: ModelSpec | None = None,
    price: Price | None = None,
    recordings: Path | RecordingStore | None = None,
    progress: Progress = lambda begun, of, question: None,
    concurrency: int = 1,
    command: str = "trigreason_graph.tuning.calibrate",
    data: Sequence[str] = (),
    name: str | None = None,
) -> Calibration:
    """:func:`calibrate` for async callers."""
    _check(escalation, unit, method)
    if unit == "usd":
        check_price(price)
    chosen = resolve_policy(policy)
    knobs_of(chosen)  # nothing is written for a policy that has none
    check_concurrency(concurrency)
    if not problems:
        raise ValueError("there are no problems to calibrate on")
    big = None if large is None else resolve_model(large, "large")
    card: ModelCard | None = None
    notes: list[str] = []
    traces = [one for one in problems if isinstance(one, Trace)]
    if not traces:
        store = RecordingStore(append_to=recordings) if isinstance(recordings, Path) else recordings
        model, notes = recording_model(small or "", store)
        await model.aready()
        card = model.card
        asked: Any = problems
        questions = once_each(as_questions(asked))
        if repeated := len(problems) - len(questions):
            notes = [*notes, f"{repeated} repeated questions are left out"]
        traces = await write_traces(questions, model, chosen, progress, concurrency=concurrency)
    elif small is not None:
        card = resolve_model(small, "small").card
    made = None if card is None else made_for(chosen, card, None if big is None else big.card, PROMPTS_VERSION)
    return fit_policy(
        traces,
        policy=chosen,
        escalation=escalation,
        unit=unit,
        method=method,
        price=price,
        made=made,
        command=command,
        data=data,
        name=name,
        notes=notes,
    )


def calibrate(
    problems: Sequence[Asked | str] | Sequence[Trace],
    *,
    small: ModelSpec | None = None,
    policy: Policy | str | Path | None = None,
    escalation: float | None = 0.2,
    unit: Unit = "steps",
    method: Method = "quantile",
    large: ModelSpec | None = None,
    price: Price | None = None,
    recordings: Path | RecordingStore | None = None,
    progress: Progress = lambda begun, of, question: None,
    concurrency: int = 1,
    command: str = "trigreason_graph.tuning.calibrate",
    data: Sequence[str] = (),
    name: str | None = None,
) -> Calibration:
    """Set a policy's thresholds so that the LRM gets a chosen share of the work. Needs no labels and no LRM.

    Args:
        problems: Questions, as texts or with ids; or traces of the SRM, and then nothing is written.
        small: The SRM, as everywhere; not needed with traces, but then the file cannot say what it holds for.
        policy, escalation, unit, method, price: See :func:`fit_policy`.
        large: Named in the policy's file, so that it warns with another one; thresholds do not depend on it.
        recordings: File (or store) that keeps what the SRM writes, so that nothing is written twice; None: nowhere.
        progress: Called before each problem; may raise to end the run.
        concurrency: Problems at once, as many as the server takes; an embedded model takes one.
        command, data, name: For the policy's file; `name` None: the policy's own and the target.

    Returns:
        The policy with its thresholds, the share it has, and whether that can be promised on further problems.

    Raises:
        ValueError: An argument that cannot be used, or a target out of reach.
        ModelNotReady: The SRM cannot be called.
        ModelsFailing: It failed; what it wrote is kept.
    """
    return run_blocking(
        lambda: acalibrate(
            problems,
            small=small,
            policy=policy,
            escalation=escalation,
            unit=unit,
            method=method,
            large=large,
            price=price,
            recordings=recordings,
            progress=progress,
            concurrency=concurrency,
            command=command,
            data=data,
            name=name,
        )
    )


def _check(escalation: float | None, unit: str, method: str) -> None:
    if unit not in UNITS:
        raise ValueError(f"unit must be one of {', '.join(UNITS)}, not {unit!r}")
    if method not in get_args(Method):
        raise ValueError(f"method must be one of {', '.join(get_args(Method))}, not {method!r}")
    if escalation is None:
        if method != "mixture":
            raise ValueError('escalation= can be None with method="mixture" only')
    elif not 0 < escalation < 1:
        raise ValueError(f"escalation must be a share above 0 and below 1, not {escalation:g}")
