"""A Qwen2.5 1.5B of your own vLLM server reasons; a 32B behind OpenRouter helps.

Needs: vllm serve Qwen/Qwen2.5-1.5B-Instruct, and OPENROUTER_API_KEY.
"""

from _run import run

if __name__ == "__main__":
    run(__doc__, "vllm:Qwen/Qwen2.5-1.5B-Instruct@http://localhost:8000/v1", "openrouter:qwen/qwen3-32b")
