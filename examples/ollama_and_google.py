"""Qwen3 1.7B on Ollama reasons; Gemini helps.

Needs: pip install langchain-google-genai, ollama pull qwen3:1.7b, and GOOGLE_API_KEY.
"""

from _run import run

if __name__ == "__main__":
    run(__doc__, "ollama:qwen3:1.7b", "google_genai:gemini-2.5-flash")
