"""What happens in a relay, as it happens, for pages that are open."""
