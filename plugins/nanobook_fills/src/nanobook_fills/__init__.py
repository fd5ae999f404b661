"""Fill models."""
