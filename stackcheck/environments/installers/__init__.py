"""One file per installer, and the choice among them."""
