"""Benchmarks: what is measured stands in `definitions.toml`; `python -m benchmarks` measures it."""
