"""Seeded traffic around the border, with its ground truth."""
