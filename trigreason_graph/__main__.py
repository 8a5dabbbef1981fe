"""``python -m trigreason_graph`` is the `trigreason` command."""

from trigreason_graph.cli import main

if __name__ == "__main__":
    main()
