"""Single JPEG pictures, and series of them: for scripts, and for browsers that play nothing else."""
