"""The commands of the command line program, one a file."""
