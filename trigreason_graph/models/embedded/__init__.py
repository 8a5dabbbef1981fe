"""The embedded models: fetched once, checked by hash, served by llama.cpp inside this process."""
