"""Who may learn of a hit, and why."""
