"""Nothing leaves the machine: a small model on llama.cpp's server reasons, a 32B on Ollama helps, and costs nothing.

Needs: llama-server -m small.gguf --port 8080, and ollama pull qwen3:32b.
"""

from _run import run

if __name__ == "__main__":
    run(__doc__, "llama_cpp:small@http://localhost:8080/v1", "ollama:qwen3:32b")
