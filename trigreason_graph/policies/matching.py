"""Whether a policy is used with what it was made for."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

from trigreason_graph.errors import PolicyMismatch
from trigreason_graph.models.cards import ModelCard
from trigreason_graph.policies.base import Policy
from trigreason_graph.policies.origin import MadeFor, ModelId, Space


def model_id(card: ModelCard) -> ModelId:
    """A model as policy files name it."""
    return ModelId(card.full_name, card.digest)


def made_for(policy: Policy, small: ModelCard, large: ModelCard | None, prompts: str) -> MadeFor:
    """What a policy is being used with, in the words of a policy file.

    Args:
        policy: Says at which temperature probabilities are wanted.
        small, large: Cards of the models; `large` None: any.
        prompts: Version of the prompts.
    """
    space, temperature = space_of(policy, small)
    return MadeFor(model_id(small), None if large is None else model_id(large), space, temperature, prompts)


def space_of(policy: Policy, small: ModelCard) -> tuple[Space | None, float | None]:
    """The space in which the policy's triggers see the SRM's log-probabilities, and its temperature where known."""
    if not small.logprobs:
        return None, None
    if small.logprob_space == "tempered":
        return "tempered", None
    return ("raw", None) if policy.probabilities_at is None else ("tempered", policy.probabilities_at)


def mismatches(policy: Policy, small: ModelCard, large: ModelCard | None, prompts: str) -> list[str]:
    """What differs from what the policy was made for, a sentence each; nothing where it was made for nothing special.

    Models are told apart by the digest of their weights where both are known, else by name.
    """
    return [] if policy.made_for is None else list(_mismatches(policy.made_for, policy, small, large, prompts))


def warn_of_mismatches(
    policy: Policy, small: ModelCard, large: ModelCard, prompts: str, *, stacklevel: int = 2
) -> None:
    """One :class:`~trigreason_graph.errors.PolicyMismatch` warning that says all that differs, if anything does."""
    if found := mismatches(policy, small, large, prompts):
        warnings.warn(warning_text(policy, found), PolicyMismatch, stacklevel=stacklevel + 1)


def warning_text(policy: Policy, found: list[str]) -> str:
    """One line for people."""
    return (
        f"policy {policy.name!r} was made for something else: {'; '.join(found)}. Its thresholds may fire more or less "
        "often here; make them anew with: trigreason calibrate PROBLEMS --escalation 0.2"
    )


def _mismatches(
    made: MadeFor, policy: Policy, small: ModelCard, large: ModelCard | None, prompts: str
) -> Iterator[str]:
    for role, wanted, card in (("small", made.small, small), ("large", made.large, large)):
        if wanted is not None and card is not None and not _same(wanted, model_id(card)):
            yield f"the {role} model is {model_id(card)}, not {wanted}"
    space, temperature = space_of(policy, small)
    if made.logprobs is not None:
        if space is None:
            yield f"{small.full_name} reports no log-probabilities, and the thresholds need {_named(made)} ones"
        elif space != made.logprobs:
            yield f"log-probabilities are {space}, not {_named(made)}"
        elif made.temperature is not None and temperature is not None and made.temperature != temperature:
            yield f"log-probabilities are tempered at {temperature:g}, not at {made.temperature:g}"
    if made.prompts and made.prompts != prompts:
        yield f"the prompts are version {prompts}, not {made.prompts}"


def _same(one: ModelId, other: ModelId) -> bool:
    return one.sha256 == other.sha256 if one.sha256 and other.sha256 else one.name == other.name


def _named(made: MadeFor) -> str:
    return f"{made.logprobs}" if made.temperature is None else f"{made.logprobs} (at {made.temperature:g})"
