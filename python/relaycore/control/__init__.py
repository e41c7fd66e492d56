"""The command line program: configuration, commands, console, logs."""
