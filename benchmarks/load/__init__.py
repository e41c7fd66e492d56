"""What a relay adds: readers of a stream that another server publishes to it."""
