"""The policies that ship: the default, the paper's, and the baselines they are measured against."""

from __future__ import annotations

from trigreason_graph.policies.base import Policy
from trigreason_graph.triggers import (
    ArithmeticCheck,
    CognitiveOffload,
    InterventionRequest,
    RandomChoice,
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
    description="A blueprint; then wrong sums are redrafted, and the large model writes what is beyond the small one.",
    source="The paper's three triggers with its tau and rho; the blueprint, the arithmetic check, the patterns of "
    "repetition and the two limits of the offload (no short steps, no answers) are ours.",
)

PAPER = Policy(
    "paper",
    triggers=(
        CognitiveOffload(tau=1.05, rho=0.85, min_tokens=0, answers=True, ceiling=None, steps=1),
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
    stop_on_repeat=True,
    description="TrigReason as published, for DeepSeek-R1-Distill-Qwen-1.5B; Qwen3-0.6B has rho 0.75.",
    source="arXiv 2604.14847 and its code. tau and rho hold for SGLang's tempered probabilities (temperature 0.6). Two "
    "deviations: the SRM drafts nothing while the LRM writes its steps, and a run ends on a complete answer only.",
)

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
    for policy in (DEFAULT, PAPER, SMALL_ONLY, LARGE_ONLY, ONE_WAY_HANDOFF, random_policy(), early_only())
}
"""By name, as `policy=` takes them."""
