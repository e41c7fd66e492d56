"""Tools of this repository that are modules."""
