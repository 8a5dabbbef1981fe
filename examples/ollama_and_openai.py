"""DeepSeek-R1 1.5B on Ollama reasons; GPT-4.1 helps.

Needs: ollama pull deepseek-r1:1.5b, OPENAI_API_KEY, and for the limit in dollars the extra "prices".
"""

from _run import run

from trigreason_graph import Budget

if __name__ == "__main__":
    run(__doc__, "ollama:deepseek-r1:1.5b", "openai:gpt-4.1", budget=Budget(large_calls=10, usd=0.05))
