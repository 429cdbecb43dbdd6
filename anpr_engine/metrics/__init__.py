"""What the engine measures of itself: one table of metrics, one small HTTP server."""
