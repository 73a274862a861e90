"""What the layers hand to one another: frozen values without I/O."""
