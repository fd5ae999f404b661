"""Binance spot adapter."""
