"""Who may read, publish and control: users, Digest and Basic, rules of paths, and the decisions."""
