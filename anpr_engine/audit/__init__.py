"""The record that can be proved: chained lines, signed heads, and what a check of both finds."""
