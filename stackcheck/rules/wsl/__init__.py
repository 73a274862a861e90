"""Windows Subsystem for Linux."""
