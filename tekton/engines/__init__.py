"""What computes a local model inside a Worker: llama.cpp, and a deterministic one for tests."""
