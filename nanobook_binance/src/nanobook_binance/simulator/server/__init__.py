"""The simulated venue's server: REST over HTTP, the keys of its accounts, its limits and faults."""
