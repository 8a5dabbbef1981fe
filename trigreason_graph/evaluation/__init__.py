"""Evaluation: recordings of what models wrote, replay of triggers over them, and the statistics of both."""
