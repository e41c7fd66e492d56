"""Settings that change while the relay runs: what differs, what it ends, and how it is applied."""
