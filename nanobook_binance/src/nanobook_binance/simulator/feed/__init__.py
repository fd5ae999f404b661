"""Where the simulated venue's liquidity comes from: a file of quotes, or a recorded market."""
