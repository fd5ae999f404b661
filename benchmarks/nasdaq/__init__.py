"""What `benchmarks/itch.py` is made of."""
