"""Ways to send an order to the simulated gateway, timed alike."""
