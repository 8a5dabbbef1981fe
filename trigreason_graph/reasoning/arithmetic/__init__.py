"""Equations in a text, recomputed by an own small parser.

`lexemes` cuts a line, `expressions` reads one side into an exact interval, `agreement` compares two sides, and
`equations` finds them in prose.
"""

from trigreason_graph.reasoning.arithmetic.equations import Equation, check_equations, number_text

__all__ = ["Equation", "check_equations", "number_text"]
