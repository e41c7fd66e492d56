"""What browsers get, and how late."""
