"""ACME's risk checks for nanobook."""
