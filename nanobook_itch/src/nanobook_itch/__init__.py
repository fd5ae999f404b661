"""NASDAQ TotalView-ITCH 5.0 parser and book builder."""
