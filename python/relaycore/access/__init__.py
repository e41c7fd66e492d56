"""Who may read and publish: users, Digest and Basic authentication, rules of paths, and the decisions."""
