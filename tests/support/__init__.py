"""What several tests use: servers, clients, measurements."""
