"""Qwen3 0.6B on Ollama reasons; GPT-5, whose reasoning is hidden, plans, and takes over once at most.

Each call of such a model pays its hidden reasoning anew, so the default policy for this pair is blueprint_handoff, and
single calls are made at low effort (docs/hidden-reasoning.md). Needs: ollama pull qwen3:0.6b,
OPENAI_API_KEY, and for the limit in dollars the extra "prices".
"""

from _run import run

from trigreason_graph import Budget, Settings

if __name__ == "__main__":
    run(
        __doc__,
        "ollama:qwen3:0.6b",
        "openai:gpt-5",
        budget=Budget(large_calls=3, large_tokens=16_000, usd=0.25),
        settings=Settings(effort={"initiate": "low", "handoff": "medium"}),
    )
