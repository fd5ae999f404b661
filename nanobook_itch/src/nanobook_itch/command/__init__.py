"""The command `nanobook itch`."""
