"""From a plan to files, to a prefix, to an environment that was seen to work."""
