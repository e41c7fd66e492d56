"""Where alerts go: each sink has a queue of its own, and none delays anything."""
