"""Offers of nanobook-native."""
