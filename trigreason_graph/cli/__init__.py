"""The `trigreason` command: one file a verb. Importing this loads nothing; `main` does."""

from __future__ import annotations


def main() -> None:
    """Entry point of the console script; ends the process with the verb's exit code."""
    try:
        from trigreason_graph.cli.app import run

        run()
    except KeyboardInterrupt:  # while the verbs are loaded
        raise SystemExit(130) from None
