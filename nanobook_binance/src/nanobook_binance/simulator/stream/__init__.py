"""What the simulated venue says over websockets, and what it is asked there."""
