"""Benchmarks. `python -m bench.peers` compares fastdl with whichever peers are installed."""
