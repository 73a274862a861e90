"""The user-mode driver, as far as the machine alone decides."""
