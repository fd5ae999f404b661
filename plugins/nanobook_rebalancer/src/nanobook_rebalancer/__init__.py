"""From target weights to orders: the rebalancer."""
