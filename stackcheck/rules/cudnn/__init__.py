"""cuDNN as installed and as loaded."""
