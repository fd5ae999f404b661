"""The gate that every order passes before it is sent."""
