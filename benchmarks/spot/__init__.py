"""Ways to send an order to the simulated Binance, each timed in a process of its own."""
