"""Executors for parameter sweeps."""
