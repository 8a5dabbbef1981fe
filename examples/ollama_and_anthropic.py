"""Qwen3 1.7B on Ollama reasons; Claude helps, its prompt cache marked block by block; a local model stands in for it.

Needs: pip install langchain-anthropic, ollama pull qwen3:1.7b, ollama pull qwen3:8b, and ANTHROPIC_API_KEY.
"""

from _run import run

if __name__ == "__main__":
    run(__doc__, "ollama:qwen3:1.7b", "anthropic:claude-sonnet-4-5", "ollama:qwen3:8b")
