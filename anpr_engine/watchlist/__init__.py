"""Watchlists: files, Redis, and the snapshot in memory that matching uses."""
