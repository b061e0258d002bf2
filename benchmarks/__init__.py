"""How long the jobs take, side by side with their floors. See README.md; run with `python -m benchmarks`."""
