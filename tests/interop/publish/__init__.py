"""What real programs publish, and what real programs then read."""
