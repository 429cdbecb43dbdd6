"""Files through the same pipeline, without broker or Redis."""
