"""Real players and raw clients against a running server."""
