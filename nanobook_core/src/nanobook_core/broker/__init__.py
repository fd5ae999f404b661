"""What all brokers share, and the paper broker."""
