"""Compiled loops over arrays; nothing here knows what a watchlist is."""
