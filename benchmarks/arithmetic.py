"""How often the recomputed arithmetic is wrong itself, and what it finds.

    python benchmarks/arithmetic.py [--equations 9000]

False alarms on right equations in many surface forms, recall on the same with a slip in the result, by form; and false
alarms on right solutions that models wrote. Seeded, no model, seconds. Exit code 1 on a false alarm.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.equations import corrupted, right_equations  # noqa: E402
from tests.solutions import TRULY_WRONG, right_solutions  # noqa: E402
from trigreason_graph.reasoning.arithmetic import check_equations  # noqa: E402


def alarms(text: str) -> list[str]:
    """The equations of a text that are called wrong."""
    return [equation.excerpt for equation in check_equations(text) if not equation.holds]


def measure_forms(count: int) -> int:
    """Print the table by surface form; returns the false alarms."""
    made, read, false, found = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for written in right_equations(count):
        equations = check_equations(written.text)
        made[written.form] += 1
        read[written.form] += bool(equations)
        false[written.form] += not all(equation.holds for equation in equations)
        found[written.form] += bool(alarms(corrupted(written).text))
    print("| form | equations | read | false alarms | slips found |\n|---|---|---|---|---|")
    for form in made:
        shown = [form.replace("_", " "), made[form], read[form], false[form], f"{found[form] / made[form]:.3f}"]
        print("| " + " | ".join(map(str, shown)) + " |")
    total = made.total()
    print(f"| all | {total} | {read.total()} | {false.total()} | {found.total() / total:.3f} |\n")
    return false.total()


def measure_solutions() -> int:
    """Print what is said of right solutions; returns the alarms that are false."""
    solutions, equations, said = right_solutions(), 0, []
    for text in solutions:
        equations += len(check_equations(text))
        said += alarms(text)
    false = [excerpt for excerpt in said if excerpt not in TRULY_WRONG]
    print(
        f"{len(solutions)} right solutions by models: {equations} equations read, {len(said)} called wrong, "
        f"{len(said) - len(false)} of them truly wrong, {len(false)} false alarms {false or ''}"
    )
    return len(false)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--equations", type=int, default=9_000)
    count = parser.parse_args().equations
    began = time.perf_counter()
    false = measure_forms(count) + measure_solutions()
    print(f"{time.perf_counter() - began:.1f} s")
    return 1 if false else 0


if __name__ == "__main__":
    sys.exit(main())
