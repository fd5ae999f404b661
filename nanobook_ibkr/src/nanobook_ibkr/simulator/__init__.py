"""A simulated TWS and IB Gateway: real clients trade on it, over a real socket."""
