"""`lob`, an order book to play with: in a terminal, or fed from a pipe."""
