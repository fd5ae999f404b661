"""Technical indicators and statistics."""
