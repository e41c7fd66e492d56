"""The page of a path, and the files that it is made of."""
