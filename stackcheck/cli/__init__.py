"""The command line: one file per command, which parses, calls, renders and gives the exit status."""
