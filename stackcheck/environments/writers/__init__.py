"""One file per kind of environment file: pure functions from a plan's packages to text."""
