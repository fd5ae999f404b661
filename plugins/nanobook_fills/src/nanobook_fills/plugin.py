"""What nanobook-fills offers: nothing yet, so a probe for it truthfully answers no."""
