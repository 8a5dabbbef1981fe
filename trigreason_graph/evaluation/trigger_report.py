"""The trigger study as people read it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trigreason_graph.evaluation.statistics import Estimate


def report(figures: dict[str, Any]) -> str:
    """The figures of benchmarks/trigger_quality.py as Markdown tables."""
    told = figures["sample"]
    lines = [
        f"SRM alone right: {told['small_right']} of {told['small_tried']}. LRM alone right: {told['large_right']} of "
        f"{told['large_tried']} tried. The tables' {told['problems']} problems have {told['steps']} steps, of "
        f"which {told['steps_labelled']} have a label; losses: {told['losses']} (base rate "
        f"{_told(told['base_rate'])}). Questions the recordings do not answer: {told['not_recorded']}.",
        f"Labels: of prefixes of right solutions the LRM was right from {_of(told['sound_prefixes_found_sound'])}; "
        f"from prefixes beyond a loss from {_of(told['lost_prefixes_found_sound'])} (0 if losses were for good).",
        "",
        *_trigger_table(figures["triggers"]),
        "",
        "Against the first step with a surely wrong equation, in all SRM solutions:",
        "",
        *_trigger_table(figures["triggers_at_wrong_sums"]),
        "",
        "| AUROC of a step's score | for the lost step | for a wrong sum | its mean, for a wrong solution |",
        "|---|---|---|---|",
        *(f"| {name} | {' | '.join(map(_told, row.values()))} |" for name, row in figures["scores"].items()),
    ]
    sums = figures["arithmetic"]
    lines += [
        "",
        f"Surely wrong equations: in {sums['steps']} SRM steps, in {sums['solutions']} solutions, "
        f"{sums['of_them_wrong']} of which are wrong ({sums['wrong_solutions']} are wrong in all); in {sums['losses']} "
        f"of the lost steps; in {sums['steps_of_right_large_solutions']} steps of right LRM solutions.",
        "",
        "| one LRM step | places | right without | right with | gained | harmed | net |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, row in figures["advantage"].items():
        lines.append(
            f"| {name} | {row['places']} | {_told(row['without'])} | {_told(row['with_step'])} | {row['gained']} | "
            f"{row['harmed']} | {_told(row['net'])} |"
        )
    return "\n".join(lines)


def _trigger_table(policies: dict[str, Any]) -> list[str]:
    """Rows of Markdown."""
    lines = [
        "| policy | trigger | firing rate | precision | recall | AUROC | first firing before / at / after / never | "
        "random: precision, recall | p |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for policy, table in policies.items():
        for name, row in table.items():
            shown = " | ".join(_told(row[figure]) for figure in ("firing", "precision", "recall", "auroc"))
            lines.append(
                f"| {policy} | {name} | {shown} | {' / '.join(map(str, row['lead'].values()))} | "
                f"{_told(row['chance_precision'])}, {_told(row['chance_recall'])} | {_told(row['p'])} |"
            )
    return lines


def _told(value: Any) -> str:
    return str(Estimate(*value) if isinstance(value, list | tuple) else Estimate(value))


def _of(counts: Sequence[int]) -> str:
    return f"{counts[0]} of {counts[1]}"
