"""Who may read: users, Digest and Basic authentication, and the decisions that the engine asks for."""
