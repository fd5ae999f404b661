"""A simulated Binance: the spot venue itself, and what serves it over HTTP and WebSocket."""
