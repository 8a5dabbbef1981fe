"""The embedded pair: two real models in this process, no server and no key.

Needs the extra "embedded", and: trigreason models pull.
"""

from _run import run

if __name__ == "__main__":
    run(__doc__, "embedded:small", "embedded:large")
