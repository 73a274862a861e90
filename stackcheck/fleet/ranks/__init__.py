"""The ranks of a data-parallel training: how they are started, watched, and judged."""
