"""The policies that ship: the default, the paper's, and the baselines they are measured against."""

from __future__ import annotations

from trigreason_graph.policies.base import Policy
from trigreason_graph.triggers import (
    ArithmeticCheck,
    CognitiveOffload,
    FirstTokenEntropy,
    InterventionRequest,
    Limit,
    RandomChoice,
    StepScore,
    StrategicInitiation,
)

DEFAULT = Policy(
    "default",
    triggers=(
        ArithmeticCheck(),
        CognitiveOffload(min_tokens=8, answers=False),
        InterventionRequest(),
    ),
    initiation=StrategicInitiation(form="blueprint", tokens=120),
    limits=(Limit("cognitive_offload", most=10), Limit("intervention_request", most=6, cooldown=2)),
    description="A blueprint; then wrong sums are redrafted, and the large model writes what is beyond the small one.",
    source="The paper's three triggers with its tau and rho; the blueprint, the arithmetic check, the patterns of "
    "repetition, the two limits of the offload (no short steps, no answers) and the limits per trigger are ours.",
)

PAPER_RHO = {"deepseek-r1-distill-qwen-1.5b": 0.85, "qwen3-0.6b": 0.75}
"""The paper's rho by small model; the large ones (QwQ-32B, Qwen3-30B-A3B-Thinking) share it (PAPER.md, section 1)."""
PAPER_TEMPERATURE = 0.6
"""The temperature of the paper's runs, at which SGLang reports probabilities."""


def paper_policy(small: str = "deepseek-r1-distill-qwen-1.5b", name: str = "paper") -> Policy:
    """TrigReason as published, with the paper's numbers for a small model.

    Args:
        small: One of `PAPER_RHO`.
        name: The policy's name.

    Raises:
        ValueError: A small model that the paper has no numbers for.
    """
    if small not in PAPER_RHO:
        raise ValueError(f"the paper has no numbers for {small!r}; it has: {', '.join(PAPER_RHO)}")
    return Policy(
        name,
        triggers=(
            CognitiveOffload(
                tau=1.05,
                rho=PAPER_RHO[small],
                min_tokens=0,
                answers=True,
                ceiling=None,
                first_token=None,
                text="never",
                route="rewrite",
                steps=1,
            ),
            InterventionRequest(
                k=3,
                min_step=10,
                words="paper",
                languages=("en",),
                repeats=False,
                loops=False,
                circles=False,
                same_conclusion=None,
                steps=1,
            ),
        ),
        initiation=StrategicInitiation(form="prime", tokens=None, steps=20),
        segment="blank_line",
        probabilities_at=PAPER_TEMPERATURE,
        stop_on_repeat=True,
        description=f"TrigReason as published, with the numbers for {small}.",
        source="arXiv 2604.14847 and its code. tau and rho hold for tempered probabilities (SGLang, temperature 0.6); "
        "raw ones are converted. Two deviations: the SRM drafts nothing while the LRM writes its steps, and a run ends "
        "on a complete answer only.",
    )


PAPER = paper_policy()
PAPER_QWEN3 = paper_policy("qwen3-0.6b", "paper-qwen3-0.6b")

SMALL_ONLY = Policy("small_only", description="The small model alone.", source="Baseline.")

LARGE_ONLY = Policy(
    "large_only",
    initiation=StrategicInitiation(form="prime", tokens=None, steps=None),
    answer_by="large",
    description="The large model alone: it is asked at the start and writes to the end.",
    source="Baseline.",
)

ONE_WAY_HANDOFF = Policy(
    "one_way_handoff",
    triggers=(
        CognitiveOffload(min_tokens=8, answers=False, steps=None),
        InterventionRequest(steps=None),
    ),
    description="The small model begins; at the first trigger the large one takes over to the end.",
    source="The form of PyroDash (2607.20327) with the paper's triggers in place of a trained hand-off token.",
)

BLUEPRINT_HANDOFF = Policy(
    "blueprint_handoff",
    triggers=(ArithmeticCheck(steps=None), InterventionRequest(steps=None)),
    initiation=StrategicInitiation(form="blueprint", tokens=240),
    description="A blueprint; then the large model is called once at most, to the end. For large models that reason in "
    "private: a call of theirs costs much the same whether it writes one step or all.",
    source="Ours; the hand-off is PyroDash's (2607.20327), the blueprint the article's.",
)


def specreason_policy(threshold: int = 7, first_n: int = 0, name: str = "specreason") -> Policy:
    """SpecReason (arXiv 2504.07891): the large model scores every step of the small one, and rewrites what is too bad.

    Args:
        threshold: Lowest score from 0 to 9 that is accepted. 7 as in its code; for AIME the paper takes 9.
        first_n: Steps that the large model writes at the start (`first_n_steps_base_model`). 0 as in its code.
        name: The policy's name.
    """
    return Policy(
        name,
        triggers=(StepScore(threshold=threshold, steps=1),),
        initiation=StrategicInitiation(form="prime", tokens=None, steps=first_n) if first_n else None,
        segment="blank_line",
        stop_on_repeat=True,
        description=f"The large model scores every step of the small one, and rewrites those below {threshold}.",
        source="SpecReason, arXiv 2504.07891 and its code. Three deviations: the words of the request for a score are "
        "ours, a reply without a score leaves the step as it is, and a run ends on a complete answer only.",
    )


def glimprouter_policy(threshold: float = 1.0, name: str = "glimprouter") -> Policy:
    """GlimpRouter (arXiv 2601.05110): the large model writes the steps whose first token is uncertain, and the answer.

    Args:
        threshold: Entropy of the first token in nats, from which the large model writes the step. 1.0 as in its code.
        name: The policy's name.
    """
    return Policy(
        name,
        triggers=(FirstTokenEntropy(threshold=threshold, answers=True, steps=1),),
        segment="blank_line",
        answer_by="large",
        stop_on_repeat=True,
        description="The large model writes each step whose first token the small one is unsure of, and the answer.",
        source="GlimpRouter, arXiv 2601.05110 and its code. Two deviations: the entropy is that of as many tokens as "
        "the server reports (20 there) in the request that drafts the step, not in one of its own, and a run ends on a "
        "complete answer only.",
    )


RANDOM_P = 0.2
"""Share of steps that policy "random" gives to the LRM; tune it to the cost of what it is compared with. Ours."""
EARLY_STEPS = 3
"""Steps that policy "early_only" has the LRM write; the same holds."""


def random_policy(p: float = RANDOM_P, seed: int = 0) -> Policy:
    """Each step goes to the large model with probability `p`. A baseline at equal cost."""
    return Policy(
        "random",
        triggers=(RandomChoice(p=p, seed=seed),),
        description=f"Each step goes to the large model with probability {p:g}.",
        source="Baseline.",
    )


def early_only(steps: int = EARLY_STEPS) -> Policy:
    """The large model writes the first `steps` steps, the small one the rest. A baseline at equal cost."""
    return Policy(
        "early_only",
        initiation=StrategicInitiation(form="prime", tokens=None, steps=steps),
        description=f"The large model writes the first {steps} steps, the small one the rest.",
        source="Baseline.",
    )


SHIPPED: dict[str, Policy] = {
    policy.name: policy
    for policy in (
        DEFAULT,
        PAPER,
        PAPER_QWEN3,
        SMALL_ONLY,
        LARGE_ONLY,
        ONE_WAY_HANDOFF,
        BLUEPRINT_HANDOFF,
        specreason_policy(),
        glimprouter_policy(),
        random_policy(),
        early_only(),
    )
}
"""By name, as `policy=` takes them."""
