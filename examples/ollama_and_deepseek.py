"""DeepSeek-R1 1.5B on Ollama reasons; DeepSeek's API goes on with the same trace (prefix completion).

Needs: ollama pull deepseek-r1:1.5b, and DEEPSEEK_API_KEY.
"""

from _run import run

if __name__ == "__main__":
    run(__doc__, "ollama:deepseek-r1:1.5b", "deepseek:deepseek-chat")
