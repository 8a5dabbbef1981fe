"""The embedded pair: two real models inside this process, no server and no key. Fetch them once: trigreason models pull."""

from _run import run

if __name__ == "__main__":
    run(__doc__, "embedded:small", "embedded:large")
