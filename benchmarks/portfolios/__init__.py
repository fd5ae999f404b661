"""What benchmarks/optimizers.py measures."""
